"""A gateway with kinds of jobs for tests: one that counts slowly, one that kills its process, one that fails, one that talks too much.

`python -m tests.worker.slow serve|web|worker` is `ostiary serve|web|worker` with them.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from ostiary.actions import Action, Call
from ostiary.app import gateway
from ostiary.app.gateway import Gateway
from ostiary.cli.main import main as ostiary
from ostiary.errors import Conflict, TargetUnavailable
from ostiary.shapes import ModelShape, Params
from ostiary.work import Going, Kind, Step, step


class Counting(Params):
    """`file`: gets a line a step, with the process and the step; a deed outside. `name` is somebody's."""

    file: str
    steps: int = 20
    pause_ms: int = 200
    name: str = ""
    fail_at: int = -1


COUNT = Kind("test.count", "Count", "Counts slowly.", "member.read", "test.count_step", params=ModelShape(Counting))  # fmt: skip
CRASH = Kind("test.crash", "Crash", "Kills its process.", "member.read", "test.crash_step")
FAIL = Kind("test.fail", "Fail", "Fails three times, then does.", "member.read", "test.fail_step", params=ModelShape(Counting))  # fmt: skip
OWNERS = Kind("test.owners", "Owners only", "Takes a permission of the owner.", "audit.export", "test.owners_step", params=ModelShape(Counting))  # fmt: skip
HIDDEN = Kind("test.hidden", "Hidden", "Nobody starts this.", "member.read", "test.hidden_step", startable=False)  # fmt: skip
EVERY = Kind("test.every", "Every hour", "Recurs.", "member.read", "test.every_step", every_s=3600)
KINDS = (COUNT, CRASH, FAIL, OWNERS, HIDDEN, EVERY)


def steps() -> list[Action]:
    async def count(call: Call, going: Going) -> Step:
        at = int(going.cursor.partition(" ")[0] or 0)
        with Path(going.params.file).open("a") as file:
            file.write(f"{os.getpid()} {at}\n")
        await asyncio.sleep(going.params.pause_ms / 1000)
        if at == going.params.fail_at:
            raise Conflict("Not that one.")
        total = going.params.steps
        note = f"Counted to {at + 1} for {going.params.name}"
        return Step(cursor=f"{at + 1} {going.params.name}", done=at + 1 >= total, count=at + 1, total=total, note=note)  # fmt: skip

    async def crash(call: Call, going: Going) -> Step:
        os.kill(os.getpid(), signal.SIGKILL)
        return Step(done=True)

    async def fail(call: Call, going: Going) -> Step:
        with Path(going.params.file).open("a") as file:
            file.write("tried\n")
        if len(Path(going.params.file).read_text().splitlines()) <= going.params.steps:
            raise TargetUnavailable
        return Step(done=True, count=1, total=1)

    async def nothing(call: Call, going: Going) -> Step:
        return Step(done=True)

    return [step(COUNT, count), step(CRASH, crash), step(FAIL, fail), step(OWNERS, count), step(HIDDEN, nothing), step(EVERY, nothing)]  # fmt: skip


class SlowGateway(Gateway):
    def _actions(self) -> list[Action]:
        return [*super()._actions(), *steps()]


def with_kinds() -> None:
    """From here on a gateway of this process knows these kinds too."""
    if COUNT not in gateway.KINDS:
        gateway.KINDS = (*gateway.KINDS, *KINDS)


def main() -> None:
    with_kinds()
    gateway.Gateway = SlowGateway  # type: ignore[misc]
    sys.argv[0] = "ostiary"
    ostiary()


if __name__ == "__main__":
    main()
