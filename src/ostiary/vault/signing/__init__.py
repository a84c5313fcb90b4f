"""Public keys that outlive their private ones: what a tenant's log signed still verifies when the tenant's keys are destroyed."""
