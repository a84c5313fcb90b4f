"""What a backup, a drill and a restore take: MB/s and seconds for a home of `--mb` MB, as ratios to a plain copy of the same files (with fsync) in the same run.

python bench/backup.py --mb 1024
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.pop(0)  # this folder: a file in it is called as the MCP SDK is
sys.path.insert(0, str(Path(__file__).parents[1]))
from ostiary import config
from ostiary.app.gateway import Gateway
from ostiary.audit.event import Decision, Entry, Event, Part
from ostiary.backup import drill, restore, take
from ostiary.clock import SystemClock
from ostiary.ids import SubjectId, TenantId
from ostiary.vault.files import put_file
from ostiary.vault.root import generate

MB = 1_000_000
EVENT_BYTES = 16_000
FILE_BYTES = 4 * MB


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def fill(gateway: Gateway, tenant: TenantId, *, data_mb: int, files_mb: int) -> None:
    """Events with sealed parts in the database, sealed files in the file store."""
    gateway.vault.create_tenant_now(tenant)
    clock = SystemClock()
    gateway.audit.start()
    for start in range(0, data_mb * MB // EVENT_BYTES, 200):
        made = tuple(
            Event(
                tenant, "bench.fill", Decision.RAN, "service", "bench", "job", "cal_1", clock.now_us(),
                parts=(Part(SubjectId(f"sub_{number % 50}"), {"text": os.urandom(EVENT_BYTES // 2).hex()}),),
            )
            for number in range(start, start + 200)
        )  # fmt: skip
        gateway.audit.record_sync(Entry(made))
    gateway.audit.stop()
    for number in range(files_mb * MB // FILE_BYTES):
        put_file(gateway.vault, gateway.blobs, tenant, f"blo_{number}", [os.urandom(FILE_BYTES)], purpose="bench", bytes_max=1 << 30)  # fmt: skip


def plain_copy(home: Path, to: Path) -> int:
    """What `cp` and `sync` would do; bytes."""
    size = 0
    for path in home.rglob("*"):
        if path.is_file():
            target = to / path.relative_to(home)
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "rb") as source, open(target, "wb") as copy:
                while piece := source.read(1 << 20):
                    size += copy.write(piece)
                copy.flush()
                os.fsync(copy.fileno())
    return size


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--mb", type=int, default=200)
    mb = given.parse_args().mb
    with tempfile.TemporaryDirectory(prefix="ostiary-bench-") as folder:
        measure(Path(folder), mb)


def measure(folder: Path, mb: int) -> None:
    environ = {"OSTIARY_HOME": str(folder / "home"), "OSTIARY_ROOT_KEY": generate().reveal()}
    settings, clock = config.load(environ), SystemClock()
    gateway = Gateway(settings, clock)
    fill(gateway, TenantId("ten_" + "0" * 32), data_mb=mb // 2, files_mb=mb // 2)
    gateway.close()
    copied, size = timed(lambda: plain_copy(settings.home, folder / "copy"))
    print(
        f"{size / MB:.0f} MB in the home; a plain copy with fsync: {copied:.2f} s, {size / MB / copied:.0f} MB/s"
    )
    to, keys_to = folder / "backups", folder / "keys"
    quiet: Callable[[str], None] = lambda line: None  # noqa: E731
    first, _ = timed(lambda: take.take(settings, clock, to, keys_to, say=quiet))
    print(f"backup, everything: {first:.2f} s, {size / MB / first:.0f} MB/s, {copied / first:.2f} of a copy")
    second, again = timed(lambda: take.take(settings, clock, to, keys_to, say=quiet))
    print(
        f"backup, the next one ({again.blobs_new} new files): {second:.2f} s, {copied / second:.2f} of a copy"
    )
    there = config.load({**environ, "OSTIARY_HOME": str(folder / "again")})
    restored, _ = timed(lambda: restore.restore(there, clock, restore.Wanted(to, keys_to), say=quiet))
    print(f"restore: {restored:.2f} s, {size / MB / restored:.0f} MB/s, {copied / restored:.2f} of a copy")
    drilled, verified = timed(
        lambda: drill.drill(settings, clock, restore.Wanted(to, keys_to), folder / "scratch", say=quiet)
    )
    print(f"drill: {drilled:.2f} s; RTO {verified.ready_s:.2f} s, of it restoring {verified.restore_s:.2f} s; {verified.events} events counted anew in {verified.verify_s:.2f} s")  # fmt: skip


if __name__ == "__main__":
    main()
