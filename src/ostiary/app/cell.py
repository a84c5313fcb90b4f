"""What a process of a cell does before anything else, what of a tenant is under way, and what goes with a tenant to its cell and back."""

import time
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection

from ostiary import log
from ostiary.actions import Trace
from ostiary.app.home import rotate_root
from ostiary.audit.event import Decision
from ostiary.blobs import storage
from ostiary.cells import store
from ostiary.cells.moving import Cell, Ended
from ostiary.cells.store import PinnedRow, State
from ostiary.clock import SECOND_US, Clock
from ostiary.consent import store as consent_store
from ostiary.db.database import Database
from ostiary.errors import Conflict, KeysUnavailable
from ostiary.identity import moving as people
from ostiary.identity.moving import Side
from ostiary.ids import INSTALL, CallId, TenantId, install_of
from ostiary.jobs import store as jobs_store
from ostiary.jobs.processes import DEAD_S
from ostiary.retention.certificate import CERTIFIED, digest, sign
from ostiary.retention.ending import destroying
from ostiary.retention.ending import store as endings
from ostiary.retention.kinds import BATCH_ROWS
from ostiary.retention.ledger.ledger import Ledger, carry
from ostiary.retention.services import Retention
from ostiary.retention.store import EndingRow
from ostiary.vault import turning
from ostiary.vault.sealing import Vault
from ostiary.vault.signing import public

ENDINGS_MAX = 100
LOOK_EVERY_S = 0.5
SAY_EVERY_ROUNDS = 60

_LOG = log.get("app")


def take(database: Database, vault: Vault, tenant: TenantId) -> PinnedRow:
    """Wait until the tenant is pinned to this cell, and take its keys over. Raises ConfigurationError where the root key is another cell's."""
    rounds = 0
    while (row := _pinned(database, tenant)) is None or not _is_open(vault, tenant):
        if rounds % SAY_EVERY_ROUNDS == 0:
            _LOG.warning("cell.waits", tenant=tenant, why="it is not pinned with this root key (yet)")
        rounds += 1
        time.sleep(LOOK_EVERY_S)
    rotate_root(vault, [INSTALL, tenant])
    _LOG.info("cell.serves", tenant=tenant)
    return row


def _pinned(database: Database, tenant: TenantId) -> PinnedRow | None:
    rows = database.read(lambda connection: store.pinned(connection, INSTALL))
    return next((row for row in rows if row.home == tenant and row.state is State.PINNED), None)


def _is_open(vault: Vault, tenant: TenantId) -> bool:
    """Whether there is something to do with it: a tenant whose keys are destroyed may still have rows and files that go."""
    try:
        if vault.is_destroyed(tenant):
            return True
        return bool(vault.keys.read(lambda connection: vault.keys.newest(connection, tenant)))
    except KeysUnavailable:
        return False


async def at_work(database: Database, tenant: TenantId, clock: Clock) -> int:
    """How many calls and jobs of the tenant processes are at that live, by this database's list of processes."""

    def look(connection: Connection) -> int:
        found = jobs_store.processes(connection, INSTALL, own_us=clock.now_us())
        alive = {row.id for row in found if not row.stopped and row.quiet_us < DEAD_S * SECOND_US}
        calls = consent_store.standing(connection, tenant).running
        jobs = [row for row in jobs_store.tally(connection, tenant) if row[1] == "running"]
        return sum(calls[boot] for boot in calls if boot in alive) + sum(row[3] for row in jobs if row[2] in alive)  # fmt: skip

    return await database.run(look)


@dataclass(frozen=True, slots=True)
class Crossing:
    """The way between the installation (`here`) and a cell. Each of the two may be done again, and ends the same."""

    here: Retention
    blob_url: str

    def go(self, cell: Cell, tenant: TenantId) -> None:
        """People, API keys and the ledger of erasures. Raises LedgerBroken, KeysUnavailable, StoreUnavailable, BlobsUnavailable."""
        people.go(self._side(), Side(cell.database, cell.vault), tenant)
        carry(self.here.ledger, self._ledger(cell, tenant), tenant)

    def come_back(self, cell: Cell, tenant: TenantId) -> Ended | None:
        """The reverse; of a tenant that was destroyed there its end comes back, and what its cell had for an installation is destroyed too."""
        vault, own = self.here.vault, install_of(tenant)
        if not vault.is_destroyed(own):
            carry(self._ledger(cell, tenant), self.here.ledger, tenant)
        if not vault.is_destroyed(tenant):
            people.come_back(self._side(), Side(cell.database, cell.vault), tenant)
            return None
        ended = self._end(cell, tenant)
        if not vault.is_destroyed(own):
            key = cell.vault.verifier(INSTALL)
            public.publish(vault.keys, own, "sign", key, vault.signer(INSTALL))
            turning.destroy_tenant(vault.keys, own)
        self._empty(own)
        return ended

    def may_return(self, cell: Cell, tenant: TenantId) -> None:
        """Raises Conflict while it is being destroyed: its cell has to go on with that."""
        if self.here.vault.is_destroyed(tenant):
            self._end(cell, tenant)

    def _side(self) -> Side:
        return Side(self.here.database, self.here.vault)

    def _ledger(self, cell: Cell, tenant: TenantId) -> Ledger:
        blobs = storage.at(self.blob_url, install=install_of(tenant))
        return Ledger(cell.vault.keys.database, blobs, cell.vault, self.here.clock)

    def _end(self, cell: Cell, tenant: TenantId) -> Ended:
        """The cell's certificate, looked after from here and signed by the installation's log: whoever takes the certificate need not know of cells."""
        row = next((each for each in cell.database.read(_endings) if _is_of(each, tenant)), None)
        after = self.here.database.read(lambda connection: destroying.counts(connection, tenant))
        if row is None or row.certificate is None or any(after.values()):
            raise Conflict("The tenant is being destroyed: its cell has to end that first.")
        document = orjson.loads(row.certificate)
        audit, vault = self.here.audit, self.here.vault
        statement = {**document["certificate"], "log": audit.log_name(INSTALL), "cell": document}
        signed = orjson.dumps(sign(statement, vault.signer(INSTALL), audit.verifier(INSTALL)))
        copy = EndingRow(row.id, row.state, row.requested_us, row.requested_by, row.due_us, row.ended_us, None, signed)  # fmt: skip

        def rows(connection: Connection) -> None:
            self.here.shut(connection, tenant)
            if endings.find_ending(connection, INSTALL, row.id) is None:
                endings.add_ending(connection, INSTALL, copy)

        trace = Trace(CallId(row.id), CERTIFIED, Decision.RAN, tenant=INSTALL, digest=digest(statement))
        return Ended(trace, rows)

    def _empty(self, own: TenantId) -> None:
        """The cell's own rows: people's accounts there, their sessions, its jobs. That it is gone (`pinned`) stays, and so does its log."""
        for table in endings.emptied():
            while table is not store.PINNED and self.here.database.transact(
                lambda connection, table=table: endings.remove_rows(connection, own, table, BATCH_ROWS)  # type: ignore[misc]
            ):
                pass


def _endings(connection: Connection) -> list[EndingRow]:
    return endings.list_endings(connection, INSTALL, before="", limit=ENDINGS_MAX)


def _is_of(row: EndingRow, tenant: TenantId) -> bool:
    return row.certificate is not None and orjson.loads(row.certificate)["certificate"]["tenant"] == tenant
