"""The points at which something is killed: the n-th system call of a kind, as a traced run showed them; and a journal of what came of each.

SWEEP_EVERY takes every n-th of them. With SWEEP_LOG, a folder, each point is written down when it is done, and a later run goes on from there.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

WRITES = (
    "pwrite64", "pwritev", "pwritev2", "write", "writev", "sendto", "sendmsg", "fdatasync", "fsync", "ftruncate", "fallocate",
    "unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "copy_file_range", "sendfile",
)  # fmt: skip
EVERY = int(os.environ.get("SWEEP_EVERY", "1"))
LOG = os.environ.get("SWEEP_LOG", "")

Point = tuple[str, int]


def options(calls: Iterable[str] = WRITES) -> str:
    """For strace; a name that this machine does not know is passed over."""
    return ",".join(f"?{call}" for call in calls)


def every(found: Counter[str]) -> list[Point]:
    listed = [(call, number) for call, count in sorted(found.items()) for number in range(1, count + 1)]
    return listed[::EVERY]


@dataclass
class Journal:
    """`tried`: whether it died there, by point. `faults`: what did not hold after a kill, in words."""

    name: str
    tried: dict[Point, bool] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    _since: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._path = Path(LOG) / f"sweep-{self.name}.log" if LOG else None
        if self._path and self._path.exists():
            for line in map(json.loads, self._path.read_text().splitlines()):
                if "died" in line:
                    self.tried[line["call"], line["number"]] = line["died"]

    def points(self, found: Counter[str]) -> list[Point]:
        """Those that are to be tried still."""
        self.say(found=dict(found), points=found.total())
        return [point for point in every(found) if point not in self.tried]

    def done(self, point: Point, died: bool) -> None:
        self.tried[point] = died
        self.say(call=point[0], number=point[1], died=died)

    def fault(self, point: Point, why: object) -> None:
        self.faults.append(f"{self.name}, killed at {point}: {why}")
        self.say(call=point[0], number=point[1], fault=str(why)[:2000])

    def say(self, **what: object) -> None:
        now = time.monotonic()
        took_s, self._since = now - self._since, now
        if self._path:
            with open(self._path, "a") as file:
                file.write(json.dumps({"at": time.strftime("%H:%M:%S"), "took_s": round(took_s, 2), **what}) + "\n")  # fmt: skip

    def told(self) -> str:
        """What was tried, for whoever ran it; raises AssertionError where something did not hold, or half of the points were missed."""
        assert not self.faults, "\n".join(self.faults)
        died = sum(self.tried.values())
        assert died >= len(self.tried) // 2
        return f"{died} kills at {len(self.tried)} points"
