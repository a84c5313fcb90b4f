"""An upstream's session id, sealed for the actor that it was given to: nobody else can speak in that session, and the gateway keeps nothing."""

import base64
import binascii

from ostiary.actions import Actor
from ostiary.errors import SealBroken
from ostiary.ids import SubjectId
from ostiary.vault.sealing import Place, Vault

PURPOSE = "mcp"
CHARACTERS_MAX = 2_000


class Sessions:
    """Seals and opens session ids."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def sealed(self, actor: Actor, upstream: str, session: str) -> str:
        await self._vault.prepare(actor.tenant, PURPOSE, (SubjectId(""),))
        raw = self._vault.seal(_place(actor, upstream), session.encode(), purpose=PURPOSE)
        return base64.urlsafe_b64encode(raw).decode()

    def opened(self, actor: Actor, upstream: str, sealed: str) -> str | None:
        """The upstream's id; None for what is not ours, or was given to somebody else or for another upstream."""
        if len(sealed) > CHARACTERS_MAX:
            return None
        try:
            raw = self._vault.open(
                _place(actor, upstream), base64.b64decode(sealed, altchars=b"-_", validate=True)
            )
            return raw.decode()
        except (SealBroken, binascii.Error, ValueError):
            return None


def _place(actor: Actor, upstream: str) -> Place:
    return Place(actor.tenant, "mcp", "upstream_session", f"{actor.id}|{upstream}")
