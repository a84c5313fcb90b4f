"""SIGKILL at a chosen write-class system call of each long deed: a call, an approval, the erasure of a person, the rotation of a tenant's keys; embedded
(`serve`, SQLite) and on several processes (`web` and `worker`, PostgreSQL). After each kill everything is started again, and held against what was told:
what was acknowledged stands, nothing is done twice at a target that honours the key, erasure and rotation end by themselves, what was sealed opens (what
was erased does not), proofs verify.

`strace` counts each kind of system call in each thread, from the moment at which it is attached, and kills the process when the n-th one begins.
`make test` kills at a sample of points; `make soak` at every one that a traced run showed.
"""

import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.hostile.deeds import DEEDS, EMBEDDED, SEVERAL, Deed, Scene, scene, started
from tests.hostile.points import Journal, Point, options
from tests.process import NotReady, Process
from tests.tracing import counted, gone, inject, traced

VERIFIED_EVERY = 25
"""Points; the whole log. What does not hold in between shows in the checkpoint of each point."""

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]


def points(scene: Scene, deed: Deed, victim: Process) -> Counter[str]:
    trace = scene.folder / "trace"
    for _ in range(5):  # traced it is slow, and may be told that the keys are too far away
        it = deed.prepare(scene)
        with traced(victim, "-o", str(trace), "-e", f"trace={options()}"):
            acknowledged = deed.act(scene, it, lambda: False)
        deed.check(scene, it, acknowledged)
        if acknowledged:
            return counted(trace)
    raise AssertionError("it never passed while it was traced")


def kill_at(scene: Scene, deed: Deed, victim: Process, point: Point) -> bool:
    """Whether it died there; what became of the deed is checked after a new start."""
    it = deed.prepare(scene)
    acknowledged = False

    def dead() -> bool:
        return victim.running is None or victim.running.poll() is not None

    with traced(victim, *inject(*point)), suppress(httpx.TransportError):
        acknowledged = deed.act(scene, it, dead)
    died = gone(victim)
    if died:
        victim.kill()
        started(victim)
    deed.check(scene, it, acknowledged)
    scene.stands()
    return died


def sweep(folder: Path, kind: str, name: str, victim: str) -> str:
    """All points, one after another; after one that did not hold, the next ones on a new installation."""
    journal, listed = Journal(f"{kind}-{name}-{victim}"), None
    ready_s: list[float] = []
    for number in range(100):
        (folder / str(number)).mkdir()
        with scene(folder / str(number), kind) as here:
            deed, process = DEEDS[name](), here.victim(victim)
            listed = journal.points(points(here, deed, process)) if listed is None else listed
            if _all_of(listed, journal, here, deed, process):
                here.verifies()
                journal.say(verified=here.ledger.told.checkpoints[-1]["size"])
            ready_s += process.ready_s[1:]
        if not listed:
            break
    ready = sorted(ready_s) or [0.0]
    return f"{journal.told()}; ready again after {ready[len(ready) // 2]:.2f} s (median), {ready[-1]:.2f} s (most)"


def _all_of(listed: list[Point], journal: Journal, here: Scene, deed: Deed, process: Process) -> bool:
    """Whether all held; `listed` is what is left."""
    while listed:
        point = listed.pop(0)
        try:
            journal.done(point, kill_at(here, deed, process, point))
            if len(listed) % VERIFIED_EVERY == 0:
                here.verifies()
        except (AssertionError, NotReady, httpx.TransportError) as fault:
            journal.fault(point, repr(fault))
            return False
    return True


QUICK = [
    (EMBEDDED, "serve", [("rotation", ("fdatasync", 4)), ("erasure", ("pwrite64", 30)), ("call", ("pwrite64", 20)), ("approval", ("pwrite64", 50))]),
    (SEVERAL, "worker", [("erasure", ("sendto", 30)), ("rotation", ("sendto", 40))]),
    (SEVERAL, "web", [("call", ("sendto", 9)), ("approval", ("sendto", 30))]),
]  # fmt: skip


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("kind", "victim", "chosen"), QUICK, ids=lambda value: str(value)[:12])
def test_killed_at_a_sample_of_points(
    tmp_path: Path, kind: str, victim: str, chosen: list[tuple[str, Point]]
) -> None:
    died = 0
    with scene(tmp_path, kind) as here:
        for name, point in chosen:
            died += kill_at(here, DEEDS[name](), here.victim(victim), point)
        here.verifies()
    assert died


@pytest.mark.soak
@pytest.mark.timeout(14400)
@pytest.mark.parametrize(
    ("kind", "victim"), [(EMBEDDED, "serve"), (SEVERAL, "web"), (SEVERAL, "worker")], ids=str
)
@pytest.mark.parametrize("name", DEEDS)
def test_killed_at_every_point(tmp_path: Path, kind: str, victim: str, name: str) -> None:
    if victim == "worker" and name in ("call", "approval"):
        pytest.skip("not run: a worker has no part in a call")
    print(f"\nsweep: {kind}, {name}, {victim}: {sweep(tmp_path, kind, name, victim)}")
