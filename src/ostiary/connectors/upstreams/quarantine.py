"""Definitions that nobody has decided about yet: how they come to stand in the quarantine, and no name of theirs anywhere else."""

from collections.abc import Iterable

from sqlalchemy import Connection

from ostiary.actions import JsonValue, Write
from ostiary.connectors.mcp import store
from ostiary.connectors.mcp.definition import Definition
from ostiary.ids import SubjectId, TenantId
from ostiary.vault.sealing import Place, Vault

PURPOSE = "connector"
LOOKED_MAX = 50_000
SEEN_AGAIN_US = 3_600 * 1_000_000
"""How long a definition that was noted is not noted again by the same process."""


def document_place(tenant: TenantId, connector: str, pin: str) -> Place:
    return Place(tenant, "upstream_tool", "document", f"{connector}|{pin}")


class Quarantine:
    """Makes the rows of definitions; keeps in mind which it has made of late."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._noted: dict[tuple[TenantId, str, str], int] = {}

    def sealed(self, tenant: TenantId, connector: str, document: JsonValue, pin: str) -> bytes:
        return self._vault.seal_json(document_place(tenant, connector, pin), document, purpose=PURPOSE)

    async def prepare(self, tenant: TenantId) -> None:
        """Have the key at hand. Raises KeysUnavailable."""
        await self._vault.prepare(tenant, PURPOSE, [SubjectId("")])

    async def noted(
        self, tenant: TenantId, connector: str, found: Iterable[Definition], now_us: int
    ) -> Write | None:
        """The rows that put these definitions into quarantine; None where this process has put them all there within the hour."""
        fresh = [one for one in found if self._is_fresh(tenant, connector, one.pin, now_us)]
        if not fresh:
            return None
        await self.prepare(tenant)
        rows = [self.row(tenant, connector, one, now_us) for one in fresh]

        def write(connection: Connection) -> None:
            for row in rows:
                store.seen(connection, tenant, row)
            store.bound(connection, tenant, connector)

        return write

    def row(self, tenant: TenantId, connector: str, one: Definition, now_us: int) -> store.ToolRow:
        document = self.sealed(tenant, connector, {"definition": dict(one.whole)}, one.pin)
        return store.ToolRow(connector, one.pin, store.State.WAITING, True, document, now_us)

    def _is_fresh(self, tenant: TenantId, connector: str, pin: str, now_us: int) -> bool:
        key = (tenant, connector, pin)
        if now_us - self._noted.get(key, -SEEN_AGAIN_US) < SEEN_AGAIN_US:
            return False
        if len(self._noted) >= LOOKED_MAX:
            self._noted.clear()
        self._noted[key] = now_us
        return True
