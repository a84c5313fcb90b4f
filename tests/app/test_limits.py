"""Limits of a process: by its control group where it may write there, else by what a process can do itself; and it says which."""

import json
import os
import subprocess
import sys
from pathlib import Path

TRIED = """
import json, os, resource, sys
from pathlib import Path
from ostiary.app import limits
before = os.nice(0)
group = Path(sys.argv[1]) if sys.argv[1] else Path("/nowhere/at/all")
force = limits.apply(memory_mb=int(sys.argv[2]), cpu_percent=int(sys.argv[3]), group=group)
try:
    taken = len(bytearray(int(sys.argv[4])))
except MemoryError:
    taken = -1
print(json.dumps([force, os.nice(0) - before, resource.getrlimit(resource.RLIMIT_AS)[0], taken]))
"""


def tried(group: str, memory_mb: int, cpu_percent: int, take_bytes: int = 1):  # type: ignore[no-untyped-def]
    arguments = [group, str(memory_mb), str(cpu_percent), str(take_bytes)]
    done = subprocess.run(
        [sys.executable, "-c", TRIED, *arguments], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_a_control_group_that_may_be_written_bounds_both(tmp_path: Path) -> None:
    force, nice, _space, _taken = tried(str(tmp_path), 512, 150)
    assert (tmp_path / "memory.max").read_text() == "536870912"
    assert (tmp_path / "cpu.max").read_text() == "150000 100000"
    assert force == {
        "memory": "512 MB by its control group",
        "cpu": "150 % of one processor by its control group",
    }
    assert nice == 0


def test_without_one_memory_is_bounded_by_address_space_and_the_processor_by_priority() -> None:
    force, nice, space, taken = tried("", 256, 50, take_bytes=2 * 1024**3)
    assert space == 1024 * 1024 * 1024
    assert taken == -1, "more is not given"
    assert nice == min(10, 19 - os.nice(0)), "19 is the least there is"
    assert force["memory"].startswith("1024 MB of address space")
    assert force["cpu"].startswith("lower priority only")


def test_no_limit_is_no_limit() -> None:
    force, nice, space, _taken = tried("", 0, 0)
    assert (force, nice, space) == ({}, 0, -1)


def test_a_process_without_core_cannot_be_dumped() -> None:
    tried = "from ostiary.app import limits; import ctypes, resource; limits.without_core(); print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3) if hasattr(ctypes.CDLL(None), 'prctl') else 0)"
    done = subprocess.run([sys.executable, "-c", tried], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(0, 0) 0"
