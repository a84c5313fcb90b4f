"""Workers as real processes, killed, stopped and frozen in the middle of a job."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.process import Process

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("workers")]

SLOW = [sys.executable, "-m", "tests.worker.slow"]
PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def _slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.process.OSTIARY", SLOW)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A web process and two workers."""
    made = Cluster(tmp_path, {"OSTIARY_LOG_LEVEL": "info"}, web_count=1, worker_count=2)
    try:
        made.start()
        yield made
    finally:
        made.close()


def until(look: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """What `look` finds, as soon as it finds something."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        with suppress(FileNotFoundError):
            if found := look():
                return found
        time.sleep(0.05)
    raise AssertionError(f"not in time: {what}")


def start(web: Process, kind: str, **params: Any) -> str:
    return str(web.good("POST", "/v1/jobs", json={"kind": kind, "params": params})["id"])


def ended(web: Process, job: str) -> Any:
    def look() -> Any:
        shown = web.good("GET", f"/v1/jobs/{job}")
        return shown if shown["state"] in ("done", "failed", "cancelled") else None

    return until(look, f"the end of {job}")


def deeds(file: Path) -> list[tuple[int, int]]:
    """(process, step) of each deed."""
    return [(int(pid), int(at)) for pid, at in map(str.split, file.read_text().splitlines())]


def ran(web: Process, job: str) -> int:
    """How many steps the log knows as done. Each carries the job's params, so they are counted by the job's own row of steps."""
    found = web.good("GET", "/v1/audit/events", params={"action": "test.count_step", "limit": "200"})
    return sum(1 for event in found["events"] if event["decision"] == "ran")


def test_a_worker_that_is_killed_is_followed_by_another_within_ten_seconds(
    cluster: Cluster, tmp_path: Path
) -> None:
    web, file = cluster.webs[0], tmp_path / "deeds"
    job = start(web, "test.count", file=str(file), steps=40, pause_ms=100)
    pid = until(lambda: deeds(file)[4:] and deeds(file)[0][0], "the first steps")
    os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    until(lambda: any(other != pid for other, _ in deeds(file)), "another worker")
    assert time.monotonic() - killed < 10
    shown = ended(web, job)
    assert (shown["state"], shown["count"], shown["steps"]) == ("done", 40, 40)
    assert ran(web, job) == 40
    done = [at for _, at in deeds(file)]
    assert sorted(set(done)) == list(range(40))
    assert len(done) <= 41, "the step that was cut off may be done once more"


def test_a_worker_that_is_told_to_stop_gives_its_jobs_back(cluster: Cluster, tmp_path: Path) -> None:
    web, file = cluster.webs[0], tmp_path / "deeds"
    job = start(web, "test.count", file=str(file), steps=60, pause_ms=100)
    pid = until(lambda: deeds(file)[4:] and deeds(file)[0][0], "the first steps")
    worker = next(each for each in cluster.workers if each.running and each.running.pid == pid)
    began = time.monotonic()
    assert worker.stop() in (0, -signal.SIGTERM)
    assert time.monotonic() - began < 10
    shown = ended(web, job)
    assert (shown["state"], shown["tries"]) == ("done", 0)
    done = [at for _, at in deeds(file)]
    assert done == list(range(60)), "nothing was cut off, nothing done twice"
    assert len({each for each, _ in deeds(file)}) == 2


def test_a_worker_that_was_frozen_and_comes_back_does_nothing_twice(cluster: Cluster, tmp_path: Path) -> None:
    web, file = cluster.webs[0], tmp_path / "deeds"
    job = start(web, "test.count", file=str(file), steps=50, pause_ms=200)
    pid = until(lambda: deeds(file)[4:] and deeds(file)[0][0], "the first steps")
    os.kill(pid, signal.SIGSTOP)
    until(lambda: any(other != pid for other, _ in deeds(file)), "another worker")
    os.kill(pid, signal.SIGCONT)
    shown = ended(web, job)
    assert (shown["state"], shown["steps"]) == ("done", 50)
    assert ran(web, job) == 50, "each step was committed once"
    assert len(deeds(file)) <= 51


def test_every_job_is_begun_once_however_many_workers_look(cluster: Cluster, tmp_path: Path) -> None:
    web = cluster.webs[0]
    jobs = {start(web, "test.count", file=str(tmp_path / f"deeds{n}"), steps=2, pause_ms=5): n for n in range(24)}  # fmt: skip
    for job in jobs:
        assert ended(web, job)["state"] == "done"
    counts = {n: [at for _, at in deeds(tmp_path / f"deeds{n}")] for n in jobs.values()}
    assert counts == {n: [0, 1] for n in range(24)}


def test_on_sqlite_the_same_home_goes_on_after_a_kill(tmp_path: Path) -> None:
    process, file = Process(tmp_path / "home"), tmp_path / "deeds"
    try:
        process.start()
        process.found()
        job = start(process, "test.count", file=str(file), steps=30, pause_ms=100)
        until(lambda: deeds(file)[9:], "ten steps")
        process.kill()
        process.start()
        shown = ended(process, job)
        assert (shown["state"], shown["steps"]) == ("done", 30)
        assert ran(process, job) == 30
        done = [at for _, at in deeds(file)]
        assert sorted(set(done)) == list(range(30))
        assert len(done) <= 31
    finally:
        process.kill()


def test_a_job_that_kills_every_worker_is_given_up(tmp_path: Path) -> None:
    process = Process(tmp_path / "home")
    try:
        process.start()
        process.found()
        job = start(process, "test.crash")
        for _ in range(3):
            assert process.running is not None
            process.running.wait(PATIENCE_S)
            process.start()
        shown = ended(process, job)
        assert (shown["state"], shown["code"]) == ("failed", "job.crashed")
        assert process.running is not None
        assert process.running.poll() is None
    finally:
        process.kill()
