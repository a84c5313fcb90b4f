"""Who is first is told so, on each database: by the count of rows that an INSERT wrote."""

import pytest
from sqlalchemy import Connection

from ostiary.db import marks
from ostiary.db.database import Database
from ostiary.db.scope import within
from ostiary.errors import Conflict
from ostiary.ids import INSTALL, TenantId
from ostiary.shield.limits import store
from ostiary.upkeep import store as upkeep

A = TenantId("ten_" + "a" * 32)
ROW = {"limit_id": "lim_1", "who": "key_1", "from_us": 1, "used": 1}


def test_a_row_is_added_once_and_who_is_second_knows_it(database: Database) -> None:
    def add(connection: Connection) -> bool:
        with within(connection, A):
            return marks.add(connection, A, store.COUNT, ROW, once=True)

    assert [database.transact(add), database.transact(add)] == [True, False]


def test_the_first_call_of_a_period_counts_once(database: Database) -> None:
    def spend(most: int) -> bool:
        return database.transact(
            lambda c: store.spend(c, A, "lim_1", "key_1", 1, count=1, most=most, keep_us=0)
        )

    assert [spend(2), spend(2), spend(2)] == [True, True, False]
    assert database.read(lambda c: store.used(c, A, "lim_1", "key_1", 1)) == 2


def test_what_is_noted_first_is_no_conflict(database: Database) -> None:
    database.transact(lambda c: upkeep.note(c, INSTALL, "release", before="", after="1", at_us=1))
    with pytest.raises(Conflict):
        database.transact(lambda c: upkeep.note(c, INSTALL, "release", before="", after="2", at_us=2))
    database.transact(lambda c: upkeep.note(c, INSTALL, "release", before="1", after="2", at_us=3))
    with pytest.raises(Conflict):
        database.transact(lambda c: upkeep.note(c, INSTALL, "release", before="1", after="3", at_us=4))
