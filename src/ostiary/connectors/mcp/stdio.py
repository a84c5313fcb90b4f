"""MCP over stdio, to a program that the operator declared: a line is a message. One process a credential, started when it is first needed.

A program that ends is started anew for the next request: a second later at the soonest, and each time that it ends soon again, twice as late. What was under
way has an unknown outcome. The credential is in its environment, in the variable that the operator names, and in no argument; what it writes to stderr is nobody's.
"""

import asyncio
import itertools
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ostiary import log
from ostiary.actions import JsonValue
from ostiary.connectors.mcp.session import METHOD_NOT_FOUND, OLDER, OLDER_SPOKEN, result_of, us
from ostiary.errors import TargetAnswerInvalid, TargetTimeout, TargetUnavailable
from ostiary.secret import Secret

MEMORY_BYTES_MAX = 8 << 30
FILES_MAX = 256
PROCESSES_MAX = 4_096
PENDING_MAX = 256
RESTART_S = 1.0
RESTART_S_MAX = 60.0
"""A program that lived this long is started again after a second."""
END_S = 2.0
NO_SECRET = Secret("")
_SANDBOX = Path(__file__).with_name("sandbox.py")
_LOG = log.get("mcp")


@dataclass(frozen=True, slots=True)
class Program:
    """What the operator lets be started: the program by its absolute path, its arguments, its whole environment, and the variable that gets the credential."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    credential: str = ""

    def environment_with(self, secret: Secret) -> dict[str, str]:
        given = {self.credential: secret.reveal()} if self.credential and secret else {}
        return {**self.environment, **given}


class StdioSession:
    """One process and the conversation with it."""

    def __init__(
        self, program: Program, secret: Secret = NO_SECRET, *, timeout_s: float, answer_bytes_max: int
    ) -> None:
        self.changed = False
        self.greeting: dict[str, Any] = {}
        self._secret = secret
        self._soon = 0
        self._program = program
        self._timeout_s = timeout_s
        self._bytes_max = answer_bytes_max
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ids = itertools.count(1)
        self._starting = asyncio.Lock()
        self._started_s = 0.0
        self._home: tempfile.TemporaryDirectory[str] | None = None

    async def request(
        self, method: str, params: Mapping[str, JsonValue], schema: JsonValue = None
    ) -> dict[str, Any]:
        """The result. Raises the Target errors."""
        return result_of(await self.exchange(method, params))

    async def exchange(self, method: str, params: Mapping[str, JsonValue]) -> dict[str, Any]:
        """The answer, which may be an error of the protocol. Raises the Target errors."""
        await self.started()
        return await self._asked(method, params)

    async def started(self) -> None:
        """The program runs and has been greeted: `greeting` is what it says of itself. Raises the Target errors."""
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                await self._start()

    async def close(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            _kill(process)
        if self._reading:  # it ends with the program
            with suppress(TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(self._reading, END_S)
        if self._home:
            await asyncio.to_thread(self._home.cleanup)

    async def _start(self) -> None:
        now_s = asyncio.get_running_loop().time()
        lived_s = now_s - self._started_s
        if self._started_s and lived_s < min(RESTART_S * 2 ** max(self._soon - 1, 0), RESTART_S_MAX):
            raise TargetUnavailable("The upstream's program has just ended; it is started again in a while.")
        self._soon = self._soon + 1 if self._started_s and lived_s < RESTART_S_MAX else 0
        self._started_s = now_s
        if self._home is None:
            self._home = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="ostiary-mcp-")
        bounds = (str(MEMORY_BYTES_MAX), str(FILES_MAX), str(PROCESSES_MAX))
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", str(_SANDBOX), *bounds, "--", *self._program.command,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
                env=self._program.environment_with(self._secret), cwd=self._home.name, limit=self._bytes_max, start_new_session=True,
            )  # fmt: skip
        except OSError:
            raise TargetUnavailable("The upstream's program cannot be started.") from None
        self._reading = asyncio.create_task(self._read(self._process))
        asked = {"protocolVersion": OLDER, "capabilities": {}, "clientInfo": us()}
        self.greeting = result_of(await self._asked("initialize", asked))
        if self.greeting.get("protocolVersion") not in OLDER_SPOKEN:
            raise TargetAnswerInvalid(
                "The server speaks no version of the protocol that this gateway speaks."
            )
        await self._say({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def _asked(self, method: str, params: Mapping[str, JsonValue]) -> dict[str, Any]:
        if len(self._waiting) >= PENDING_MAX:
            raise TargetUnavailable("Too many calls of this upstream are under way.")
        number = next(self._ids)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await self._say({"jsonrpc": "2.0", "id": number, "method": method, "params": dict(params)})
            return await asyncio.wait_for(answer, self._timeout_s)
        except TimeoutError:
            raise TargetTimeout(maybe_done=True) from None
        finally:
            self._waiting.pop(number, None)
            if not answer.cancel() and not answer.cancelled():
                answer.exception()  # looked at, whoever was told of it

    async def _say(self, message: Mapping[str, JsonValue]) -> None:
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            raise TargetUnavailable("The upstream's program has ended.")
        try:
            process.stdin.write(orjson.dumps(message) + b"\n")
            await process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            raise TargetUnavailable("The upstream's program has ended.", maybe_done=True) from None

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand out what the program says, until it ends or says what is no message: then it is ended."""
        assert process.stdout is not None
        try:
            while line := await process.stdout.readline():
                await self._heard(orjson.loads(line))
        except (ValueError, TargetUnavailable) as error:  # a line that is too long is a ValueError too
            _LOG.warning("upstream.broke", error=type(error).__name__)
        finally:
            if self._process is process:
                self._process = None  # the next request starts another
            _kill(process)
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(
                        TargetUnavailable("The upstream's program has ended.", maybe_done=True)
                    )
            await process.wait()
            if process.stdin is not None:
                process.stdin.close()
                with suppress(OSError):
                    await process.stdin.wait_closed()

    async def _heard(self, message: JsonValue) -> None:
        if not isinstance(message, dict):
            raise ValueError("no message")
        if "method" not in message:
            number = message.get("id")
            answer = self._waiting.get(number) if isinstance(number, int) else None
            if answer is not None and not answer.done():
                answer.set_result(message)
        elif message["method"] == "notifications/tools/list_changed":
            self.changed = True
        elif "id" in message:
            error = {"code": METHOD_NOT_FOUND, "message": "Nobody can be asked here."}
            await self._say({"jsonrpc": "2.0", "id": message["id"], "error": error})


def _kill(process: asyncio.subprocess.Process) -> None:
    """The program, and what it has started: they are a group of their own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
