"""The shield: limits that hold before anything else is looked at, per actor and per address, and the kill switch.

It promises that one caller cannot take all of the gateway: rates by GCRA over all processes, calls under way at once in each; and that what a person has
stopped passes nowhere within a second.
"""
