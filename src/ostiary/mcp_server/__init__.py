"""The MCP face: what an agent sees of the door. Tools are the actions that its key may call; a tool call is a call; nothing is kept in between.

Both protocol eras are spoken over Streamable HTTP at `/mcp`: 2025-11-25 and older with `initialize`, 2026-07-28 with a self-contained request each. There
is no session on our side, so a restart loses nothing and any process may answer.
"""
