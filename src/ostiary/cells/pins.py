"""Who is served where: what each process asks before it does anything for a tenant. Held in memory until a signal says that it changed."""

from collections.abc import Mapping

from sqlalchemy import Connection

from ostiary.cells import store
from ostiary.cells.store import PinnedRow, State
from ostiary.db.database import Database
from ostiary.db.kept import Kept
from ostiary.errors import CredentialRefused, Elsewhere, TenantMoves
from ostiary.ids import INSTALL, NO_TENANT, TenantId

MOVING_RETRY_S = 2


class Pins:
    """`cell`: the tenant that this process is for; NO_TENANT: for all that are pinned to none."""

    def __init__(self, database: Database, cell: TenantId = NO_TENANT) -> None:
        self.cell = cell
        self._database = database
        self._kept: Kept[Mapping[TenantId, PinnedRow]] = Kept(database.signals, store.CHANGED, most=1)

    def check(self, connection: Connection, tenant: TenantId) -> None:
        """Raises Elsewhere where another address serves the tenant, TenantMoves for the seconds in which none does; in a cell, CredentialRefused for any
        other tenant: to a cell there are none."""
        if tenant == INSTALL:
            return
        if self.cell and tenant != self.cell:
            raise CredentialRefused
        row = self._rows(connection).get(tenant)
        if row is None:
            return
        if row.state is State.RETURNING:
            raise TenantMoves(retry_after_s=MOVING_RETRY_S)
        if not self.cell or row.state is not State.PINNED:
            raise Elsewhere(url=row.url)

    def serves(self, connection: Connection, tenant: TenantId) -> bool:
        """Whether this process is to do anything for the tenant."""
        try:
            self.check(connection, tenant)
        except (Elsewhere, TenantMoves, CredentialRefused):
            return False
        return True

    async def here(self, tenant: TenantId) -> bool:
        """`serves`, for who has no connection. Raises StoreUnavailable."""
        if tenant == INSTALL or (not self.cell and self._kept.get(INSTALL) == {}):
            return True
        return await self._database.run(lambda connection: self.serves(connection, tenant))

    def _rows(self, connection: Connection) -> Mapping[TenantId, PinnedRow]:
        held = self._kept.get(INSTALL)
        if held is None:
            mark = self._kept.mark()
            held = {row.home: row for row in store.pinned(connection, INSTALL)}
            self._kept.keep(INSTALL, INSTALL, held, mark)
        return held
