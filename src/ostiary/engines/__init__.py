"""Databases that governed statements are run on, each locked down as far as it can be: the tables it has, from its catalogue alone, and the rows of one statement, as they come."""
