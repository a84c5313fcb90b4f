"""Jobs: steps a second of one job, jobs a second of many short ones, on SQLite and PostgreSQL; and how long until another worker goes on after kill -9.

Everything is real: processes, door, audit log, DBOS. The load generator shares the machine's cores. Needs the PostgreSQL that the tests use; run from the
project's root. Prints one JSON object.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.pop(0)  # this folder: a file in it is called as the MCP SDK is
sys.path.insert(0, str(Path(__file__).parents[1]))

from tests import process as processes
from tests.cluster import Cluster
from tests.process import Process
from tests.worker.test_takeover import SLOW, deeds, ended, start, until

STEPS = int(os.environ.get("OSTIARY_BENCH_STEPS", "500"))
JOBS = int(os.environ.get("OSTIARY_BENCH_JOBS", "60"))
KILLS = int(os.environ.get("OSTIARY_BENCH_KILLS", "3"))


def took(job: dict[str, Any]) -> float:
    """Seconds from its begin to its end, by its own row."""
    from ostiary.clock import parse_rfc3339

    return (parse_rfc3339(job["ended_at"]) - parse_rfc3339(job["started_at"])) / 1e6


def rates(web: Process, folder: Path) -> dict[str, float]:
    one = ended(web, start(web, "test.count", file=str(folder / "one"), steps=STEPS, pause_ms=0))
    began = time.monotonic()
    jobs = [start(web, "test.count", file=str(folder / "many"), steps=1, pause_ms=0) for _ in range(JOBS)]
    asked = time.monotonic()
    for job in jobs:
        ended(web, job)
    return {
        "steps_per_s": round(STEPS / took(one), 1),
        "jobs_asked_per_s": round(JOBS / (asked - began), 1),
        "jobs_done_per_s": round(JOBS / (time.monotonic() - began), 1),
    }


def takeover(cluster: Cluster, folder: Path, number: int) -> float:
    """Seconds from the kill to the first step of another worker."""
    web, file = cluster.webs[0], folder / f"kill{number}"
    job = start(web, "test.count", file=str(file), steps=300, pause_ms=50)
    pid = until(lambda: deeds(file)[4:] and deeds(file)[0][0], "the first steps")
    victim = next(each for each in cluster.workers if each.running and each.running.pid == pid)
    victim.kill()
    killed = time.monotonic()
    until(lambda: any(other != pid for other, _ in deeds(file)), "another worker")
    seconds = time.monotonic() - killed
    web.good("POST", f"/v1/jobs/{job}/cancel")
    victim.start()
    return seconds


def main() -> None:
    processes.OSTIARY = SLOW
    told: dict[str, Any] = {"steps": STEPS, "jobs": JOBS}
    with tempfile.TemporaryDirectory() as named:
        folder = Path(named)
        alone = Process(folder / "home")
        try:
            alone.start()
            alone.found()
            told["sqlite"] = rates(alone, folder)
        finally:
            alone.kill()
        cluster = Cluster(folder, {}, web_count=1, worker_count=2)
        try:
            cluster.start()
            told["postgresql_two_workers"] = rates(cluster.webs[0], folder)
            times = [takeover(cluster, folder, number) for number in range(KILLS)]
            told["takeover_s"] = {"median": round(statistics.median(times), 1), "max": round(max(times), 1)}
        finally:
            cluster.close()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
