"""The rows of places, runs and items, on both databases."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection

from ostiary.db.database import Database
from ostiary.db.scope import within
from ostiary.discovery import letting_go, store
from ostiary.discovery.store import ItemRow, PlaceRow, RunRow
from ostiary.errors import Conflict
from ostiary.ids import TenantId
from ostiary.retention.kinds import Batch

A, B = TenantId("ten_a"), TenantId("ten_b")
PLACE = PlaceRow("papers", "folder", 1, b"s", None, 0, 0, 1, 1, "per_1")
RUN = RunRow("run_1", "papers", "going", "look", "job_1", 0, None, b"t", 0, 0, 0, 0, 0, 0, 0, 0, 1, "per_1", 1, None)  # fmt: skip


def item(number: int, findings: int = 0, run: str = "run_1", state: str = "looked") -> ItemRow:
    return ItemRow("papers", bytes([number]) * 32, run, 1, state, "", b"s" * 32, b"c" * 32, 5, findings, b"w", None)  # fmt: skip


def test_a_place_has_one_run_under_way_and_only_its_tenant_sees_it(database: Database) -> None:
    def story(connection: Connection) -> None:
        with within(connection, A):
            store.add_place(connection, A, PLACE, most=1)
            with pytest.raises(Conflict):
                store.add_place(connection, A, replace(PLACE, name="other"), most=1)
            store.add_run(connection, A, RUN, going=("going", "paused"))
            with pytest.raises(Conflict):
                store.add_run(connection, A, replace(RUN, id="run_2"), going=("going", "paused"))
            with pytest.raises(Conflict):
                store.move_run(connection, A, "run_1", {"steps": 1}, states=("going",), steps=0, job="job_2")
            store.move_run(connection, A, "run_1", {"steps": 1}, states=("going",), steps=0, job="job_1")
            with pytest.raises(Conflict):  # the same step again
                store.move_run(connection, A, "run_1", {"steps": 1}, states=("going",), steps=0, job="job_1")
            assert store.last_runs(connection, A)["papers"].steps == 1
        with within(connection, B):
            assert store.find_place(connection, B, "papers") is None
            assert store.find_run(connection, B, "run_1") is None
            store.remove_place(connection, B, "papers")
        with within(connection, A):
            assert store.find_place(connection, A, "papers") == PLACE
            store.remove_place(connection, A, "papers")
            assert (store.places(connection, A), store.runs(connection, A, limit=5)) == ([], [])

    database.transact(story)


def test_items_come_by_their_findings_and_those_that_are_no_more_are_noted(database: Database) -> None:
    rows = [item(1, 3), item(2, 7), item(3, 0, state="link"), item(4, 3, run="run_0")]

    def story(connection: Connection) -> None:
        with within(connection, A):
            store.put_items(connection, A, rows)
            store.put_items(connection, A, [item(1, 3)])
            assert set(store.known(connection, A, "papers", [bytes([1]) * 32, bytes([9]) * 32])) == {bytes([1]) * 32}  # fmt: skip

            def page(which: str, after: tuple[int, bytes] | None = None) -> list[int]:
                found = store.page_of_items(connection, A, "papers", which=which, after=after, limit=2)
                return [row.item[0] for row in found]

            assert page("found") == [2, 4]
            assert page("found", (3, bytes([4]) * 32)) == [1]
            assert page("skipped") == [3]
            missing = store.missing(connection, A, "papers", "run_1", 10)
            assert missing == [bytes([4]) * 32]
            assert store.note_gone(connection, A, "papers", missing, 50) == 1
            assert store.missing(connection, A, "papers", "run_1", 10) == []
            assert (page("gone"), page("all")) == ([4], [2, 1])
            assert store.forget_gone(connection, A, 50) == 0
            assert store.forget_gone(connection, A, 51) == 1

    database.transact(story)


def test_old_runs_go_but_the_newest_that_came_to_its_end(database: Database) -> None:
    def story(connection: Connection) -> None:
        with within(connection, A):
            store.add_place(connection, A, PLACE, most=5)
            for number, state in enumerate(("done", "cancelled", "done", "failed")):
                run = replace(RUN, id=f"run_{number}", state=state, ended_us=number + 10)
                store.add_run(connection, A, run, going=("going",))
            purged = letting_go.KEPT.purge
            assert purged is not None
            first = purged(connection, A, Batch(100, "", (), 2))
            assert (first.count, first.done) == (2, False)
            last = purged(connection, A, Batch(100, first.cursor, (), 2))
            assert (last.count, last.done) == (1, True)
            assert [row.id for row in store.runs(connection, A, limit=9)] == ["run_2"]
            newest = store.done_before(connection, A, "papers")
            assert newest is not None
            assert newest.id == "run_2"

    database.transact(story)
