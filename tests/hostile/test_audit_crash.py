"""kill -9 while many record: what was acknowledged is in the log, its rows with it, and the log verifies and goes on."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from ostiary.audit.log import Audit
from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.db.tables import keys_metadata, metadata
from ostiary.secret import Secret
from ostiary.vault.root import EnvironmentRoot, generate
from ostiary.vault.sealing import Vault
from tests.audit.events import ACME, entry
from tests.audit.exports import ask

WRITER = """
import asyncio, sys
from pathlib import Path
from sqlalchemy import text
from ostiary.audit.event import Entry
from ostiary.secret import Secret
from tests.audit.events import refund
from tests.hostile.test_audit_crash import opened

database, keys, audit = opened(Path(sys.argv[1]), Secret(sys.argv[2]))
audit.start()

def row(number):
    return lambda connection: connection.execute(text("INSERT INTO done VALUES (:n)"), {"n": number})

async def caller(first):
    for number in range(first, first + 1_000_000):
        await audit.record(Entry((refund(call=f"cal_{number}"),), (row(number),)))
        print(number, flush=True)

async def main():
    await asyncio.gather(*(caller(n * 1_000_000) for n in range(16)))

asyncio.run(main())
"""


def opened(folder: Path, key: Secret) -> tuple[Database, Database, Audit]:
    database, keys = Database(f"sqlite:///{folder / 'data.db'}"), Database(f"sqlite:///{folder / 'keys.db'}")
    metadata.create_all(database.engine())
    keys_metadata.create_all(keys.engine())
    database.transact(
        lambda c: c.execute(text("CREATE TABLE IF NOT EXISTS done (number INTEGER PRIMARY KEY)"))
    )
    vault = Vault(keys, EnvironmentRoot(key), SystemClock())
    vault.create_tenant_now(ACME)
    return database, keys, Audit(database, vault, SystemClock(), origin="gateway.example")


def acknowledged_until_killed(folder: Path, key: Secret, count: int) -> set[int]:
    """Run the writer, kill it when it has acknowledged `count` entries; all that it acknowledged before it died."""
    command = [sys.executable, "-c", WRITER, str(folder), key.reveal()]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(count)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines(keepends=True)
    return {int(line) for line in lines if line.endswith(b"\n")}


def check(folder: Path, key: Secret, acknowledged: set[int]) -> None:
    database, keys, audit = opened(folder, key)
    audit.start()
    asyncio.run(audit.record(entry(call="cal_after")))
    done = database.read(lambda c: set(c.scalars(text("SELECT number FROM done"))))
    calls = database.read(lambda c: set(c.scalars(text("SELECT call FROM audit_event"))))
    verdict = ask(audit, "audit.verify")
    audit.stop()
    database.close()
    keys.close()
    assert acknowledged <= done
    assert calls == {f"cal_{number}" for number in done} | {"cal_after"}
    assert verdict["ok"] is True


def kill_often(folder: Path, times: int) -> None:
    key = generate()
    for turn in range(times):
        database, keys, _ = opened(folder, key)
        database.transact(lambda c: c.execute(text("DELETE FROM done")))
        for table in ("audit_log", "audit_event", "audit_tile", "audit_subject"):
            database.transact(lambda c, table=table: c.execute(text(f"DELETE FROM {table}")))
        database.close()
        keys.close()
        acknowledged = acknowledged_until_killed(folder, key, random.Random(turn).randrange(1, 400))
        check(folder, key, acknowledged)


def test_killed_at_random_points_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    kill_often(tmp_path, 3)


@pytest.mark.soak
def test_killed_forty_times(tmp_path: Path) -> None:
    kill_often(tmp_path, 40)
