"""SIGKILL at a chosen write-class system call of a backup and of a restore, each a process of its own, traced from its first step. Earlier backups stay whole
to the byte, the next backup takes up nothing of the killed one and is proven by a drill; what a killed restore leaves does not start, and the next one
restores it. Of an embedded installation (SQLite), and of several processes on PostgreSQL.
"""

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests import servers
from tests.forked import the_fork
from tests.hostile.deeds import EMBEDDED, PATIENCE_S, SEVERAL, Scene, scene, until
from tests.hostile.points import Journal, Point, options
from tests.house import EMBEDDED as ON_SQLITE
from tests.process import NotReady, Process
from tests.tracing import attached, counted, inject

KILLED = -1
DONE, LOOK = 0, 3
"""A restore that brings calls back which may have begun says so."""

DRILLED_EVERY = 25
KINDS = [EMBEDDED, SEVERAL]

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]


@dataclass
class Copies:
    """Backups of an installation that runs. `whole`: what each file of the earlier backups hashed to."""

    scene: Scene
    whole: dict[Path, str] = field(default_factory=dict)

    @property
    def to(self) -> Path:
        return self.scene.folder / "backups"

    @property
    def keys_to(self) -> Path:
        return self.scene.folder / "keys-backups"

    def command(self, *words: str, tracer: tuple[str, ...] = (), **settings: str) -> int:
        """Its exit status, KILLED if it has none."""
        environ = {**self.scene.web.environment(), **settings}
        running = the_fork().start(words, environ, self.scene.folder / "commands.log")
        if not tracer:
            running.go()
            return running.wait(PATIENCE_S)
        with attached(running.pid, *tracer):
            running.go()
            return running.wait(PATIENCE_S)

    def backup(self, *tracer: str) -> int:
        return self.command("backup", *self._folders("to"), tracer=tracer, **self._reader())

    def restore(self, into: Path, settings: dict[str, str], *tracer: str) -> int:
        words = (*self._folders("from"), "--into", str(into), "--replace")
        return self.command("restore", *words, tracer=tracer, **settings, **self._administrator())

    def drill(self) -> int:
        words = (*self._folders("from"), "--no-record")
        with self.place() as urls:
            if urls:
                words += ("--database-url", urls["OSTIARY_DATABASE_URL"], "--keys-url", urls["OSTIARY_KEYS_URL"])  # fmt: skip
            return self.command("drill", *words, **self._administrator())

    @contextmanager
    def place(self) -> Iterator[dict[str, str]]:
        """Empty databases, where they are PostgreSQL's: settings."""
        if self.scene.kind == EMBEDDED:
            yield dict(ON_SQLITE)
            return
        made = {"OSTIARY_DATABASE_URL": servers.fresh_store("data"), "OSTIARY_KEYS_URL": servers.fresh_store("keys")}  # fmt: skip
        try:
            yield made
        finally:
            for url in made.values():
                servers.drop_postgresql(url)

    def _folders(self, way: str) -> tuple[str, ...]:
        return (f"--{way}", str(self.to), f"--keys-{way}", str(self.keys_to))

    def _reader(self) -> dict[str, str]:
        if (cluster := self.scene.cluster) is None:
            return {}
        return {
            "OSTIARY_BACKUP_DATABASE_URL": servers.backup_url(cluster.data_url),
            "OSTIARY_BACKUP_KEYS_URL": servers.backup_url(cluster.keys_url),
        }

    def _administrator(self) -> dict[str, str]:
        if self.scene.kind == EMBEDDED:
            return {}
        return {"OSTIARY_ADMIN_URL": servers.administrator().render_as_string(hide_password=False)}

    def remember(self) -> None:
        """A file that has its name is never changed again."""
        for folder in (self.to, self.keys_to):
            for path in folder.rglob("*"):
                if path.is_file():
                    self.whole[path] = hashlib.sha256(path.read_bytes()).hexdigest()

    def unchanged(self) -> None:
        for path, digest in self.whole.items():
            assert path.exists(), path.name
            assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, path.name

    def goes_on(self) -> None:
        """The next backup removes what the killed ones had begun, and is a whole one."""
        assert self.backup() == DONE
        self.unchanged()
        assert self.drill() == DONE
        self.remember()


@contextmanager
def copies(folder: Path, kind: str) -> Iterator[Copies]:
    """With one backup taken."""
    with scene(folder, kind) as here:
        made = Copies(here)
        assert made.backup() == DONE
        made.remember()
        yield made


def command_points(here: Copies, run: Callable[..., int]) -> Counter[str]:
    trace = here.scene.folder / "trace"
    assert run("-o", str(trace), "-e", f"trace={options()}") in (DONE, LOOK)
    return counted(trace)


