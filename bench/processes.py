"""Throughput of 1, 2 and 4 web processes on one PostgreSQL, as ratios to one; and audit events a second with 1, 2 and 4 writers of the same log.

The database, the web processes and the load generator share this machine's cores, so what is seen here is what several processes cost each other, not
what several machines would give. Needs the PostgreSQL that the tests use; run from the project's root.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

sys.path.pop(0)  # this folder: a file in it is called as the MCP SDK is
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.door import CONTRACTS, Subject, drive
from tests import servers
from tests.keys import ROOT_KEY
from tests.process import Process

from ostiary.audit.log import Audit
from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.secret import Secret
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Vault

COUNTS = (1, 2, 4)
ROUNDS = int(os.environ.get("OSTIARY_BENCH_ROUNDS", "3"))
ROUND_S = float(os.environ.get("OSTIARY_BENCH_ROUND_S", "3"))
WAITERS = 64
WRITER = """
import asyncio, json, sys, time
sys.path[:0] = ["."]
from bench.processes import write
print(json.dumps(asyncio.run(write(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))))
"""


@contextmanager
def web(folder: Path, stores: dict[str, str], count: int) -> Iterator[Process]:
    """`count` web processes on one port."""
    process = Process(folder / f"web{count}", ("web", "--processes", str(count)), stores)
    process.start()
    try:
        yield process
    finally:
        process.stop()


def calls(folder: Path, stores: dict[str, str]) -> None:
    """Each count in turn, the constant action: an API key, a schema, masking and a durable event a call."""
    with web(folder, stores, 1) as first:
        first.found()
        first.connect("fixed", kind="constant")
        first.agree(CONTRACTS.partition("  - name: bench.sql")[0])
        made = {"name": "bench", "kind": "program", "roles": ["support"]}
        key = first.good("POST", "/v1/keys", json=made)["secret"]
    rates: dict[int, list[float]] = {count: [] for count in COUNTS}
    waits: dict[int, list[float]] = {count: [] for count in COUNTS}
    for _ in range(ROUNDS):
        for count in COUNTS:
            with (
                web(folder, stores, count) as process,
                asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
            ):
                subject = Subject("web", os.getpid(), process.port, "/v1/actions/bench.constant", key)
                runner.run(drive(subject, 1.0))
                rate, _, waited = runner.run(drive(subject, ROUND_S))
                rates[count].append(rate)
                waits[count] += waited
    base = sorted(rates[1])[len(rates[1]) // 2]
    for count in COUNTS:
        rate = sorted(rates[count])[len(rates[count]) // 2]
        p99 = sorted(waits[count])[len(waits[count]) * 99 // 100]
        print(
            f"{count} web process(es): {rate:8,.0f} calls/s   {rate / base:4.2f} of one   p99 {p99:7.1f} ms"
        )


async def write(data_url: str, keys_url: str, start: float, seconds: float) -> int:
    """Events that this process recorded between `start` and `start + seconds`, WAITERS of them on their way at any time."""
    from bench.audit import event

    database, keys = Database(data_url), Database(keys_url)
    vault = Vault(keys, EnvironmentRoot(Secret(ROOT_KEY)), SystemClock())
    audit = Audit(database, vault, SystemClock(), origin="bench.example")
    from bench.audit import TENANT

    from ostiary.audit.event import Entry

    database.signals.start()
    keys.signals.start()
    vault.create_tenant_now(TENANT)
    audit.start()
    done = 0

    async def caller(number: int) -> None:
        nonlocal done
        while time.time() < start + seconds:
            await audit.record(Entry((event(number),)))
            done += time.time() >= start

    await asyncio.gather(*(caller(number) for number in range(WAITERS)))
    audit.stop()
    database.close()
    keys.close()
    return done


def events(stores: dict[str, str]) -> None:
    """Writers of one tenant's log, each a process with WAITERS callers."""
    base = 0.0
    for count in COUNTS:
        start, seconds = time.time() + 4, ROUND_S
        given = [stores["OSTIARY_DATABASE_URL"], stores["OSTIARY_KEYS_URL"], str(start), str(seconds)]
        children = [
            subprocess.Popen([sys.executable, "-c", WRITER, *given], stdout=subprocess.PIPE)
            for _ in range(count)
        ]
        total = sum(json.loads(child.communicate()[0]) for child in children) / seconds
        base = base or total
        print(f"{count} writer(s) of one log: {total:8,.0f} events/s   {total / base:4.2f} of one")


def main(folder: Path) -> None:
    stores = {
        "OSTIARY_DATABASE_URL": servers.fresh_store("data"),
        "OSTIARY_KEYS_URL": servers.fresh_store("keys"),
        "OSTIARY_BLOB_URL": f"file://{folder / 'blobs'}",
        "OSTIARY_CALLS_AT_ONCE_MAX": "10000",
    }
    try:
        print(
            f"PostgreSQL, {os.cpu_count()} cores for everything, {ROUNDS} interleaved rounds of {ROUND_S:g} s"
        )
        calls(folder, stores)
        events(stores)
    finally:
        for name in ("OSTIARY_DATABASE_URL", "OSTIARY_KEYS_URL"):
            servers.drop_postgresql(stores[name])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=os.environ.get("OSTIARY_BENCH_DIR")) as place:
        main(Path(place))
