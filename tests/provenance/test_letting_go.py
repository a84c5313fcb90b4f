"""What is let go of, and what takes its place: on both databases."""

from dataclasses import replace

import pytest

from ostiary.db.database import Database
from ostiary.ids import SubjectId, TenantId
from ostiary.provenance import letting_go, store
from ostiary.provenance.marked import store as marked
from ostiary.provenance.marked.store import SeenRow, WrittenRow
from ostiary.provenance.store import SessionRow, WordsRow
from ostiary.retention.kinds import Batch, Whom

TENANT, OTHER = TenantId("ten_a"), TenantId("ten_b")
SESSION = SessionRow("ses_1", "key_1", "per_1", False, 100, 200, 0, "")
WORDS = WordsRow("ses_1", 1, "per_1", "wrd_1", False, b"sealed", 100)
SEEN = SeenRow("sen_1", "key_1", "ses_1", "cal_1", "mail.read", False, 10, 100, 300, b"sealed")


@pytest.fixture
def kept(database: Database) -> Database:
    def rows(connection: object) -> None:
        for tenant in (TENANT, OTHER):
            store.add_session(connection, tenant, SESSION, most=9)  # type: ignore[arg-type]
            store.add_words(connection, tenant, WORDS, most=9)  # type: ignore[arg-type]
            marked.add_seen(connection, tenant, SEEN, gone=[])  # type: ignore[arg-type]
            customer = replace(SEEN, id="sen_2", agent="key_2." + "a" * 20)
            marked.add_seen(connection, tenant, customer, gone=[])  # type: ignore[arg-type]

    database.transact(rows)
    return database


def test_old_sessions_go_with_all_that_is_in_them(kept: Database):
    early = kept.transact(lambda c: letting_go.KEPT.purge(c, TENANT, Batch(200, "", ())))
    assert (early.count, early.done) == (0, True)
    gone = kept.transact(lambda c: letting_go.KEPT.purge(c, TENANT, Batch(201, "", ())))
    assert (gone.count, gone.done) == (1, True)
    assert kept.read(lambda c: store.find_session(c, TENANT, "ses_1")) is None
    assert kept.read(lambda c: store.words(c, TENANT, "ses_1")) == []
    assert kept.read(lambda c: marked.reads(c, TENANT, "ses_1", limit=9)) == []
    assert len(kept.read(lambda c: store.words(c, OTHER, "ses_1"))) == 1


def test_a_person_who_is_erased_leaves_no_words_and_no_open_session(kept: Database):
    whom = Whom(SubjectId("per_1"), "b" * 20, b"")
    assert kept.read(lambda c: letting_go.HOLDER.count(c, TENANT, [], whom)) == {
        "session_words": 1,
        "seen": 0,
    }
    cleared = kept.transact(lambda c: letting_go.HOLDER.clear(c, TENANT, [], whom, 150))
    assert cleared == {"session_words": 1, "seen": 0}
    assert [row.words for row in kept.read(lambda c: store.words(c, TENANT, "ses_1"))] == [b""]
    session = kept.read(lambda c: store.find_session(c, TENANT, "ses_1"))
    assert session is not None
    assert session.closed_us == 150
    assert kept.read(lambda c: store.words(c, OTHER, "ses_1"))[0].words == b"sealed"


def test_a_customer_who_is_erased_leaves_nothing_read(kept: Database):
    whom = Whom(SubjectId("C-1001"), "a" * 20, b"")
    assert kept.transact(lambda c: letting_go.HOLDER.clear(c, TENANT, [], whom, 150)) == {
        "session_words": 0,
        "seen": 1,
    }
    left = kept.read(lambda c: marked.seen_ids(c, TENANT, "key_2." + "a" * 20, now_us=0, most=9))
    assert left == []
    assert kept.read(lambda c: marked.seen_ids(c, TENANT, "key_1", now_us=0, most=9)) == ["sen_1"]


def test_what_has_expired_goes_and_what_is_too_much_gives_its_content_up(kept: Database):
    kept.transact(
        lambda c: marked.add_written(
            c, TENANT, [WrittenRow(bytes([n]) * 32, "cal_1", "a.b", 300 + n) for n in range(4)]
        )
    )
    seen, marks = kept.read(lambda c: marked.expired(c, TENANT, now_us=301, limit=9))
    assert (sorted(seen), marks) == (["sen_1", "sen_2"], [bytes(32), b"\x01" * 32])
    surplus, oldest = kept.read(lambda c: marked.surplus(c, TENANT, bytes_max=15, marks_max=3, limit=9))
    assert len(surplus) == 1
    assert oldest == [bytes(32)]
    kept.transact(lambda c: marked.empty(c, TENANT, surplus))
    (row,) = kept.read(lambda c: marked.seen_rows(c, TENANT, surplus))
    assert (row.marks, row.size, row.tainted) == (b"", 0, True)
    kept.transact(lambda c: marked.remove(c, TENANT, seen, marks))
    assert kept.read(lambda c: marked.expired(c, TENANT, now_us=301, limit=9)) == ([], [])
    assert (
        len(
            kept.read(lambda c: marked.find_written(c, TENANT, [bytes([n]) * 32 for n in range(4)], now_us=0))
        )
        == 2
    )


def test_who_writes_the_same_again_prolongs_it(kept: Database):
    for call, until_us in (("cal_1", 10), ("cal_2", 20)):
        rows = [WrittenRow(b"m" * 32, call, "a.b", until_us)]
        kept.transact(lambda c, rows=rows: marked.add_written(c, TENANT, rows))
    (row,) = kept.read(lambda c: marked.find_written(c, TENANT, [b"m" * 32], now_us=15))
    assert (row.call, row.expires_us) == ("cal_2", 20)
    assert kept.read(lambda c: marked.find_written(c, OTHER, [b"m" * 32], now_us=15)) == []
    assert kept.read(lambda c: marked.find_written(c, TENANT, [b"m" * 32], now_us=20)) == []
