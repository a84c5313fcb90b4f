"""Discovery: where sensitive data lies. A tenant's places (folders, buckets, databases) are looked through by jobs that go on where they stopped, into an inventory
that holds no value: how many findings of which category are in which item, how much of a risk that is, and what has changed since the run before.
"""
