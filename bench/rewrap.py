"""How long it takes until every data key of a tenant is wrapped by a new version of its key, and what that does to those who use the keys meanwhile.

Beside it, in the same run and on the same rows: opening and sealing under keys that are not held, alone and during the rewrap; and a plain UPDATE of as
many rows by the database, which is the least that a rewrap can cost.
"""

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import insert

sys.path.pop(0)  # this folder: a file in it is called as the MCP SDK is
sys.path.insert(0, str(Path(__file__).parents[1]))

from tests import servers

from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.db.scope import within
from ostiary.db.tables import keys_metadata
from ostiary.ids import SubjectId, TenantId, random_bytes
from ostiary.vault import envelope, store, turning
from ostiary.vault.keyring import data_aad
from ostiary.vault.root import EnvironmentRoot, generate
from ostiary.vault.sealing import Place, Vault

KEYS = 1_000_000
FILL_ROWS = 20_000
ALONE_S = 3.0
PAUSE_S = 0.002
AIM_S = 30.0
TENANT = TenantId("ten_00000000000000000000000000000000")
PLACE = Place(TENANT, "event", "content", "evt_00000000000000000000000000000000")
PURPOSE = "bench"


def fill(vault: Vault, keys: Database, count: int) -> list[str]:
    """Data keys as `seal` makes them, many at once; some of their ids."""
    at_us, some = SystemClock().now_us(), []
    version, wrapping = keys.transact(lambda connection: vault.keys.newest(connection, TENANT))
    for first in range(0, count, FILL_ROWS):
        rows = []
        for _ in range(min(FILL_ROWS, count - first)):
            row = store.DataKeyRow(random_bytes(16).hex(), PURPOSE, random_bytes(32), 1, version, None, at_us)
            wrapped = envelope.wrap(
                wrapping, envelope.new_key(), data_aad(TENANT, row.id, PURPOSE, row.subject)
            )
            rows.append(
                {
                    "tenant": TENANT, "id": row.id, "purpose": PURPOSE, "subject": row.subject, "generation": 1, "state": store.ACTIVE,
                    "key_version": version, "wrapped": wrapped, "created_us": at_us,
                }
            )  # fmt: skip
        some += [str(row["id"]) for row in rows[:50]]

        def put(connection, rows=rows) -> None:  # type: ignore[no-untyped-def]
            with within(connection, TENANT):
                connection.execute(insert(store.data_key), rows)

        keys.transact(put)
    return some


class Uses:
    """Somebody who uses keys that are not held, one after the other, and notes how long each takes."""

    def __init__(self, vault: Vault, ids: list[str]) -> None:
        self._vault = vault
        self._ids = ids
        self._number = 0

    def once(self) -> float:
        begun = time.perf_counter()
        self._vault.keys.data_key_by_id(TENANT, bytes.fromhex(self._ids[self._number % len(self._ids)]))
        took = time.perf_counter() - begun
        self._number += 1
        return took

    def during(self, going: Callable[[], bool]) -> list[float]:
        took = []
        while going():
            took.append(self.once())
            time.sleep(PAUSE_S)
        return took


class Makes(Uses):
    """Somebody who seals for a subject that had no key yet: a transaction of its own."""

    def once(self) -> float:
        begun = time.perf_counter()
        self._vault.seal(PLACE, b"x", purpose=PURPOSE, subject=SubjectId(f"sub_{self._number}"))
        took = time.perf_counter() - begun
        self._number += 1
        return took


def shown(took: list[float]) -> str:
    ordered = sorted(took)
    p99 = ordered[int(len(ordered) * 0.99)]
    return f"median {statistics.median(took) * 1e3:6.2f} ms   p99 {p99 * 1e3:7.2f} ms   worst {ordered[-1] * 1e3:7.2f} ms   of {len(took)}"


def bench(keys: Database, count: int) -> None:
    vault = Vault(keys, EnvironmentRoot(generate()), SystemClock())
    vault.create_tenant_now(TENANT)
    ids = fill(vault, keys, count)
    users = {"open under a key not held": Uses(vault, ids), "seal for a new subject": Makes(vault, ids)}
    for name, user in users.items():
        until = time.perf_counter() + ALONE_S
        print(f"  {name:26} alone   {shown(user.during(lambda until=until: time.perf_counter() < until))}")  # type: ignore[misc]
    for name, user in users.items():
        going, took = threading.Event(), []  # type: ignore[var-annotated]
        thread = threading.Thread(
            target=lambda user=user, took=took, going=going: took.extend(
                user.during(lambda: not going.is_set())
            )
        )  # type: ignore[misc]
        turning.rotate(vault.keys, TENANT)
        thread.start()
        begun, cpu = time.perf_counter(), time.process_time()
        done = turning.rewrap_all(vault.keys, TENANT)
        wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
        going.set()
        thread.join()
        print(
            f"  {done:,} keys wrapped anew in {wall:6.1f} s ({done / wall:,.0f}/s, {cpu:5.1f} s CPU here), beside it:"
        )
        print(f"  {name:26} beside  {shown(took)}")
    begun = time.perf_counter()
    keys.transact(touch)
    print(
        f"  a plain UPDATE of the rows takes {time.perf_counter() - begun:.1f} s; the aim for 1,000,000 keys is {AIM_S:.0f} s"
    )


def touch(connection) -> None:  # type: ignore[no-untyped-def]
    with within(connection, TENANT):
        connection.exec_driver_sql("UPDATE data_key SET destroyed_us = NULL")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--keys", type=int, default=KEYS)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    chosen = parser.parse_args()
    for kind in ("sqlite", "postgresql") if chosen.database == "both" else (chosen.database,):
        print(f"rewrap of {chosen.keys:,} data keys on {kind}")
        if kind == "sqlite":
            with tempfile.TemporaryDirectory(dir=os.environ.get("OSTIARY_BENCH_DIR")) as folder:
                keys = Database(f"sqlite:///{Path(folder) / 'keys.db'}")
                keys_metadata.create_all(keys.engine())
                bench(keys, chosen.keys)
                keys.close()
        else:
            url = servers.fresh_store("keys")
            keys = Database(url)
            keys.signals.start()
            bench(keys, chosen.keys)
            keys.close()
            servers.drop_postgresql(url)


if __name__ == "__main__":
    main()
