"""Keys, and what is sealed under them: a root key wraps a tenant's keys, those wrap data keys, and data keys seal content.

It promises that sealed content opens only at the place (tenant, table, column, row) where it was sealed, and that a tenant's keys open nothing of
another's. Key material lives in a small database of its own. Keys away: nothing is opened or sealed, and the caller is told so.
"""
