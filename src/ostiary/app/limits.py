"""How much memory and processor a process may take, as the operator said: what this process can do about it itself, and what only the system around it can.
And that what is in its memory, which is keys and other people's rows, is written nowhere when it dies.

A control group (cgroup v2) that the operator delegated bounds both; else memory is bounded by the address space, and the processor by nothing but a lower
priority. What is in force is said at start.
"""

import ctypes
import os
import resource
import sys
from pathlib import Path

from ostiary import log
from ostiary.errors import ConfigurationError

CGROUPS = Path("/sys/fs/cgroup")
PERIOD_US = 100_000
NICE = 10
ADDRESS_SPACE_FACTOR = 4
"""Address space is not memory: libraries, threads' stacks and the allocator's arenas reserve a multiple of what they use."""
MB = 1024 * 1024
_PR_SET_DUMPABLE = 4
"""prctl(2)"""

_LOG = log.get("app")


def apply(*, memory_mb: int, cpu_percent: int, group: Path | None = None) -> dict[str, str]:
    """Take the limits on; 0 is none. What is in force for each, in words; also logged. Raises ConfigurationError where memory cannot be bounded at all."""
    own = group if group is not None else own_group()
    force: dict[str, str] = {}
    if memory_mb:
        force["memory"] = _memory(own, memory_mb)
    if cpu_percent:
        force["cpu"] = _cpu(own, cpu_percent)
    if force:
        _LOG.warning("limits", **force)
    return force


def without_core() -> None:
    """No core dump of this process, whatever the system does with those of others (core(5)); on Linux no other process of its account may read its memory either."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def own_group() -> Path | None:
    """The control group that this process is in, if it is one of version 2 that we may change."""
    try:
        line = next(
            line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")
        )
    except (OSError, StopIteration):
        return None
    folder = CGROUPS / line.removeprefix("0::").lstrip("/")
    return folder if folder != CGROUPS and os.access(folder / "memory.max", os.W_OK) else None


def _memory(group: Path | None, memory_mb: int) -> str:
    if group is not None and _written(group / "memory.max", str(memory_mb * MB)):
        return f"{memory_mb} MB by its control group"
    most = memory_mb * MB * ADDRESS_SPACE_FACTOR
    try:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    except (OSError, ValueError) as error:
        raise ConfigurationError(["OSTIARY_MEMORY_MB is more than this process may have"]) from error
    return f"{memory_mb * ADDRESS_SPACE_FACTOR} MB of address space; better: MemoryMax= of systemd, or the container's limit"


def _cpu(group: Path | None, cpu_percent: int) -> str:
    if group is not None and _written(group / "cpu.max", f"{cpu_percent * PERIOD_US // 100} {PERIOD_US}"):
        return f"{cpu_percent} % of one processor by its control group"
    os.nice(NICE)
    return f"lower priority only ({NICE}); better: CPUQuota= of systemd, or the container's limit"


def _written(path: Path, text: str) -> bool:
    try:
        path.write_text(text)
    except OSError:
        return False
    return True
