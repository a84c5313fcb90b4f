"""Which root keys wrap a tenant's keys: several at once while the installation changes its root key, and another than the installation's for a tenant
that is pinned to a cell."""
