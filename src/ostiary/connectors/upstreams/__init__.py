"""Upstream MCP servers as a tenant sees them: what was accepted, what waits in quarantine, and the actions that pass one of them through."""
