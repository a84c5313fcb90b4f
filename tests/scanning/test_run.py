"""Scans remember, go on where they stopped however they ended, and look in other processes alike."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.clock import SystemClock
from ostiary.detection.rules import RuleSet
from ostiary.scanning.folder import Folder
from ostiary.scanning.look import Limits, Looked
from ostiary.scanning.lookers import Cluster, ClusterUnusable, Here, Looker, Processes
from ostiary.scanning.place import Item, Place, PlaceUnreadable, Sample
from ostiary.scanning.run import Scanned, Setup, scan
from ostiary.scanning.state import State, StateUnusable, print_of

RULES = RuleSet(categories=frozenset({"email"}))
CLOCK = SystemClock()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number:02d}.txt").write_text(f"user{number}@marsh.example")
    return folder


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(tmp_path / "state" / "scan.db")
    yield made
    made.close()


class Noting(Here):
    """Looks here, and notes at what."""

    def __init__(self) -> None:
        super().__init__(RULES, Limits())
        self.keys: list[str] = []

    def look(self, item: Item, content: bytes | Sample) -> Looked:
        self.keys.append(item.key)
        return super().look(item, content)


def run(place: Place, state: State, looker: Looker, *, rules: RuleSet = RULES, whole: bool = False, since_us: int = 0) -> Scanned:  # fmt: skip
    began = state.begin("p", print_of(rules, Limits(), "1"), how=repr(whole), now_us=CLOCK.now_us())
    return scan(place, began, state, Setup(rules, Limits(), whole, since_us), looker, CLOCK, lambda _looked, _fresh: None)  # fmt: skip


def test_what_did_not_change_is_not_looked_at_again(files: Path, state: State) -> None:
    first = run(Folder(files), state, Noting())
    assert (first.fresh, first.inventory.findings, first.changes) == (20, 20, ())
    (files / "03.txt").write_text("user3@marsh.example, user99@marsh.example")
    os.utime(files / "04.txt")
    (files / "05.txt").unlink()
    again = Noting()
    second = run(Folder(files), state, again)
    assert again.keys == ["03.txt"]  # 04 has a new time and the same content
    assert (second.inventory.items, second.inventory.findings) == (19, 20)
    (files / "06.txt").unlink()
    third = run(Folder(files), state, Noting())
    assert [(each.name, each.before, each.now) for each in third.changes] == [("email", 20, 19)]


def test_everything_is_looked_at_again_when_asked_or_when_the_rules_are_others(files: Path, state: State) -> None:  # fmt: skip
    run(Folder(files), state, Noting())
    assert run(Folder(files), state, Noting(), whole=True).fresh == 20
    assert run(Folder(files), state, Noting(), rules=RuleSet(categories=frozenset({"card"}))).fresh == 20


def test_only_what_changed_since_a_day_is_read(files: Path, state: State) -> None:
    os.utime(files / "07.txt", (2_000_000_000, 2_000_000_000))
    looker = Noting()
    done = run(Folder(files), state, looker, since_us=1_999_999_999_000_000)
    assert looker.keys == ["07.txt"]
    assert done.inventory.states == {"looked": 1, "older": 19}


class Breaking:
    """A folder whose list breaks once."""

    kind = "folder"

    def __init__(self, folder: Folder, error: BaseException) -> None:
        self.folder, self.error = folder, error

    def items(self, after: str) -> Iterator[Item]:
        for item in self.folder.items(after):
            if item.key == "10.txt":
                raise self.error
            yield item

    def read(self, item: Item, bytes_max: int, start: int = 0) -> bytes:
        return self.folder.read(item, bytes_max, start)


def test_a_place_that_breaks_off_is_told_and_gone_on_with(files: Path, state: State) -> None:
    broken = run(Breaking(Folder(files), PlaceUnreadable("It broke.")), state, Noting())
    assert (broken.broken, broken.inventory.items) == ("It broke.", 10)
    rest = Noting()
    whole = run(Folder(files), state, rest)
    assert rest.keys == [f"{number}.txt" for number in range(10, 20)]
    assert (whole.goes_on, whole.inventory.items, whole.broken) == (True, 20, "")


def test_ctrl_c_leaves_what_was_seen(files: Path, state: State) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(Breaking(Folder(files), KeyboardInterrupt()), state, Noting())
    rest = Noting()
    assert run(Folder(files), state, rest).inventory.items == 20
    assert len(rest.keys) == 10


SLOW = """
import sys, time
from pathlib import Path
from tests.scanning.test_run import Noting, run
from ostiary.scanning.folder import Folder
from ostiary.scanning.state import State
class Slow(Noting):
    def look(self, item, content):
        time.sleep(0.02)
        print(item.key, flush=True)
        return super().look(item, content)
