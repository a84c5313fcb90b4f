"""Tool names and action names: MCP clients want `[A-Za-z0-9_-]`, actions have dots.

A dot becomes `_`, an underscore becomes `__`: `invoice.refund` is `invoice_refund`, `ticket.read_all` is `ticket_read__all`. No two actions share a tool
name, because a word of an action's name never starts with an underscore. A name that has a dot is taken as the action's own.
"""

import re

_UNDERSCORES = re.compile(r"_+")


def tool_name(action: str) -> str:
    """`ticket.read_all` -> `ticket_read__all`."""
    return action.replace("_", "__").replace(".", "_")


def action_name(tool: str) -> str:
    """The reverse of `tool_name`, for any text; what is no action's name the door refuses."""
    return tool if "." in tool else _UNDERSCORES.sub(_decoded, tool)


def _decoded(run: re.Match[str]) -> str:
    """Pairs are underscores; what is left over is the dot, and a dot is always the last of its run."""
    pairs, dot = divmod(len(run[0]), 2)
    return "_" * pairs + "." * dot
