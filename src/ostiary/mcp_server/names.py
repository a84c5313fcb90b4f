"""Tool names and action names: MCP clients want `[A-Za-z0-9_-]`, actions have dots.

A dot becomes `_`, an underscore becomes `__`: `invoice.refund` is `invoice_refund`, `ticket.read_all` is `ticket_read__all`. No two actions share a tool
name, because a word of an action's name never starts with an underscore. A name that has a dot is taken as the action's own. A few tools have a plainer name: no action's
name is without a dot, so that theirs is nobody else's.
"""

import re

_PLAINER = {"source.query": "query", "source.ask": "ask"}
_PLAIN = {tool: action for action, tool in _PLAINER.items()}
_UNDERSCORES = re.compile(r"_+")


def tool_name(action: str) -> str:
    """`ticket.read_all` -> `ticket_read__all`."""
    return _PLAINER.get(action) or action.replace("_", "__").replace(".", "_")


def action_name(tool: str) -> str:
    """The reverse of `tool_name`, for any text; what is no action's name the door refuses."""
    return tool if "." in tool else _PLAIN.get(tool) or _UNDERSCORES.sub(_decoded, tool)


def _decoded(run: re.Match[str]) -> str:
    """Pairs are underscores; what is left over is the dot, and a dot is always the last of its run."""
    pairs, dot = divmod(len(run[0]), 2)
    return "_" * pairs + "." * dot
