"""Imports in the database, on both kinds: a revision is replaced once, old ones go, and another tenant's are not there."""

from ostiary.contracts.importing import store
from ostiary.contracts.importing.store import ImportRow
from ostiary.db.database import Database
from ostiary.ids import TenantId

A, B = TenantId("ten_a"), TenantId("ten_b")
FIRST = ImportRow("imp_1", 1, 1_000, "per_1", b"one")
SECOND = ImportRow("imp_2", 1, 2_000, "per_1", b"two")


def kept(database: Database) -> None:
    for row in (FIRST, SECOND):
        database.transact(lambda connection, row=row: store.insert(connection, A, row))


def test_newest_first_and_only_the_tenants_own(database: Database):
    kept(database)
    assert database.read(lambda connection: store.listed(connection, A, limit=10)) == [SECOND, FIRST]
    assert database.read(lambda connection: store.listed(connection, A, limit=1)) == [SECOND]
    assert database.read(lambda connection: store.listed(connection, B, limit=10)) == []
    assert database.read(lambda connection: store.get(connection, A, "imp_1")) == FIRST
    assert database.read(lambda connection: store.get(connection, B, "imp_1")) is None
    assert database.read(lambda connection: store.count(connection, A)) == 2


def test_of_two_changes_to_one_revision_one_counts(database: Database):
    kept(database)
    after = ImportRow("imp_1", 2, 1_000, "per_1", b"changed")
    late = ImportRow("imp_1", 2, 1_000, "per_1", b"late")
    assert database.transact(lambda connection: store.replace(connection, A, after)) is True
    assert database.transact(lambda connection: store.replace(connection, A, late)) is False
    assert (
        database.transact(
            lambda connection: store.replace(connection, B, ImportRow("imp_1", 3, 1_000, "per_2", b"theirs"))
        )
        is False
    )
    assert database.read(lambda connection: store.get(connection, A, "imp_1")) == after


def test_what_is_removed_is_removed_once_and_by_its_tenant(database: Database):
    kept(database)
    assert database.transact(lambda connection: store.remove(connection, B, "imp_1")) is False
    assert database.transact(lambda connection: store.remove(connection, A, "imp_1")) is True
    assert database.transact(lambda connection: store.remove(connection, A, "imp_1")) is False


def test_what_is_older_goes(database: Database):
    kept(database)
    assert database.transact(lambda connection: store.remove_older(connection, B, 5_000)) == 0
    assert database.transact(lambda connection: store.remove_older(connection, A, 2_000)) == 1
    assert database.read(lambda connection: store.listed(connection, A, limit=10)) == [SECOND]
