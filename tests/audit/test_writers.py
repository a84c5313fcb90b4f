"""Several processes, one log: each with a sequencer of its own on the same PostgreSQL."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, create_engine, select, text, update

from ostiary.audit import store
from ostiary.audit._c2sp_note import verify
from ostiary.audit._rfc6962 import append, leaf_hash, root_of
from ostiary.audit.event import Entry
from ostiary.audit.log import Audit
from ostiary.db.database import Database
from ostiary.ids import TenantId
from ostiary.vault.sealing import Vault
from tests import servers
from tests.audit.events import ACME, OTHER, StillClock, refund
from tests.conftest import KINDS

WRITERS = 3
EACH = 150

counter = Table("counter", MetaData(), Column("number", BigInteger, primary_key=True, autoincrement=False))

pytestmark = pytest.mark.skipif("postgresql" not in KINDS, reason="not run: only SQLite was asked for")


@pytest.fixture
def shared() -> Iterator[Database]:
    url = servers.fresh_store("data")
    database = Database(url)
    yield database
    database.close()
    servers.drop_postgresql(url)


@pytest.fixture
def writers(shared: Database, vault: Vault, clock: StillClock) -> Iterator[list[Audit]]:
    url = shared.url.render_as_string(hide_password=False)
    made = [Audit(Database(url), vault, clock, origin="gateway.example") for _ in range(WRITERS)]
    for audit in made:
        audit.start()
    yield made
    for audit in made:
        audit.stop()
        audit.database.close()


def whole(database: Database, audit: Audit, tenant: TenantId) -> list[store.EventRow]:
    """Every event of the log, whose root is the one that was signed."""
    rows = database.read(lambda connection: store.events(connection, tenant, 0, 10_000))
    assert [row.number for row in rows] == list(range(len(rows)))
    head = database.read(lambda connection: store.head(connection, tenant))
    assert head is not None
    assert head.size == len(rows)
    frontier: list[bytes] = []
    for size, row in enumerate(rows):
        append(frontier, size, leaf_hash(row.envelope))
    assert head.root == root_of(frontier)
    assert verify(head.checkpoint, audit.verifier(tenant)).size == len(rows)
    return rows


def test_what_several_processes_record_at_once_is_one_log(shared: Database, writers: list[Audit]) -> None:
    async def one(audit: Audit, writer: int, number: int) -> None:
        tenant = (ACME, OTHER)[number % 2]
        await audit.record(Entry((refund(tenant=tenant, id=f"evt_{writer}_{number}"),)))

    async def all_of_them() -> None:
        await asyncio.gather(*(one(a, w, n) for n in range(EACH) for w, a in enumerate(writers)))

    asyncio.run(all_of_them())
    acme, other = whole(shared, writers[0], ACME), whole(shared, writers[0], OTHER)
    assert {row.id for row in acme + other} == {f"evt_{w}_{n}" for w in range(WRITERS) for n in range(EACH)}
    assert len(acme) + len(other) == WRITERS * EACH


def test_rows_that_are_changed_crosswise_end_in_no_lost_event(shared: Database, writers: list[Audit]) -> None:
    """Two batches that lock the same rows in opposite order: PostgreSQL ends one of them, which is done again."""
    owner = create_engine(servers.owner_url(shared.url.render_as_string(hide_password=False)))
    with owner.begin() as connection:
        counter.create(connection)
        connection.execute(counter.insert(), [{"number": 1}, {"number": 2}])
        connection.execute(text(f"GRANT SELECT, UPDATE ON counter TO {servers.ROLE}"))
    owner.dispose()

    def touch(*numbers: int) -> tuple[Callable[[Connection], None], ...]:
        def write(connection: Connection) -> None:
            for number in numbers:
                connection.execute(update(counter).where(counter.c.number == number).values(number=number))

        return (write,)

    async def all_of_them() -> None:
        entries = [
            (audit, Entry((refund(id=f"evt_{w}_{n}"),), touch(1, 2) if w % 2 else touch(2, 1)))
            for n in range(60)
            for w, audit in enumerate(writers)
        ]
        await asyncio.gather(*(audit.record(entry) for audit, entry in entries))

    asyncio.run(all_of_them())
    assert len(whole(shared, writers[0], ACME)) == 60 * WRITERS
    with servers.intruder(shared) as connection:
        assert sorted(connection.scalars(select(counter.c.number))) == [1, 2]
