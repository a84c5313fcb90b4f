"""Processes of Ostiary that begin in a tenth of the time: forked from one that has imported everything and has done nothing else.

The tests start hundreds of gateways, a sweep starts one anew for each of a thousand points, and nine tenths of a start are imports. What is forked has a process id, a session and an
environment of its own, and makes from there on the same system calls as one that was started from the shell.

`python -m tests.forked FD` is the one that forks; it reads orders from that socket, and ends with whoever gives them.
"""

import atexit
import ctypes
import functools
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

import ostiary

ORDER_BYTES = 1 << 20
POSSIBLE = hasattr(os, "pidfd_open")
"""Linux has what this needs."""
_PR_SET_PDEATHSIG = 1
"""prctl(2)"""
_STATUS = struct.Struct("<h")


class Forked:
    """What `subprocess.Popen` is for a child, as far as it is used here."""

    def __init__(self, pid: int, handle: int, hold: socket.socket) -> None:
        self.pid, self._handle, self._hold = pid, handle, hold
        self._status: int | None = None

    def go(self) -> None:
        """It waits for this before it runs, so that a tracer can be attached first."""
        self._hold.sendall(b"1")

    def poll(self) -> int | None:
        """The exit status, or minus the signal that ended it; None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        if self._status is None:
            if not select.select([self._hold], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(["ostiary"], timeout or 0)
            told = self._hold.recv(_STATUS.size)
            self._status = _STATUS.unpack(told)[0] if told else -signal.SIGKILL
        return self._status

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def __del__(self) -> None:
        self._hold.close()
        os.close(self._handle)


class Fork:
    """The one that forks, seen from the test."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forked", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=Path(__file__).parent.parent,
            )

    def start(self, command: tuple[str, ...], environ: dict[str, str], log: Path) -> Forked:
        """`command`: what comes after `ostiary`; what it writes goes to the end of `log`."""
        hold, theirs = socket.socketpair()
        order = json.dumps({"command": command, "environ": environ, "log": str(log)}).encode()
        with theirs:
            socket.send_fds(self._socket, [order], [theirs.fileno()])
        said, handles, _, _ = socket.recv_fds(self._socket, 100, 1)
        hold.recv(1)  # it has its own session now
        return Forked(int(said), handles[0], hold)

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


@functools.cache
def the_fork() -> Fork:
    """The one of this run of tests."""
    made = Fork()
    atexit.register(made.close)
    return made


LATER = frozenset({"ostiary.detection.model_network"})
"""What no process imports before it needs it: NumPy's threads would be lost in the fork."""


def import_everything() -> None:
    for module in pkgutil.walk_packages(ostiary.__path__, "ostiary."):
        if not module.name.endswith("__main__") and module.name not in LATER:
            importlib.import_module(module.name)


def serve(orders: socket.socket) -> None:
    import_everything()
    assert len(os.listdir("/proc/self/task")) == 1, "a thread would be lost in the fork"
    children: dict[int, tuple[int, int]] = {}
    while True:
        for ready in select.select([orders.fileno(), *children], [], [])[0]:
            if ready in children:
                bury(ready, *children.pop(ready))
                continue
            text, hold, _, _ = socket.recv_fds(orders, ORDER_BYTES, 1)
            if not text:
                return
            pid = os.fork()
            if pid == 0:
                orders.close()
                for handle, (_pid, theirs) in children.items():
                    os.close(handle)
                    os.close(theirs)
                become(json.loads(text), hold[0])
            handle = os.pidfd_open(pid)
            children[handle] = pid, hold[0]
            socket.send_fds(orders, [str(pid).encode()], [handle])


def bury(handle: int, pid: int, hold: int) -> None:
    """Tell how it ended."""
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with suppress(OSError):  # nobody wants to know
        os.write(hold, _STATUS.pack(status))
    os.close(hold)
    os.close(handle)


def become(order: dict[str, object], hold: int) -> None:
    """Does not return."""
    ctypes.CDLL(None).prctl(
        _PR_SET_PDEATHSIG, signal.SIGKILL
    )  # a test run that is killed leaves nothing behind
    os.setsid()
    with open(str(order["log"]), "ab") as log, open(os.devnull, "rb") as nothing:
        for ours, theirs in ((nothing.fileno(), 0), (log.fileno(), 1), (log.fileno(), 2)):
            os.dup2(ours, theirs)
    os.environ.clear()
    os.environ.update(order["environ"])  # type: ignore[arg-type]  # it came as JSON
    time.tzset()
    with socket.socket(fileno=hold) as told:
        told.sendall(b"1")
        told.recv(1)
    sys.argv = ["-c", *order["command"]]  # type: ignore[misc]
    sys.path.pop(0)
    status = 1
    try:
        importlib.import_module("ostiary.cli.main").main()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
