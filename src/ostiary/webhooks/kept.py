"""The webhook that a room keeps for itself: its address and secrets are that room's settings, and everything else is as with any other."""

from collections.abc import Sequence
from typing import Any

from ostiary import ids
from ostiary.actions import Write
from ostiary.clock import Clock
from ostiary.db.database import Database
from ostiary.ids import TenantId
from ostiary.net.address import Egress
from ostiary.secret import Secret
from ostiary.vault.sealing import Vault
from ostiary.webhooks import endpoint as noun
from ostiary.webhooks import store
from ostiary.webhooks.endpoint import SigningSecret
from ostiary.webhooks.store import EndpointRow, Standing


class Kept:
    """`work.RoomWebhook`. `room`: whose; `title`: what people read on its page."""

    def __init__(
        self, database: Database, vault: Vault, clock: Clock, allowed: Egress, *, room: str, title: str
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._allowed = allowed
        self._room = room
        self._title = title

    async def id(self, tenant: TenantId) -> str:
        row = await self._database.run(lambda c: store.find_of_room(c, tenant, self._room))
        return row.id if row else ""

    async def stand(
        self, tenant: TenantId, url: str, types: Sequence[str], secrets: Sequence[tuple[Secret, int]]
    ) -> tuple[str, Write | None]:
        row = await self._database.run(lambda c: store.find_of_room(c, tenant, self._room))
        if not url:
            return "", (lambda c: store.remove_endpoint(c, tenant, row.id)) if row else None
        noun.checked(url, self._allowed)
        await self._vault.prepare(tenant, noun.PURPOSE, ())
        signing = tuple(SigningSecret(secret, until_us) for secret, until_us in secrets)
        if row is None:
            made = self._row(tenant, url, types, signing)
            return made.id, lambda c: store.add_endpoint(c, tenant, made, most=0)
        opened = noun.opened(self._vault, row)
        if (opened.url, _plain(opened.secrets)) == (url, _plain(signing)):
            return row.id, None
        changes: dict[str, Any] = {
            "settings": noun.sealed_settings(self._vault, tenant, row.id, url, self._title),
            "secrets": noun.sealed_secrets(self._vault, tenant, row.id, signing),
        }
        if opened.url != url:  # another place: it is tried again, whatever became of the one before
            changes |= {"state": Standing.ACTIVE, "reason": "", "failing_us": 0}
        at_us = self._clock.now_us()
        return row.id, lambda c: store.change_endpoint(c, tenant, row, at_us=at_us, changes=changes)

    def _row(
        self, tenant: TenantId, url: str, types: Sequence[str], secrets: tuple[SigningSecret, ...]
    ) -> EndpointRow:
        made, now_us = ids.new("whk"), self._clock.now_us()
        return EndpointRow(
            tenant=tenant, id=made, version=1, state=Standing.ACTIVE, reason="", room=self._room, format="standard", types=",".join(types),
            settings=noun.sealed_settings(self._vault, tenant, made, url, self._title), secrets=noun.sealed_secrets(self._vault, tenant, made, secrets),
            failing_us=0, created_us=now_us, changed_us=now_us,
        )  # fmt: skip


def _plain(secrets: Sequence[SigningSecret]) -> list[tuple[str, int]]:
    return [(each.secret.reveal(), each.until_us) for each in secrets]
