"""Durable audit: events a second with 256 callers waiting, against one disk synchronisation an event, in the same run; and CPU an event."""

import asyncio
import os
import sqlite3
import tempfile
import time
from pathlib import Path

from ostiary.audit.event import Decision, Entry, Event, Part
from ostiary.audit.log import Audit
from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.db.tables import keys_metadata, metadata
from ostiary.ids import SubjectId, TenantId
from ostiary.vault.root import EnvironmentRoot, generate
from ostiary.vault.sealing import Vault

TENANT = TenantId("ten_bench")
WAITERS = 256
EVENTS = 20_000
ALONE_S = 1.5


def event(number: int) -> Event:
    """An event with content of about 150 bytes, sealed under the actor's key."""
    content = {
        "params": {"invoice_id": f"inv_{number}", "amount": 12.5, "note": "broken on arrival"},
        "result": {"ok": True},
    }
    return Event(
        tenant=TENANT,
        action="shop.refund",
        decision=Decision.RAN,
        actor_kind="agent",
        actor_id="key_0198c2f1d0007abc8def000000000001",
        face="mcp",
        call=f"cal_{number:032x}",
        at_us=1_760_000_000_000_000 + number,
        risk="low",
        surface="admin",
        duration_us=1234,
        address="0123456789abcdef0123",
        parts=(Part(SubjectId(""), content),),
    )


async def waiting(audit: Audit, events: int, waiters: int) -> tuple[float, float]:
    """Wall and CPU seconds for `events` events, `waiters` of them on their way at any time."""
    left = iter(range(events))

    async def caller() -> None:
        for number in left:
            await audit.record(Entry((event(number),)))

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(waiters)))
    return time.perf_counter() - wall, time.process_time() - cpu


def alone(folder: Path) -> float:
    """Events a second with one transaction, so one disk synchronisation, an event."""
    connection = sqlite3.connect(folder / "alone.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE event (number INTEGER PRIMARY KEY, body BLOB)")
    body, count, begin = os.urandom(454), 0, time.perf_counter()
    while time.perf_counter() - begin < ALONE_S:
        connection.execute("INSERT INTO event (body) VALUES (?)", (body,))
        count += 1
    rate = count / (time.perf_counter() - begin)
    connection.close()
    return rate


def bench(folder: Path) -> None:
    database, keys = Database(f"sqlite:///{folder / 'data.db'}"), Database(f"sqlite:///{folder / 'keys.db'}")
    metadata.create_all(database.engine())
    keys_metadata.create_all(keys.engine())
    vault = Vault(keys, EnvironmentRoot(generate()), SystemClock())
    vault.create_tenant_now(TENANT)
    audit = Audit(database, vault, SystemClock(), origin="bench.example")
    audit.start()
    asyncio.run(waiting(audit, 500, 64))
    single = alone(folder)
    print(f"one synchronisation an event    {single:10,.0f} events/s")
    for waiters in (1, 16, 64, WAITERS, 1024):
        events = 300 if waiters == 1 else EVENTS
        wall, cpu = asyncio.run(waiting(audit, events, waiters))
        rate = events / wall
        print(
            f"durable, {waiters:4d} waiting           {rate:10,.0f} events/s   x{rate / single:6.1f}   {cpu / events * 1e6:6.1f} us CPU an event"
        )
    audit.stop()
    database.close()
    keys.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=os.environ.get("OSTIARY_BENCH_DIR")) as folder:
        bench(Path(folder))
