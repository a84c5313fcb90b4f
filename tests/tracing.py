"""`strace` on a process that runs: which system calls it makes, and SIGKILL at a chosen one of them.

It counts each kind of system call in each thread, from the moment at which it is attached, and kills the process when the n-th one begins.
"""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.process import Process

TRACER_TIMEOUT_S = 2


@contextmanager
def traced(victim: Process, *how: str) -> Iterator[None]:
    """`how` are strace's own options."""
    assert victim.running is not None
    with attached(victim.running.pid, *how):
        yield


@contextmanager
def attached(pid: int, *how: str) -> Iterator[None]:
    command = ["strace", "-f", "-p", str(pid), *how]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        first = tracer.stderr.readline()
        if "attached" not in first:
            pytest.skip(f"strace may not attach here: {first.strip()}")
        try:
            yield
        finally:
            tracer.terminate()
            try:
                tracer.wait(TRACER_TIMEOUT_S)
            except subprocess.TimeoutExpired:  # it may wait for ever for a thread that it saw die
                tracer.kill()
            tracer.stderr.read()


def counted(trace: Path) -> Counter[str]:
    """How many of each system call the busiest thread made."""
    seen: Counter[tuple[str, str]] = Counter()
    for line in trace.read_text(errors="replace").splitlines():
        if found := re.match(r"(\d+)\s+(\w+)\(", line):
            seen[found[1], found[2]] += 1
    busiest: Counter[str] = Counter()
    for (_, name), count in seen.items():
        busiest[name] = max(busiest[name], count)
    return busiest


def inject(call: str, number: int) -> tuple[str, ...]:
    """The options that kill at the n-th call of this name in a thread."""
    return ("-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}")


def gone(victim: Process) -> bool:
    """Whether it is dead; its tracer may see that before we do."""
    assert victim.running is not None
    try:
        victim.running.wait(1)
    except subprocess.TimeoutExpired:
        return False
    return True
