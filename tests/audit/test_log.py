"""An event is durable when `record` returns, together with what it tells of; without the log nothing passes."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, func, select, text
from sqlalchemy.exc import IntegrityError

from ostiary.actions import ActorKind, Face
from ostiary.audit import store
from ostiary.audit._c2sp_note import verify
from ostiary.audit._rfc6962 import append, leaf_hash, root_of
from ostiary.audit.event import Decision, Entry
from ostiary.audit.log import Audit
from ostiary.db.database import Database
from ostiary.errors import AuditUnavailable, Conflict, KeysUnavailable
from ostiary.ids import INSTALL, TenantId
from ostiary.vault.sealing import Vault
from tests import servers
from tests.audit.events import ACME, OTHER, StillClock, about, entry, refund

counter = Table("counter", MetaData(), Column("number", BigInteger, primary_key=True, autoincrement=False))


@pytest.fixture(autouse=True)
def _counter(request: pytest.FixtureRequest) -> None:
    """Rows of our own, to see whether they commit."""
    name = next(name for name in ("database", "sqlite_database") if name in request.fixturenames)
    servers.make_tables(request.getfixturevalue(name), counter.metadata)


def kept(database: Database, tenant: TenantId = ACME) -> list[store.EventRow]:
    return database.read(lambda connection: store.events(connection, tenant, 0, 10_000))


def head(database: Database, tenant: TenantId = ACME) -> store.HeadRow:
    found = database.read(lambda connection: store.head(connection, tenant))
    assert found is not None
    return found


def add(number: int) -> Callable[[Connection], None]:
    def write(connection: Connection) -> None:
        connection.execute(counter.insert(), {"number": number})

    return write


def numbers(database: Database) -> list[int]:
    return database.read(
        lambda connection: list(connection.scalars(select(counter.c.number).order_by("number")))
    )


def test_a_recorded_event_is_in_the_log_with_a_signed_checkpoint(audit: Audit) -> None:
    asyncio.run(audit.record(entry(id="evt_1", parts=(about("cus_7", {"amount": 12}),))))
    rows = kept(audit.database)
    assert [(row.number, row.id) for row in rows] == [(0, "evt_1")]
    checkpoint = verify(head(audit.database).checkpoint, audit.verifier(ACME))
    assert (checkpoint.origin, checkpoint.size) == ("gateway.example/ten_acme", 1)
    assert checkpoint.root == leaf_hash(rows[0].envelope)


def test_the_search_columns_are_the_words_of_the_envelope(audit: Audit) -> None:
    asyncio.run(audit.record(entry(actor_kind=ActorKind.PERSON, face=Face.CONSOLE, decision=Decision.HELD)))
    with servers.intruder(audit.database) as connection:
        columns = connection.execute(text("SELECT decision, actor_kind FROM audit_event")).one()
    assert tuple(columns) == ("held", "person")
    assert b'"actor_kind":"person"' in kept(audit.database)[0].envelope


def test_many_callers_share_batches_and_nobody_is_lost(audit: Audit) -> None:
    async def all_at_once() -> None:
        await asyncio.gather(*(audit.record(entry(call=f"cal_{n}")) for n in range(600)))

    asyncio.run(all_at_once())
    rows = kept(audit.database)
    assert [row.number for row in rows] == list(range(600))
    frontier: list[bytes] = []
    for size, row in enumerate(rows):
        append(frontier, size, leaf_hash(row.envelope))
    assert head(audit.database).root == root_of(frontier)


def test_each_tenant_has_a_log_of_its_own(audit: Audit) -> None:
    async def three() -> None:
        await audit.record(Entry((refund(), refund(tenant=OTHER), refund(tenant=INSTALL))))
        await audit.record(entry(tenant=OTHER))

    asyncio.run(three())
    assert [head(audit.database, tenant).size for tenant in (ACME, OTHER, INSTALL)] == [1, 2, 1]


def test_rows_and_events_commit_together(audit: Audit) -> None:
    asyncio.run(audit.record(Entry((refund(),), (add(1), add(2)))))
    assert numbers(audit.database) == [1, 2]
    assert len(kept(audit.database)) == 1


def test_a_refused_row_undoes_its_entry_alone(audit: Audit) -> None:
    def refuse(connection: Connection) -> None:
        raise Conflict("taken")

    async def batch() -> list[object]:
        one = audit.record(Entry((refund(call="cal_1"),), (add(1),)))
        two = audit.record(Entry((refund(call="cal_2"),), (add(2), refuse)))
        three = audit.record(Entry((refund(call="cal_3"),), (add(3), add(1))))
        four = audit.record(Entry((refund(call="cal_4"),), (add(4),)))
        return list(await asyncio.gather(one, two, three, four, return_exceptions=True))

    first, second, third, fourth = asyncio.run(batch())
    assert first is None
    assert isinstance(second, Conflict)
    assert isinstance(third, IntegrityError)
    assert fourth is None
    assert numbers(audit.database) == [1, 4]
    assert [b"cal_1" in row.envelope or b"cal_4" in row.envelope for row in kept(audit.database)] == [
        True,
        True,
    ]


def test_a_mistake_in_one_callers_row_is_that_callers(sqlite_audit: Audit) -> None:
    def mistaken(connection: Connection) -> None:
        raise KeyError("no such column")

    async def batch() -> list[object]:
        calls = (sqlite_audit.record(Entry((refund(),), (mistaken,))), sqlite_audit.record(entry()))
        return list(await asyncio.gather(*calls, return_exceptions=True))

    first, second = asyncio.run(batch())
    assert isinstance(first, KeyError)
    assert second is None


def test_a_tenant_without_keys_is_refused_and_nobody_else(sqlite_audit: Audit) -> None:
    async def batch() -> list[object]:
        calls = (sqlite_audit.record(entry(tenant=TenantId("ten_nobody"))), sqlite_audit.record(entry()))
        return list(await asyncio.gather(*calls, return_exceptions=True))

    first, second = asyncio.run(batch())
    assert isinstance(first, AuditUnavailable)
    assert isinstance(first.__cause__, KeysUnavailable)
    assert second is None


@pytest.mark.parametrize(
    "changes", [{"action": "a" * 201}, {"call": "c" * 65}, {"code": "a\nb"}, {"actor_id": "é"}]
)
def test_what_a_stranger_sent_does_not_get_into_the_clear_part(
    sqlite_audit: Audit, changes: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match="public field"):
        asyncio.run(sqlite_audit.record(entry(**changes)))
    asyncio.run(sqlite_audit.record(entry()))
    assert len(kept(sqlite_audit.database)) == 1


def test_a_failing_database_refuses_and_then_recovers_by_itself(audit: Audit) -> None:
    asyncio.run(audit.record(entry(call="cal_1")))

    def rename(before: str, after: str) -> None:
        servers.tamper(
            audit.database,
            lambda connection: connection.execute(text(f"ALTER TABLE {before} RENAME TO {after}")),
        )

    rename("audit_tile", "audit_gone")
    with pytest.raises(AuditUnavailable):
        asyncio.run(audit.record(Entry((refund(call="cal_2"),), (add(1),))))
    assert audit.healthy is False
    assert numbers(audit.database) == []
    rename("audit_gone", "audit_tile")
    audit.probe()
    assert audit.healthy is True
    asyncio.run(audit.record(entry(call="cal_3")))
    assert [b"cal_2" in row.envelope for row in kept(audit.database)] == [False, False]
    assert verify(head(audit.database).checkpoint, audit.verifier(ACME)).size == 2


def test_after_a_restart_the_log_goes_on_where_it_stood(
    audit: Audit, vault: Vault, clock: StillClock
) -> None:
    async def some(target: Audit, count: int) -> None:
        await asyncio.gather(*(target.record(entry()) for _ in range(count)))

    asyncio.run(some(audit, 300))
    audit.stop()
    again = Audit(audit.database, vault, clock, origin="gateway.example")
    again.start()
    asyncio.run(some(again, 250))
    again.stop()
    frontier: list[bytes] = []
    for size, row in enumerate(kept(audit.database)):
        append(frontier, size, leaf_hash(row.envelope))
    assert (head(audit.database).size, head(audit.database).root) == (550, root_of(frontier))


def test_two_sequencers_do_not_fork_a_log(audit: Audit, vault: Vault, clock: StillClock) -> None:
    second = Audit(audit.database, vault, clock, origin="gateway.example")
    second.start()
    for n in range(6):
        (audit, second)[n % 2].record_sync(entry(call=f"cal_{n}"))
    second.stop()
    assert [row.number for row in kept(audit.database)] == [0, 1, 2, 3, 4, 5]
    frontier: list[bytes] = []
    for size, row in enumerate(kept(audit.database)):
        append(frontier, size, leaf_hash(row.envelope))
    assert head(audit.database).root == root_of(frontier)


def test_threads_and_several_event_loops_record(sqlite_audit: Audit) -> None:
    threads = [threading.Thread(target=lambda: sqlite_audit.record_sync(entry())) for _ in range(5)]
    threads += [threading.Thread(target=lambda: asyncio.run(sqlite_audit.record(entry()))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept(sqlite_audit.database)) == 10


def test_stop_commits_what_is_queued_and_refuses_what_comes_after(sqlite_audit: Audit) -> None:
    for _ in range(50):
        sqlite_audit.submit(entry())
    sqlite_audit.stop()
    assert len(kept(sqlite_audit.database)) == 50
    with pytest.raises(AuditUnavailable):
        sqlite_audit.submit(entry())
    with pytest.raises(AuditUnavailable):
        asyncio.run(sqlite_audit.record(entry()))


def test_a_full_queue_refuses_at_once(sqlite_database: Database, vault: Vault, clock: StillClock) -> None:
    audit = Audit(sqlite_database, vault, clock, origin="gateway.example", queue_max=2)
    held, going = threading.Event(), threading.Event()

    def wait(connection: Connection) -> None:
        held.set()
        going.wait()

    audit.start()
    audit.submit(Entry((refund(),), (wait,)))
    held.wait()
    audit.submit(entry())
    audit.submit(entry())
    with pytest.raises(AuditUnavailable):
        audit.submit(entry())
    going.set()
    audit.stop()
    assert len(kept(sqlite_database)) == 3


def test_a_caller_that_went_away_harms_nobody(sqlite_audit: Audit) -> None:
    async def leave() -> None:
        gone = asyncio.create_task(sqlite_audit.record(entry()))
        await asyncio.sleep(0)
        gone.cancel()
        await sqlite_audit.record(entry())

    asyncio.run(leave())
    assert len(kept(sqlite_audit.database)) == 2


def test_envelopes_go_to_stdout_after_they_are_durable(
    sqlite_database: Database, vault: Vault, clock: StillClock
) -> None:
    seen: list[tuple[bytes, int]] = []

    def out(lines: bytes) -> None:
        count = sqlite_database.read(
            lambda connection: connection.scalar(select(func.count(store.audit_event.c.id)))
        )
        seen.append((lines, count or 0))

    audit = Audit(sqlite_database, vault, clock, origin="gateway.example", stdout=out)
    audit.start()
    audit.record_sync(entry(id="evt_1", parts=(about("cus_7", "the content"),)))
    audit.stop()
    assert seen == [(kept(sqlite_database)[0].envelope + b"\n", 1)]
    assert b"the content" not in seen[0][0]
