"""The end of a tenant: asked for, waited for, and then every key, row and file of it is gone; its log's hashes and last checkpoint stay."""
