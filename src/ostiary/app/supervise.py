"""Several processes of the same command on one socket, one processor core each: started anew when they die, replaced one by one on SIGHUP.

The socket is the parent's, and all children take connections from it: what waits there is lost with no child. The parent does nothing else: it opens no
database and answers nobody.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType

from ostiary import log
from ostiary.clock import Clock
from ostiary.net.listening import listen

STOP_S = 60
QUICK_S = 5
QUICK_DEATHS_MAX = 5
"""A child that dies this often in a row within QUICK_S of its start will not do better the next time: the parent gives up with its exit status."""

_LOG = log.get("supervise")


@dataclass(slots=True)
class Supervisor:
    """Runs `command` `count` times; each child gets `handle`, the file descriptor of the listening socket, as its last argument."""

    command: Sequence[str]
    count: int
    handle: int
    clock: Clock
    _children: dict[int, tuple[subprocess.Popen[bytes], int]] = field(default_factory=dict)
    _stopping: bool = False
    _renewing: bool = False
    _quick: int = 0

    def run(self) -> int:
        """Until SIGTERM or SIGINT; the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._renew)
        for _ in range(self.count):
            self._spawn()
        while not self._stopping:
            status = self._look()
            if status is not None:
                self._stopping = True
                self._end()
                return status
            if self._renewing:
                self._renewing = False
                self._replace()
            time.sleep(0.1)
        self._end()
        return 0

    def _spawn(self) -> None:
        command = [*self.command, str(self.handle)]
        child = subprocess.Popen(command, pass_fds=(self.handle,))  # noqa: S603 - our own command
        self._children[child.pid] = (child, self.clock.monotonic_us())

    def _look(self) -> int | None:
        """Start anew what has died. The exit status to give up with, if a child keeps dying."""
        for pid, (child, since_us) in list(self._children.items()):
            status = child.poll()
            if status is None:
                continue
            del self._children[pid]
            lived_s = (self.clock.monotonic_us() - since_us) / 1_000_000
            self._quick = self._quick + 1 if lived_s < QUICK_S else 0
            _LOG.error("child.died", pid=pid, status=status, lived_s=round(lived_s, 1))
            if self._quick >= QUICK_DEATHS_MAX or status == os.EX_USAGE or status == 2:
                return status if status > 0 else 1
            self._spawn()
        return None

    def _replace(self) -> None:
        """A new child for each old one, which then ends what it has under way."""
        for pid, (child, _) in list(self._children.items()):
            self._spawn()
            del self._children[pid]
            child.terminate()
            self._wait([child])

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _renew(self, _signal: int, _frame: FrameType | None) -> None:
        self._renewing = True

    def _end(self) -> None:
        children = [child for child, _ in self._children.values()]
        for child in children:
            child.terminate()
        self._wait(children)

    def _wait(self, children: list[subprocess.Popen[bytes]]) -> None:
        until_us = self.clock.monotonic_us() + STOP_S * 1_000_000
        for child in children:
            left_s = max(0.1, (until_us - self.clock.monotonic_us()) / 1_000_000)
            try:
                child.wait(left_s)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def run(arguments: Sequence[str], *, count: int, host: str, port: int, clock: Clock) -> int:
    """`ostiary web --processes N`: N times `ostiary web --socket FD`. Raises OSError where the address is taken."""
    command = [sys.executable, "-c", "from ostiary.cli.main import main; main()", *arguments, "--socket"]
    with listen(host, port) as listening:
        return Supervisor(command, count, listening.fileno(), clock).run()
