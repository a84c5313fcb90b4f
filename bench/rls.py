"""What it costs on PostgreSQL that each transaction says its tenant and each row is checked for it: the same work with and without, side by side.

Without: a copy of the schema in which row-level security is off, and connections that tell the server nothing. The twentieth of all times that is
the quickest, in short rounds that take turns: what a busy machine adds is the same for both.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

sys.path.pop(0)  # this folder: a file in it is called as the MCP SDK is
sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import Connection, create_engine, text
from tests import servers
from tests.conftest import MARKS

from ostiary.access import store
from ostiary.access.store import RoleRow
from ostiary.db import database as database_module
from ostiary.db import scope
from ostiary.db.database import Database
from ostiary.ids import TenantId

ROUNDS, EACH = 40, 25
TENANTS, ROLES = 20, 50


def database(*, confined: bool) -> Database:
    url = servers.fresh_store("data")
    made = Database(url)
    made.marks = MARKS
    for number in range(TENANTS):
        tenant = TenantId(f"ten_{number}")

        def fill(connection: Connection, tenant: TenantId = tenant) -> None:
            for role in range(ROLES):
                store.put(connection, tenant, RoleRow(f"role{role}", frozenset({"audit.read"}), b"w" * 60, 1))

        made.transact(fill)
    with servers.intruder(made) as connection:
        connection.execute(text("ANALYZE role"))
    if confined:
        return made
    made.close()
    owner = create_engine(servers.owner_url(url))
    with owner.begin() as connection:
        connection.execute(text("ALTER TABLE role DISABLE ROW LEVEL SECURITY"))
    owner.dispose()
    with mock.patch.object(database_module, "follow", return_value=None):
        made = Database(url)
    made.marks = MARKS
    return made


def measured(work: Callable[[Database, int], object], at: Database) -> list[float]:
    """Microseconds, each time."""
    taken = []
    for number in range(EACH):
        begun = time.perf_counter()
        work(at, number)
        taken.append((time.perf_counter() - begun) * 1e6)
    return taken


def standing(at: Database) -> str:
    """What the server was told by the statement before."""
    tell = text("SELECT coalesce(current_setting('ostiary.tenant', true), '')")
    with at.engine().connect() as connection, scope.within(connection, TenantId("ten_3")):
        return str(connection.scalar(tell))


def main() -> None:
    confined, plain = database(confined=True), database(confined=False)
    assert (standing(confined), standing(plain)) == ("ten_3", "")
    a = TenantId("ten_3")
    row = RoleRow("role7", frozenset({"audit.read"}), b"v" * 60, 2)
    works: dict[str, Callable[[Database, int], object]] = {
        "1 row read": lambda d, n: d.read(lambda c: store.find(c, a, f"role{n % ROLES}")),
        "50 rows read": lambda d, n: d.read(lambda c: store.listed(c, a)),
        "5 reads in one transaction": lambda d, n: d.read(
            lambda c: [store.find(c, a, f"role{i}") for i in range(5)]
        ),
        "1 row written, committed": lambda d, n: d.transact(lambda c: store.put(c, a, row)),
    }
    print(f"{'':30}{'without us':>12}{'with us':>12}{'ratio':>8}")
    for name, work in works.items():
        taken: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(ROUNDS):
            for which, at in ((True, confined), (False, plain)):
                taken[which] += measured(work, at)
        without, with_it = (statistics.quantiles(taken[which], n=20)[0] for which in (False, True))
        print(f"{name:30}{without:12.0f}{with_it:12.0f}{with_it / without:8.2f}")
    for each in (confined, plain):
        url = each.url.render_as_string(hide_password=False)
        each.close()
        servers.drop_postgresql(url)


if __name__ == "__main__":
    main()
