"""Upstream MCP servers: other people's tools, which may change at any time and say anything.

A definition that no person has accepted, byte for byte, is neither shown nor called. Connections and protocol sessions are kept per tenant, connector
and credential, and never shared further; nothing connects per call.
"""
