"""The REST face: `/v1/...` for every action that has a route, `/v1/actions/<name>` for a tenant's contracts, OpenAPI 3.1 and a local page of it.

It adds no rule of its own: it reads a request, asks the door, and writes the outcome or an RFC 9457 problem.
"""
