"""The state that a client carries while its call is held: sealed, so that it can neither be read nor changed nor used by another.

MCP 2026-07-28 has the client hand back `requestState` with the same request. Ours names the call; it opens only for the actor it was made for, for the
same tool, and it survives a restart because its key is the tenant's own.
"""

from dataclasses import dataclass

from ostiary.actions import Actor
from ostiary.errors import SealBroken
from ostiary.ids import CallId
from ostiary.vault import carried
from ostiary.vault.sealing import Place, Vault

PURPOSE = "mcp"
STATE_CHARACTERS_MAX = 2000


@dataclass(frozen=True, slots=True)
class Waiting:
    """Which call the client waits for, under which tool name it asked, and how often it has come back."""

    call: CallId
    tool: str
    rounds: int


class BadState(Exception):
    """The state is not one of ours, or not this actor's."""


async def sealed(vault: Vault, actor: Actor, waiting: Waiting) -> str:
    """The state as text."""
    content = {"call": waiting.call, "tool": waiting.tool, "rounds": waiting.rounds}
    return await carried.sealed(vault, _place(actor), content, purpose=PURPOSE)


def opened(vault: Vault, actor: Actor, state: str, *, tool: str) -> Waiting:
    """What `sealed` made for the same actor and tool. Raises BadState."""
    try:
        content = carried.opened(vault, _place(actor), state, characters_max=STATE_CHARACTERS_MAX)
    except SealBroken:
        raise BadState from None
    if content["tool"] != tool:
        raise BadState
    return Waiting(CallId(content["call"]), content["tool"], content["rounds"])


def _place(actor: Actor) -> Place:
    return Place(actor.tenant, "mcp", "request_state", actor.id)
