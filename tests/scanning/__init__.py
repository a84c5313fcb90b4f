"""Scanning: places, looking, the state, the report."""
