"""The rows of notices, on both databases: who sends one, once; and what a tenant sees of another's."""

from dataclasses import replace

import pytest

from ostiary.db.database import Database
from ostiary.errors import Conflict
from ostiary.ids import TenantId, new
from ostiary.webhooks import store
from ostiary.webhooks.ended import store as ended
from ostiary.webhooks.ended.store import Span
from ostiary.webhooks.mailing import store as mailing
from ostiary.webhooks.mailing.store import MailingRow
from ostiary.webhooks.store import DeliveryRow, EndpointRow, MessageRow, Standing, State

TENANT, OTHER = TenantId(new("ten")), TenantId(new("ten"))
ENDPOINT = new("whk")
SENT = {"status": 200, "code": "", "took_us": 5, "tries": 1, "state": State.DONE}


def endpoint(**more: object) -> EndpointRow:
    made = EndpointRow(
        tenant=TENANT, id=ENDPOINT, version=1, state=Standing.ACTIVE, reason="", room="", format="standard", types="incident.*,limit.reached",
        settings=b"s", secrets=b"k", failing_us=0, created_us=1, changed_us=1,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def delivery(**more: object) -> DeliveryRow:
    made = DeliveryRow(
        tenant=TENANT, id=new("dlv"), endpoint=ENDPOINT, message="msg_1", type="incident.stopped", state=State.WAITING, claim="", claimed_us=0,
        tries=0, attempts=0, status=0, code="", took_us=0, due_us=100, created_us=1, changed_us=1,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def put(database: Database, *rows: DeliveryRow) -> list[str]:
    for row in rows:
        database.transact(lambda c, row=row: store.add_delivery(c, row.tenant, row))  # type: ignore[misc]
    return [row.id for row in rows]


def due(
    database: Database, *, now_us: int = 1_000, stale_us: int = 0, tenant: TenantId = TENANT
) -> list[str]:
    return database.read(lambda c: store.due(c, tenant, ENDPOINT, now_us=now_us, stale_us=stale_us, limit=10))


def claim(
    database: Database, job: str, chosen: list[str], *, now_us: int = 1_000, stale_us: int = 0
) -> list[DeliveryRow]:
    database.transact(
        lambda c: store.claim(c, TENANT, ENDPOINT, chosen=chosen, job=job, now_us=now_us, stale_us=stale_us)
    )
    return database.read(lambda c: store.claimed(c, TENANT, ENDPOINT, job=job, limit=10))


def test_what_waits_and_is_due_is_sent_the_longest_due_first(database: Database) -> None:
    late, early = put(database, delivery(due_us=900), delivery(due_us=500))
    put(
        database, delivery(due_us=2_000), delivery(state=State.DONE), delivery(state=State.DEAD), delivery(endpoint=new("whk")),
        delivery(claim="job_1", claimed_us=50), delivery(tenant=OTHER),
    )  # fmt: skip
    assert due(database) == [early, late]
    assert len(due(database, tenant=OTHER)) == 1


def test_of_two_jobs_that_claim_the_same_only_one_sends_it(database: Database) -> None:
    first, second = put(database, delivery(due_us=1), delivery(due_us=2))
    seen_by_both = due(database)
    assert [row.id for row in claim(database, "job_a", [first])] == [first]
    assert [row.id for row in claim(database, "job_b", seen_by_both)] == [second]
    assert [row.id for row in claim(database, "job_a", seen_by_both)] == [first]
    assert due(database) == []


def test_a_claim_that_nobody_answers_for_lapses(database: Database) -> None:
    (left,) = put(database, delivery())
    claim(database, "job_dead", [left], now_us=1_000)
    assert due(database, now_us=1_500, stale_us=999) == []
    assert due(database, now_us=9_000, stale_us=1_001) == [left]
    (row,) = claim(database, "job_b", [left], now_us=9_000, stale_us=1_001)
    assert row.claimed_us == 9_000


def test_how_a_try_ended_is_written_once_and_only_by_who_sent_it(database: Database) -> None:
    put(database, row := delivery())
    (mine,) = claim(database, "job_a", [row.id])
    (theirs,) = claim(database, "job_b", [row.id], now_us=9_000, stale_us=8_000)
    settle = lambda held: database.transact(lambda c: store.settle(c, TENANT, held, at_us=7, changes=SENT))  # noqa: E731
    assert settle(mine) is False
    assert settle(theirs) is True
    assert settle(theirs) is False
    (attempt,) = database.read(lambda c: store.attempts(c, TENANT, row.id, limit=9))
    assert (attempt.number, attempt.status, attempt.at_us, attempt.took_us) == (1, 200, 7, 5)
    assert database.read(lambda c: store.attempts(c, OTHER, row.id, limit=9)) == []


def test_only_what_is_active_is_told(database: Database) -> None:
    database.transact(lambda c: store.add_endpoint(c, TENANT, endpoint(), most=3))
    database.transact(
        lambda c: store.add_endpoint(c, TENANT, endpoint(id=new("whk"), state=Standing.PAUSED), most=3)
    )
    assert database.read(lambda c: store.subscriptions(c, TENANT)) == [
        (ENDPOINT, ("incident.*", "limit.reached"))
    ]
    assert database.read(lambda c: store.subscriptions(c, OTHER)) == []
    database.transact(lambda c: store.add_endpoint(c, TENANT, endpoint(id=new("whk")), most=3))
    with pytest.raises(Conflict):
        database.transact(lambda c: store.add_endpoint(c, TENANT, endpoint(id=new("whk")), most=3))


def test_of_two_changes_of_one_webhook_the_second_is_told(database: Database) -> None:
    database.transact(lambda c: store.add_endpoint(c, TENANT, endpoint(), most=3))
    change = {"format": "slack"}
    database.transact(lambda c: store.change_endpoint(c, TENANT, endpoint(), at_us=5, changes=change))
    with pytest.raises(Conflict):
        database.transact(lambda c: store.change_endpoint(c, TENANT, endpoint(), at_us=6, changes=change))
    with pytest.raises(Conflict):
        database.transact(
            lambda c: store.change_endpoint(c, OTHER, endpoint(version=2), at_us=6, changes=change)
        )
    standing = database.read(lambda c: store.find_endpoint(c, TENANT, ENDPOINT))
    assert standing
    assert (standing.version, standing.format, standing.changed_us) == (2, "slack", 5)


def test_one_that_is_switched_off_has_nothing_waiting_and_is_switched_off_once(database: Database) -> None:
    database.transact(lambda c: store.add_endpoint(c, TENANT, endpoint(), most=3))
    put(database, delivery(), delivery(claim="job_1"), delivery(state=State.DONE))
    off = lambda: database.transact(lambda c: store.disable(c, TENANT, ENDPOINT, reason="gone", at_us=9))  # noqa: E731
    assert (off(), off()) == (True, False)
    counted = database.read(lambda c: store.counted(c, TENANT))[ENDPOINT]
    assert (counted.waiting, counted.dead, counted.done) == (0, 2, 1)


def test_what_is_left_due_is_found_and_messages_that_nobody_needs_go(database: Database) -> None:
    database.transact(lambda c: store.add_endpoint(c, TENANT, endpoint(), most=3))
    put(database, delivery(due_us=500))
    look = lambda now_us: database.read(lambda c: store.unattended(c, TENANT, now_us=now_us, stale_us=0))  # noqa: E731
    assert (look(400), look(600)) == ([], [ENDPOINT])
    for name in ("msg_1", "msg_2"):
        row = MessageRow(TENANT, name, "incident.stopped", b"d", 10)
        database.transact(lambda c, row=row: store.add_message(c, TENANT, row))  # type: ignore[misc]
    assert database.transact(lambda c: ended.remove_messages(c, TENANT, before_us=11)) == 1
    assert list(database.read(lambda c: store.messages(c, TENANT, ["msg_1", "msg_2"]))) == ["msg_1"]


def test_after_the_clock_has_gone_back_what_it_put_off_is_due_and_what_it_claimed_is_free(database: Database) -> None:  # fmt: skip
    """A try is put off by a day at most: what is due in a year was put off by a clock that was a year ahead."""
    database.transact(lambda c: store.add_endpoint(c, TENANT, endpoint(), most=3))
    year_us, hour_us = 365 * 86_400_000_000, 3_600_000_000
    far, left = put(
        database, delivery(due_us=year_us), delivery(due_us=1, claim="job_dead", claimed_us=year_us)
    )
    put(database, delivery(due_us=5 * hour_us))
    assert sorted(due(database)) == sorted([far, left])
    assert database.read(lambda c: store.unattended(c, TENANT, now_us=1_000, stale_us=0)) == [ENDPOINT]
    ask = {"since_us": 0, "most": 1}
    loud = lambda now_us: database.read(lambda c: store.is_loud(c, TENANT, "t", now_us=now_us, **ask))  # noqa: E731
    database.transact(lambda c: store.add_message(c, TENANT, MessageRow(TENANT, "msg_9", "t", b"d", year_us)))
    assert (loud(1_000), loud(year_us)) == (False, True)


def test_what_was_put_in_within_a_time_is_sent_again_and_nothing_else(database: Database) -> None:
    dead, done = (
        delivery(state=State.DEAD, created_us=100, tries=10),
        delivery(state=State.DONE, created_us=150),
    )
    put(
        database, dead, done, delivery(state=State.DEAD, created_us=99), delivery(state=State.DEAD, created_us=200),
        delivery(state=State.DEAD, created_us=150, endpoint=new("whk")), delivery(created_us=150), delivery(state=State.DEAD, created_us=150, tenant=OTHER),
    )  # fmt: skip
    failed, all_of_them = Span(100, 200, (State.DEAD,)), Span(100, 200, (State.DEAD, State.DONE))
    count = lambda span: database.read(lambda c: ended.count_range(c, TENANT, ENDPOINT, span=span))  # noqa: E731
    assert (count(failed), count(all_of_them)) == (1, 2)
    database.transact(lambda c: ended.send_range_again(c, TENANT, ENDPOINT, span=failed, at_us=900))  # fmt: skip
    again = database.read(lambda c: store.find_delivery(c, TENANT, dead.id))
    assert again
    assert (again.state, again.tries, again.due_us) == (State.WAITING, 0, 900)
    assert (count(failed), count(all_of_them)) == (0, 1)


def test_a_rooms_webhook_is_found_by_its_room_and_does_not_count_as_a_persons(database: Database) -> None:
    kept = endpoint(id=new("whk"), room="publishing")
    database.transact(lambda c: store.add_endpoint(c, TENANT, kept, most=0))
    database.transact(lambda c: store.add_endpoint(c, TENANT, endpoint(), most=1))
    found = database.read(lambda c: store.find_of_room(c, TENANT, "publishing"))
    assert found
    assert (found.id, found.room) == (kept.id, "publishing")
    assert database.read(lambda c: store.find_of_room(c, OTHER, "publishing")) is None


def test_removing_a_webhook_takes_its_deliveries_and_nobody_elses(database: Database) -> None:
    database.transact(lambda c: store.add_endpoint(c, TENANT, endpoint(), most=3))
    put(database, row := delivery(), other := delivery(endpoint=new("whk")))
    (mine,) = claim(database, "job_a", [row.id])
    database.transact(lambda c: store.settle(c, TENANT, mine, at_us=7, changes=SENT))
    database.transact(lambda c: store.remove_endpoint(c, TENANT, ENDPOINT))
    assert database.read(lambda c: store.find_delivery(c, TENANT, row.id)) is None
    assert database.read(lambda c: store.attempts(c, TENANT, row.id, limit=9)) == []
    assert database.read(lambda c: store.find_delivery(c, TENANT, other.id)) is not None


def test_who_is_mailed_is_changed_from_what_stands(database: Database) -> None:
    standing = database.read(lambda c: mailing.mailing(c, TENANT))
    assert (standing.version, standing.mail, standing.roles) == (0, True, ())
    for version, roles in ((1, ("support",)), (2, ())):
        row = MailingRow(version, False, roles, 5)
        database.transact(lambda c, row=row: mailing.put_mailing(c, TENANT, row))  # type: ignore[misc]
    for version in (1, 2, 4):
        with pytest.raises(Conflict):
            database.transact(
                lambda c, version=version: mailing.put_mailing(c, TENANT, MailingRow(version, True, (), 6))
            )  # type: ignore[misc]
    assert database.read(lambda c: mailing.mailing(c, TENANT)) == MailingRow(2, False, (), 5)
    assert database.read(lambda c: mailing.mailing(c, OTHER)).version == 0
