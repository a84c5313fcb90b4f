"""MCP over stdio, to a program that the operator declared: a line is a message. One process a credential, started when it is first needed.

A program that ends is started anew for the next request: a second later at the soonest, and each time that it ends soon again, twice as late. What was under
way has an unknown outcome. Whatever nobody waits for any more is cancelled at the program. Its progress goes to whoever asked: each request has a token of its
own. The credential is in its environment, in the variable that the operator names, and in no argument; what it writes to stderr is nobody's.
"""

import asyncio
import itertools
import os
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from ostiary import log
from ostiary.actions import JsonValue
from ostiary.connectors.mcp.listeners import CHANGES, Listeners
from ostiary.connectors.mcp.session import METHOD_NOT_FOUND, OLDER, OLDER_SPOKEN, result_of, us
from ostiary.errors import OstiaryError, TargetAnswerInvalid, TargetTimeout, TargetUnavailable
from ostiary.secret import Secret

MEMORY_BYTES_MAX = 8 << 30
FILES_MAX = 256
PROCESSES_MAX = 4_096
PROGRAMS_MAX = 32
"""Of one upstream: each credential has a program of its own."""
PENDING_MAX = 256
RESTART_S = 1.0
RESTART_S_MAX = 60.0
"""A program that lived this long is started again after a second."""
END_S = 2.0
PROGRESS_MAX = 64
"""Notices of progress that wait for a client who reads slowly; then the oldest go."""
NOTICE_BYTES_MAX = 16_384
"""A longer notice is none."""
TOLD_S = 1.0
"""How long an answer waits for the notices before it."""
GIVEN_UP_S = 2.0
"""How long the answer to what was cancelled may still come: then what was done is known."""
UNREAD_BYTES_MAX = 1 << 20
"""A program that reads nothing is told nothing but what is asked of it."""
LINES_AT_ONCE = 64
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


OnProgress = Callable[[dict[str, Any]], Awaitable[None]]
"""Takes what a program says of its progress, with our token in it."""