def backups_killed(here: Copies, journal: Journal, chosen: list[Point] | None) -> None:
    listed = journal.points(command_points(here, here.backup)) if chosen is None else chosen
    for number, point in enumerate(listed):
        here.scene.pay(here.scene.fresh("meanwhile"))
        died = here.backup(*inject(*point)) != DONE
        try:
            here.unchanged()
            if number % DRILLED_EVERY == 0:
                here.goes_on()
        except AssertionError as fault:
            journal.fault(point, fault)
        journal.done(point, died)
    here.goes_on()
    here.scene.stands()
    journal.say(drilled=True)


@dataclass
class Again:
    """A place where the installation was restored already. `process` is started on it; on PostgreSQL at a home of its own, as on another machine."""

    here: Copies
    home: Path
    settings: dict[str, str]
    process: Process

    def restore(self, *tracer: str) -> int:
        return self.here.restore(self.home, self.settings, *tracer)

    def stands(self) -> bool:
        """Whether a process starts; if so, everything that was told before the backup holds."""
        scene = self.here.scene
        try:
            self.process.start()
            for name, told in scene.kept.items():
                answer = until(lambda name=name: self._asked(name), f"an answer to {name}")
                assert answer.status_code == 200, answer.text
                assert (answer.json()["call_id"], answer.json()["result"]) == (
                    told["call_id"],
                    told["result"],
                )
        except NotReady:
            return False
        finally:
            self.process.kill()
        return True

    def _asked(self, name: str) -> httpx.Response | None:
        """None where it is not to be had yet."""
        body = {"to": name, "amount": 3}
        answer = self.process.ask("POST", "/v1/actions/pay.about", self.here.scene.agent, json=body, key=name)
        return None if answer.status_code == 503 else answer


@contextmanager
def again(here: Copies) -> Iterator[Again]:
    home = here.scene.folder / "again"
    with here.place() as urls:
        several = here.scene.cluster is not None
        settings = {**urls, "OSTIARY_BLOB_URL": f"file://{home}-blobs"} if several else urls
        process = Process(
            here.scene.folder / "elsewhere" if several else home,
            ("web",) if several else ("serve",),
            settings,
        )
        made = Again(here, home, settings, process)
        assert made.restore() in (DONE, LOOK)
        assert made.stands()
        yield made


def restores_killed(here: Copies, journal: Journal, chosen: list[Point] | None) -> int:
    """Each over an installation that stands; how many of the killed ones left what starts no process."""
    refused = 0
    with again(here) as there:
        listed = journal.points(command_points(here, there.restore)) if chosen is None else chosen
        for number, point in enumerate(listed):
            died = there.restore(*inject(*point)) not in (DONE, LOOK)
            try:
                here.unchanged()
                refused += not there.stands()
                assert there.restore() in (DONE, LOOK)
                assert number % DRILLED_EVERY or there.stands()
            except AssertionError as fault:
                journal.fault(point, fault)
            journal.done(point, died)
    here.scene.stands()
    journal.say(refused=refused, restored=True)
    return refused


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("kind", "point"), [(EMBEDDED, ("pwrite64", 80)), (SEVERAL, ("write", 20))], ids=str)
def test_a_backup_that_is_killed_leaves_the_earlier_ones(tmp_path: Path, kind: str, point: Point) -> None:
    journal = Journal(f"{kind}-a-backup")
    with copies(tmp_path, kind) as here:
        backups_killed(here, journal, [point])
    assert (journal.tried, journal.faults) == ({point: True}, [])


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("kind", "point"), [(EMBEDDED, ("pwrite64", 50)), (SEVERAL, ("sendto", 480))], ids=str)  # fmt: skip
def test_a_restore_that_is_killed_is_restored_by_the_next(tmp_path: Path, kind: str, point: Point) -> None:
    journal = Journal(f"{kind}-a-restore")
    with copies(tmp_path, kind) as here:
        assert restores_killed(here, journal, [point]) == 1
    assert (journal.tried, journal.faults) == ({point: True}, [])


@pytest.mark.soak
@pytest.mark.timeout(14400)
@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_killed_at_every_point(tmp_path: Path, kind: str) -> None:
    journal = Journal(f"{kind}-backup")
    with copies(tmp_path, kind) as here:
        backups_killed(here, journal, None)
    print(f"\nsweep: backup, {kind}: {journal.told()}, earlier backups whole to the byte, the next ones proven by drills")  # fmt: skip


@pytest.mark.soak
@pytest.mark.timeout(14400)
@pytest.mark.parametrize("kind", KINDS)
def test_a_restore_killed_at_every_point(tmp_path: Path, kind: str) -> None:
    journal = Journal(f"{kind}-restore")
    with copies(tmp_path, kind) as here:
        refused = restores_killed(here, journal, None)
    print(f"\nsweep: restore, {kind}: {journal.told()}, {refused} left what starts no process, each was restored by the next run")  # fmt: skip
