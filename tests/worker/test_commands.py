"""`ostiary jobs` against a running gateway."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import process as processes
from tests.process import Process
from tests.worker.test_takeover import SLOW, until

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("workers")]
OSTIARY = list(processes.OSTIARY)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    monkeypatch.setattr("tests.process.OSTIARY", SLOW)
    process = Process(tmp_path / "home")
    try:
        process.start()
        process.found()
        yield process
    finally:
        process.kill()


def said(process: Process, *words: str) -> tuple[int, Any]:
    """Exit status, and what was said: JSON if it is."""
    environ = {**os.environ, "OSTIARY_URL": process.url, "OSTIARY_API_KEY": process.owner}
    ran = subprocess.run([*OSTIARY, "jobs", *words], env=environ, capture_output=True, text=True, timeout=60)
    return ran.returncode, json.loads(ran.stdout) if "--json" in words else ran.stdout + ran.stderr


def test_jobs_are_started_followed_listed_and_steered(served: Process, tmp_path: Path) -> None:
    params = json.dumps({"file": str(tmp_path / "deeds"), "steps": 4, "pause_ms": 20})
    status, job = said(served, "start", "test.count", "--params", params, "--wait", "--json")
    assert (status, job["state"], job["percent"]) == (0, "done", 100)
    status, shown = said(served, "show", job["id"])
    assert status == 0
    assert "Count: done" in shown
    assert "100 %" in shown
    status, listed = said(served, "list", "--kind", "test.count", "--json")
    assert [each["id"] for each in listed["jobs"]] == [job["id"]]
    long = json.dumps({"file": str(tmp_path / "long"), "steps": 500, "pause_ms": 50})
    _, job = said(served, "start", "test.count", "--params", long, "--json")
    until(lambda: (tmp_path / "long").read_text(), "a step")
    assert said(served, "cancel", job["id"])[0] == 0
    until(lambda: said(served, "show", job["id"], "--json")[1]["state"] == "cancelled", "the cancelling")
    count = said(served, "show", job["id"], "--json")[1]["count"]
    assert 0 < count < 500
    _, again = said(served, "retry", job["id"], "--json")
    assert (again["state"], again["count"]) == ("queued", count)
    assert said(served, "cancel", job["id"])[0] == 0


def test_what_is_refused_says_so_and_exits_with_1(served: Process) -> None:
    status, problem = said(served, "start", "test.hidden", "--json")
    assert (status, problem["code"]) == (1, "access.forbidden")
    assert said(served, "start", "test.count", "--params", "{")[0] == 2
    status, words = said(served, "show", "job_" + "0" * 32)
    assert (status, "nothing here" in words) == (1, True)
