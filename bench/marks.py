"""What a keyed mark costs: to make one, to read a marked row, to count one use of a limit. CPU time of this process, SQLite on a throw-away file.

python bench/marks.py
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from ostiary.db import marks
from ostiary.db.database import Database
from ostiary.db.marks import Marks
from ostiary.db.tables import metadata
from ostiary.ids import TenantId
from ostiary.provenance.store import SESSION, SessionRow
from ostiary.shield.limits import store as limits

TENANT = TenantId("ten_0123456789abcdef0123456789abcdef")
ROUNDS = 500


def cost_us(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    work()
    begun = time.process_time()
    for _ in range(rounds):
        work()
    return (time.process_time() - begun) / rounds * 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'data.db'}")
        database.marks = Marks(lambda _tenant: b"k" * 32, lambda _tenant: b"k" * 32)
        metadata.create_all(database.engine())
        row = SessionRow("ses_" + "0" * 32, "key", "per_" + "0" * 32, False, 1, 2, 0, "")
        values = {name: getattr(row, name) for name in SessionRow.__slots__}
        plan = marks._plan(SESSION)
        print(f"a mark              {cost_us(lambda: marks._made(b'k' * 32, plan, TENANT, values)):8.1f} us")
        database.transact(lambda c: marks.add(c, TENANT, SESSION, values))
        query = select(SESSION).where(SESSION.c.tenant == TENANT, SESSION.c.id == row.id)
        bare = cost_us(lambda: database.read(lambda c: [dict(r._mapping) for r in c.execute(query)]))
        full = cost_us(lambda: database.read(lambda c: marks.read(c, TENANT, query)))
        print(f"a row read, bare    {bare:8.1f} us\na row read, checked {full:8.1f} us")

        def spend(many: int) -> None:
            def work(connection: object) -> None:
                for _ in range(many):
                    limits.spend(connection, TENANT, "lim", "who", 1, count=1, most=10**9, keep_us=0)  # type: ignore[arg-type]

            database.transact(work)

        print(f"a use counted       {cost_us(lambda: spend(100), 3) / 100:8.1f} us")
        database.close()


if __name__ == "__main__":
    main()
