"""What a tenant may use at most, as the operator says: calls at once and a second, bytes stored, jobs at once. Nothing said is no limit but the process's own."""
