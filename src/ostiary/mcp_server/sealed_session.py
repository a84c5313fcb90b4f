"""An upstream's session id, sealed for the actor that it was given to: nobody else can speak in that session, and the gateway keeps nothing."""

from ostiary.actions import Actor
from ostiary.errors import SealBroken
from ostiary.vault import carried
from ostiary.vault.sealing import Place, Vault

PURPOSE = "mcp"
CHARACTERS_MAX = 2_000


class Sessions:
    """Seals and opens session ids."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def sealed(self, actor: Actor, upstream: str, session: str) -> str:
        return await carried.sealed(self._vault, _place(actor, upstream), session, purpose=PURPOSE)

    def opened(self, actor: Actor, upstream: str, sealed: str) -> str | None:
        """The upstream's id; None for what is not ours, or was given to somebody else or for another upstream."""
        try:
            found = carried.opened(
                self._vault, _place(actor, upstream), sealed, characters_max=CHARACTERS_MAX
            )
        except SealBroken:
            return None
        return found if isinstance(found, str) else None


def _place(actor: Actor, upstream: str) -> Place:
    return Place(actor.tenant, "mcp", "upstream_session", f"{actor.id}|{upstream}")
