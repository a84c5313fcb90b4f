"""Sensitive data on its way out: found by patterns and checksums, masked unless the tenant's policy lets the asker's role see its category.

It promises that a value which a detector recognises never leaves in the clear to a role that may not see it, that masking never changes what JSON
is, and that it cannot be turned back: a mask carries no more than a category and, for cards and IBANs, the last four characters.
What is sensitive is found by `detection`.
"""
