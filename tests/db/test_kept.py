"""What is kept in memory counts until it is said that it changed, and never what was read before that."""

from contextlib import suppress

from ostiary.db.database import Database
from ostiary.db.kept import Kept
from ostiary.db.signals import tell
from ostiary.ids import NO_TENANT, TenantId

A, B = TenantId("ten_a"), TenantId("ten_b")


def kept_of(database: Database, **more) -> Kept[str]:  # type: ignore[no-untyped-def]
    return Kept(database.signals, "thing", "other", most=more.pop("most", 10), **more)


def test_a_change_voids_its_tenants_values_and_no_others(sqlite_database: Database) -> None:
    kept = kept_of(sqlite_database)
    for tenant in (A, B):
        kept.keep(tenant, tenant, "value", kept.mark())
    sqlite_database.transact(lambda connection: tell(connection, A, "other"))
    assert (kept.get(A), kept.get(B)) == (None, "value")
    sqlite_database.transact(lambda connection: tell(connection, B, "something else"))
    assert kept.get(B) == "value"
    kept.drop(NO_TENANT)
    assert kept.get(B) is None


def test_what_was_read_before_a_change_is_not_kept_after_it(sqlite_database: Database) -> None:
    kept = kept_of(sqlite_database)
    mark = kept.mark()
    sqlite_database.transact(lambda connection: tell(connection, A, "thing"))
    kept.keep(A, A, "old", mark)
    assert kept.get(A) is None
    kept.keep(A, A, "new", kept.mark())
    assert kept.get(A) == "new"


def test_a_change_that_was_undone_is_none(sqlite_database: Database) -> None:
    kept = kept_of(sqlite_database)
    kept.keep(A, A, "value", kept.mark())

    def fails(connection):  # type: ignore[no-untyped-def]
        tell(connection, A, "thing")
        raise ZeroDivisionError

    with suppress(ZeroDivisionError):
        sqlite_database.transact(fails)
    assert kept.get(A) == "value"


def test_a_process_that_cannot_hear_trusts_nothing_that_it_keeps(sqlite_database: Database) -> None:
    kept = kept_of(sqlite_database)
    kept.keep(A, A, "value", kept.mark())
    sqlite_database.signals._shared = True  # and nobody has begun to listen
    assert kept.get(A) is None
    assert kept.last(A) == "value"


def test_what_goes_is_told_and_the_least_used_goes_first(sqlite_database: Database) -> None:
    gone: list[str] = []
    kept = kept_of(sqlite_database, most=2, gone=gone.append)
    for name in ("one", "two"):
        kept.keep(A, name, name, kept.mark())
    assert kept.get("one") == "one"
    kept.keep(A, "three", "three", kept.mark())
    assert gone == ["two"]
    kept.keep(A, "one", "another", kept.mark())
    assert gone == ["two", "one"]
    kept.clear()
    assert sorted(gone) == ["another", "one", "three", "two"]