@dataclass(slots=True)
class _Waiting:
    """A request that is under way."""

    answer: asyncio.Future[dict[str, Any]]
    told: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=PROGRESS_MAX))
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def tell(self, on_progress: OnProgress) -> None:
        """Give each notice to who asked, until the answer is there."""
        while True:
            while self.told:
                await on_progress(self.told.popleft())
            if self.answer.done():
                return
            self.news.clear()
            await self.news.wait()


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
        self._waiting: dict[int, _Waiting] = {}
        self.running: dict[tuple[str, str], asyncio.Future[None]] = {}
        """What clients have asked that they may cancel, by their session and id; done: given up."""
        self.listeners = Listeners(self._subscribe)
        self._ids = itertools.count(1)
        self._starting = asyncio.Lock()
        self._started_s = 0.0
        self._home: tempfile.TemporaryDirectory[str] | None = None
        self._closed = False

    @property
    def idle(self) -> bool:
        return not self._waiting and not self.listeners and not self._starting.locked()

    async def request(
        self, method: str, params: Mapping[str, JsonValue], schema: JsonValue = None
    ) -> dict[str, Any]:
        """The result. Raises the Target errors."""
        return result_of(await self.exchange(method, params))

    async def exchange(
        self,
        method: str,
        params: Mapping[str, JsonValue],
        on_progress: OnProgress | None = None,
        given_up: asyncio.Future[None] | None = None,
    ) -> dict[str, Any]:
        """The answer, which may be an error of the protocol. `given_up`: done as soon as nobody wants it any more. Raises the Target errors."""
        await self.started()
        return await self._asked(method, params, on_progress, given_up)

    async def started(self) -> None:
        """The program runs and has been greeted: `greeting` is what it says of itself. Raises the Target errors."""
        async with self._starting:
            if self._closed:
                raise TargetUnavailable("The upstream's program was ended to make room for another's.")
            if self._process is None or self._process.returncode is not None:
                try:
                    await self._start()
                except OstiaryError as error:
                    error.maybe_done = False  # what was to be asked of it was not
                    raise

    async def close(self) -> None:
        self._closed = True
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
        await self._over()
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
        process = self._process
        self._reading = asyncio.create_task(self._read(process))
        try:
            await self._greeted()
        except BaseException:
            _kill(process)  # who did not greet is not spoken with
            raise

    async def _greeted(self) -> None:
        asked = {"protocolVersion": OLDER, "capabilities": {}, "clientInfo": us()}
        self.greeting = result_of(await self._asked("initialize", asked))
        if self.greeting.get("protocolVersion") not in OLDER_SPOKEN:
            raise TargetAnswerInvalid(
                "The server speaks no version of the protocol that this gateway speaks."
            )
        await self._say({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def _over(self) -> None:
        """The program before this one has said its last, so that its end is none of the next one's requests'."""
        reading = self._reading
        if reading is None or reading.done():
            return
        if self._process is not None:
            _kill(self._process)
        _, late = await asyncio.wait({reading}, timeout=END_S)
        if late:
            reading.cancel()
            await asyncio.wait(late, timeout=END_S)

    async def _asked(
        self,
        method: str,
        params: Mapping[str, JsonValue],
        on_progress: OnProgress | None = None,
        given_up: asyncio.Future[None] | None = None,
    ) -> dict[str, Any]:
        if len(self._waiting) >= PENDING_MAX:
            raise TargetUnavailable("Too many calls of this upstream are under way.")
        number = next(self._ids)
        waiting = self._waiting[number] = _Waiting(asyncio.get_running_loop().create_future())
        sent = {**params, **({"_meta": {"progressToken": number}} if on_progress else {})}
        telling = asyncio.create_task(waiting.tell(on_progress)) if on_progress else None
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._say({"jsonrpc": "2.0", "id": number, "method": method, "params": sent})
                await self._awaited(number, waiting, given_up)
            if telling:
                await asyncio.wait({telling}, timeout=TOLD_S)
            return waiting.answer.result()
        except TimeoutError:
            raise TargetTimeout(maybe_done=True) from None
        finally:
            self._waiting.pop(number, None)
            if telling:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)
            if not waiting.answer.done() and method != "initialize":
                self._cancel(number)
            if not waiting.answer.cancel() and not waiting.answer.cancelled():
                waiting.answer.exception()  # looked at, whoever was told of it

    async def _awaited(self, number: int, waiting: _Waiting, given_up: asyncio.Future[None] | None) -> None:
        """Returns when the answer is there. Raises TargetUnavailable where it was given up and does not come."""
        either: set[asyncio.Future[Any]] = {waiting.answer, given_up} if given_up else {waiting.answer}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.answer.done():
            self._cancel(number)
            await asyncio.wait({waiting.answer}, timeout=GIVEN_UP_S)
        if not waiting.answer.done():
            waiting.answer.cancel()
            raise TargetUnavailable("It was cancelled.", maybe_done=True)

    async def _subscribe(self, method: str, uri: str) -> bool:
        """At the program that runs; none is started for it."""
        return "result" in await self._asked(method, {"uri": uri})

    def _cancel(self, number: int) -> None:
        """Tell the program to stop working on it, if it listens (MCP, Cancellation)."""
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            return
        if process.stdin.transport.get_write_buffer_size() > UNREAD_BYTES_MAX or process.stdin.is_closing():
            return
        told = {"requestId": number, "reason": "Nobody waits for it any more."}
        process.stdin.write(
            orjson.dumps({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": told}) + b"\n"
        )

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
            lines = 0
            while line := await process.stdout.readline():
                await self._heard(orjson.loads(line), len(line))
                lines += 1
                if lines % LINES_AT_ONCE == 0:
                    await asyncio.sleep(0)  # one that floods us is not the only one here
        except (ValueError, TargetUnavailable) as error:  # a line that is too long is a ValueError too
            _LOG.warning("upstream.broke", error=type(error).__name__)
        finally:
            if self._process is process:
                self._process = None  # the next request starts another
            _kill(process)
            self.listeners.lost()
            for waiting in self._waiting.values():
                if not waiting.answer.done():
                    waiting.answer.set_exception(
                        TargetUnavailable("The upstream's program has ended.", maybe_done=True)
                    )
            await process.wait()
            if process.stdin is not None:
                process.stdin.close()
                with suppress(OSError):
                    await process.stdin.wait_closed()

    async def _heard(self, message: JsonValue, size: int) -> None:
        if not isinstance(message, dict):
            raise ValueError("no message")
        if "method" not in message:
            waiting = self._of(message.get("id"))
            if waiting is not None and not waiting.answer.done():
                waiting.answer.set_result(message)
                waiting.news.set()
        elif message["method"] == "notifications/progress":
            told: Any = message.get("params")
            waiting = self._of(told.get("progressToken")) if isinstance(told, dict) else None
            if waiting is not None and not waiting.answer.done() and size <= NOTICE_BYTES_MAX:
                waiting.told.append(told)
                waiting.news.set()
        elif message["method"] in CHANGES:
            self.changed = self.changed or message["method"] == "notifications/tools/list_changed"
            if size <= NOTICE_BYTES_MAX:
                self.listeners.heard(message["method"], message.get("params"))
        elif "id" in message:
            error = {"code": METHOD_NOT_FOUND, "message": "Nobody can be asked here."}
            await self._say({"jsonrpc": "2.0", "id": message["id"], "error": error})

    def _of(self, number: JsonValue) -> _Waiting | None:
        """The request of this number; None where we never gave it, or it is over."""
        return self._waiting.get(number) if type(number) is int else None


def _kill(process: asyncio.subprocess.Process) -> None:
    """The program, and what it has started: they are a group of their own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