run(Folder(Path(sys.argv[1])), State(Path(sys.argv[2])), Slow())
"""


def test_a_scan_that_is_killed_goes_on_where_it_stopped(files: Path, tmp_path: Path) -> None:
    for number in range(20, 200):
        (files / f"{number:03d}.txt").write_text(f"user{number}@marsh.example")
    file = tmp_path / "state.db"
    command = [sys.executable, "-c", SLOW, str(files), str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(60):
            assert child.stdout.readline()
        child.kill()
    assert child.returncode == -signal.SIGKILL
    state, rest = State(file), Noting()
    done = run(Folder(files), state, rest)
    state.close()
    assert (done.goes_on, done.inventory.items, done.inventory.findings) == (True, 200, 200)
    assert 0 < len(rest.keys) < 200
    assert rest.keys == sorted(f.name for f in files.iterdir())[-len(rest.keys) :]


def test_processes_see_what_this_one_sees_and_one_that_dies_costs_its_item_alone(files: Path, state: State) -> None:  # fmt: skip
    here = run(Folder(files), state, Noting()).inventory
    with Processes(RULES, Limits(), 2) as looker:
        assert run(Folder(files), state, looker, whole=True).inventory == here
        assert looker._pool._processes
        os.kill(next(iter(looker._pool._processes)), signal.SIGKILL)
        assert run(Folder(files), state, looker, whole=True).inventory == here


def test_workers_end_when_their_parent_is_killed(files: Path) -> None:
    program = (
        "import time\nfrom ostiary.detection.rules import RuleSet\nfrom ostiary.scanning.look import Limits\n"
        "from ostiary.scanning.lookers import Processes\nfrom ostiary.scanning.place import Item\n"
        "if __name__ == '__main__':\n"
        "    made = Processes(RuleSet(categories=frozenset({'email'})), Limits(), 1)\n"
        "    made.look(Item('a', 1, ''), b'a')\n    print(*made._pool._processes, flush=True)\n    time.sleep(60)\n"
    )
    script = files.parent / "parent.py"
    script.write_text(program)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        (worker,) = map(int, parent.stdout.readline().split())
        parent.kill()
    until = time.monotonic() + 20
    while _runs(worker):
        assert time.monotonic() < until
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_cluster_of_dask_sees_the_same(files: Path, state: State) -> None:
    distributed = pytest.importorskip("distributed")
    here = run(Folder(files), state, Noting()).inventory
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        Cluster(RULES, Limits(), cluster.scheduler_address) as looker,
    ):
        assert run(Folder(files), state, looker, whole=True).inventory == here


def test_without_dask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterUnusable, match=r"ostiary\[cluster\]"):
        Cluster(RULES, Limits(), "tcp://127.0.0.1:1")


def test_the_state_is_its_owners_alone_and_holds_no_value(files: Path, state: State, tmp_path: Path) -> None:
    run(Folder(files), state, Noting())
    file = tmp_path / "state" / "scan.db"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert all(b"marsh" not in each.read_bytes() for each in file.parent.iterdir())


def test_two_scans_do_not_share_a_state(state: State, tmp_path: Path) -> None:
    with pytest.raises(StateUnusable, match="Another scan"):
        State(tmp_path / "state" / "scan.db")
