"""The rows of jobs, on both databases: who may take one, who has it, and what makes two of them one."""

from dataclasses import replace

import pytest

from ostiary.db.database import Database
from ostiary.errors import Conflict
from ostiary.ids import TenantId, new
from ostiary.jobs import store
from ostiary.jobs.store import JobRow, State

TENANT, OTHER = TenantId(new("ten")), TenantId(new("ten"))


def row(**more: object) -> JobRow:
    made = JobRow(
        tenant=TENANT, id=new("job"), kind="test.count", state=State.QUEUED, code="", slot=None, requested_kind="person", requested_by="per_1",
        process="", fence=0, run=0, step=0, tries=0, crashes=0, cancelling=False, count=0, total=0, origin=b"o", params=b"p", reached=None,
        due_us=100, created_us=1, changed_us=1, started_us=None, ended_us=None,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def add(database: Database, made: JobRow, *, join: bool = True) -> JobRow:
    database.transact(lambda c: store.add_job(c, made.tenant, made, join=join))
    return made


def due(
    database: Database, *, now_us: int = 1_000, alive: tuple[str, ...] = (), tenant: TenantId = TENANT
) -> list[str]:
    kinds = ["test.count"]
    found = database.read(
        lambda c: store.due_jobs(c, tenant, kinds=kinds, now_us=now_us, alive=alive, limit=10)
    )
    return [each.id for each in found]


def found(database: Database, job: JobRow) -> JobRow:
    standing = database.read(lambda c: store.find_job(c, job.tenant, job.id))
    assert standing is not None
    return standing


def test_what_is_due_is_queued_in_time_or_left_by_a_dead_process(database: Database) -> None:
    late = add(database, row(due_us=900))
    early = add(database, row(due_us=500))
    add(database, row(due_us=2_000))
    add(database, row(kind="test.unknown"))
    add(database, row(state=State.DONE))
    add(database, row(state=State.RUNNING, process="bot_alive"))
    left = add(database, row(state=State.RUNNING, process="bot_dead", due_us=950))
    assert due(database, alive=("bot_alive",)) == [early.id, late.id, left.id]
    assert due(database, tenant=OTHER) == []


def test_of_one_slot_there_is_one_job_at_the_earlier_time(database: Database) -> None:
    first = add(database, row(slot="approval.expire", due_us=500))
    add(database, row(slot="approval.expire", due_us=900))
    assert found(database, first).due_us == 500
    add(database, row(slot="approval.expire", due_us=300))
    assert found(database, first).due_us == 300
    add(database, row(slot="approval.expire", due_us=100), join=False)
    assert found(database, first).due_us == 300
    assert due(database) == [first.id]
    elsewhere = add(database, row(tenant=OTHER, slot="approval.expire"))
    assert due(database, tenant=OTHER) == [elsewhere.id]


@pytest.mark.parametrize(
    "change", [{"fence": 2}, {"process": "bot_2"}, {"step": 1}, {"run": 1}, {"state": State.QUEUED}]
)
def test_a_row_moves_only_as_its_holder_knows_it(database: Database, change: dict[str, object]) -> None:
    held = add(database, row(state=State.RUNNING, process="bot_1", fence=1))
    other = replace(held, **change)  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        database.transact(lambda c: store.move_job(c, TENANT, other, at_us=9, changes={"count": 7}))
    assert found(database, held).count == 0
    database.transact(lambda c: store.move_job(c, TENANT, held, at_us=9, changes={"count": 7}))
    assert found(database, held).count == 7


def test_who_lost_the_job_commits_nothing_with_it(database: Database) -> None:
    held = add(database, row(state=State.RUNNING, process="bot_1", fence=1))
    database.transact(lambda c: store.must_hold(c, TENANT, held))
    database.transact(
        lambda c: store.move_job(c, TENANT, held, at_us=9, changes={"process": "bot_2", "fence": 2})
    )
    deed = row()

    def late(connection: object) -> None:
        store.add_job(connection, TENANT, deed, join=False)  # type: ignore[arg-type]
        store.must_hold(connection, TENANT, held)  # type: ignore[arg-type]

    with pytest.raises(Conflict):
        database.transact(late)
    assert database.read(lambda c: store.find_job(c, TENANT, deed.id)) is None


def test_cancelling_is_at_once_while_it_waits_and_a_wish_while_it_runs(database: Database) -> None:
    waits, runs, over = (
        add(database, row(state=state)) for state in (State.QUEUED, State.RUNNING, State.DONE)
    )
    said = [
        database.transact(lambda c, j=j: store.ask_to_stop(c, TENANT, j.id, at_us=9))
        for j in (waits, runs, over)
    ]
    assert said == [True, True, False]
    assert [(found(database, j).state, found(database, j).cancelling) for j in (waits, runs, over)] == [
        (State.CANCELLED, True), (State.RUNNING, True), (State.DONE, False),
    ]  # fmt: skip


def test_only_what_has_long_been_over_is_forgotten(database: Database) -> None:
    old = add(database, row(state=State.DONE, ended_us=5))
    kept = [
        add(database, row(state=State.DONE, ended_us=50)),
        add(database, row(state=State.RUNNING)),
        add(database, row()),
    ]
    assert database.transact(lambda c: store.forget_jobs(c, TENANT, 10)) == 1
    assert database.read(lambda c: store.find_job(c, TENANT, old.id)) is None
    assert all(found(database, each) for each in kept)
