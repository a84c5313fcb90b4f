"""The rows of wraps: a tenant's key under another root key than the installation's."""
