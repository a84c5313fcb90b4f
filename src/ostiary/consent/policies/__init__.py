"""A tenant's policy document: checked, applied in versions that are never changed, compiled and kept, and tried on what was decided before."""
