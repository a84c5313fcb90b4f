"""Discovery: where sensitive data lies in folders, buckets and databases of a tenant, found by jobs that survive a crash, and kept as an inventory without values."""
