"""Several processes at once, each with a connection of its own: a pre-approval is not used more often than was said, and nobody's yes counts twice."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection

from ostiary.consent.allowances import store as allowances
from ostiary.consent.allowances.store import AllowanceRow
from ostiary.consent.quorum import store as quorum
from ostiary.consent.quorum.store import VoteRow
from ostiary.db.database import Database
from ostiary.db.tables import metadata
from ostiary.errors import AllowanceSpent, ApprovalAgain, Conflict
from ostiary.ids import CallId, TenantId
from tests import servers
from tests.conftest import MARKS

TENANT, OTHER = TenantId("ten_" + "a" * 32), TenantId("ten_" + "b" * 32)
ALLOWANCE, CALL = "alw_" + "1" * 32, CallId("cal_" + "2" * 32)
PROCESSES = 4


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path):  # type: ignore[no-untyped-def]
    """The same database, as several processes open it."""
    url = servers.fresh_store("data") if request.param == "postgresql" else f"sqlite:///{tmp_path}/data.db"
    opened = [Database(url) for _ in range(PROCESSES)]
    for database in opened:
        database.marks = MARKS
    if request.param == "sqlite":
        metadata.create_all(opened[0].engine())
    yield opened
    for database in opened:
        database.close()
    if request.param == "postgresql":
        servers.drop_postgresql(url)


def at_once(databases: list[Database], work, times: int) -> list[str]:  # type: ignore[no-untyped-def]
    """What became of each try: "" or the name of the error."""

    def one(number: int) -> str:
        try:
            databases[number % len(databases)].transact(lambda connection: work(connection, number))
        except (AllowanceSpent, ApprovalAgain, Conflict) as error:
            return type(error).__name__
        return ""

    with ThreadPoolExecutor(8) as pool:
        return sorted(pool.map(one, range(times)))


def test_a_pre_approval_is_used_as_often_as_was_said(databases: list[Database]) -> None:
    row = AllowanceRow(ALLOWANCE, "key", "pay.send", "1" * 64, "per_1", 1, 10**18, 5, 1_000, None, None, b"sealed")  # fmt: skip
    databases[0].transact(lambda c: allowances.add(c, TENANT, row, now_us=2, standing_max=9))

    def take(connection: Connection, _number: int) -> None:
        allowances.take(connection, TENANT, ALLOWANCE, micros=200, now_us=2)

    assert at_once(databases, take, 24) == [""] * 5 + ["AllowanceSpent"] * 19
    left = databases[0].read(lambda c: allowances.find(c, TENANT, ALLOWANCE))
    assert left is not None
    assert (left.left_count, left.left_micros) == (0, 0)
    assert databases[0].read(lambda c: allowances.find(c, OTHER, ALLOWANCE)) is None


def test_a_pre_approval_is_used_for_as_much_as_was_said(databases: list[Database]) -> None:
    row = AllowanceRow(ALLOWANCE, "key", "pay.send", "1" * 64, "per_1", 1, 10**18, 100, 1_000, None, None, b"sealed")  # fmt: skip
    databases[0].transact(lambda c: allowances.add(c, TENANT, row, now_us=2, standing_max=9))

    def take(connection: Connection, _number: int) -> None:
        allowances.take(connection, TENANT, ALLOWANCE, micros=300, now_us=2)

    assert at_once(databases, take, 16) == [""] * 3 + ["AllowanceSpent"] * 13


def test_one_person_is_counted_once_and_two_at_once_are_two(databases: list[Database]) -> None:
    def again(connection: Connection, number: int) -> None:
        quorum.cast(connection, TENANT, VoteRow(CALL, 1, "apr", "per_ada", number, b"v" * 32))

    said = at_once(databases, again, 12)
    assert said.count("") == 1

    def others(connection: Connection, number: int) -> None:
        quorum.cast(connection, TENANT, VoteRow(CALL, 2, "apr", f"per_{number}", number, b"v" * 32))

    assert at_once(databases, others, 12).count("") == 1
    votes = databases[0].read(lambda c: quorum.votes(c, TENANT, [CALL]))
    assert [vote.ordinal for vote in votes] == [1, 2]
    assert databases[0].read(lambda c: quorum.votes(c, OTHER, [CALL])) == []
