"""Rows from a database to whoever reads them, in pieces: the database waits for a reader that waits."""

import asyncio
import hashlib
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ostiary.engines.encoding import Form, Unfit
from ostiary.engines.engine import Answer, Engine
from ostiary.engines.values import told_apart
from ostiary.errors import AnswerUnread, TargetAnswerInvalid, TargetAnswerTooLarge
from ostiary.guard.verdict import Verdict
from ostiary.ids import CallId
from ostiary.sinks import Sink

T = TypeVar("T")

PIECE_BYTES = 262_144
AHEAD = 4
"""Pieces that may wait for the reader; no more of an answer is ever in memory."""


@dataclass(frozen=True, slots=True)
class Sent:
    """`size`: in bytes; `digest`: their SHA-256."""

    size: int
    truncated: bool
    digest: bytes


class Sending:
    """The work that runs a statement on an engine, in a thread, and writes its rows into the sink of the event loop it was made on."""

    def __init__(
        self, verdict: Verdict, key_of: Callable[[str], str], form: Form, sink: Sink, call: CallId, *, rows_max: int, meant: bool
    ) -> None:  # fmt: skip
        """`meant`: whoever asked wanted so many rows and no more."""
        self._verdict, self._key_of, self._form, self._rows_max = verdict, key_of, form, rows_max
        self._sink, self._call, self._meant = sink, call, meant
        self._pipe = _Pipe(asyncio.get_running_loop())
        self.rows = self.columns = 0
        """That went to the reader, or were on their way."""

    def __call__(self, engine: Engine) -> Sent:
        """Raises AnswerUnread where nobody waits any more."""
        answer = engine.run(self._verdict, self._key_of)
        answer.limits = replace(answer.limits, rows=self._rows_max, bytes=0)
        try:
            return self._sent(answer)
        except CancelledError:
            raise AnswerUnread from None
        except Unfit:
            raise TargetAnswerInvalid(
                "A column holds values of several kinds: cast it to one, or to text."
            ) from None
        finally:
            answer.close()

    def _sent(self, answer: Answer) -> Sent:
        pipe, digest = self._pipe, hashlib.sha256()
        encoder = self._form.make(told_apart(answer.columns), answer.kinds)
        batches = answer.batches()
        first = next(batches, [])  # a statement that fails at once is answered as one
        waiting, size = [encoder.rows(first)], 0
        pipe.put(self._sink.begin(self._form.media, self._call))
        self.columns, self.rows = len(answer.columns), len(first)

        def flush() -> None:
            nonlocal size
            piece = b"".join(waiting)
            waiting.clear()
            digest.update(piece)
            size += len(piece)
            pipe.put(self._sink.write(piece))

        flush()  # the first rows at once
        for batch in batches:
            waiting.append(encoder.rows(batch))
            self.rows += len(batch)
            if sum(map(len, waiting)) >= PIECE_BYTES:
                flush()
        if answer.truncated and not (self._form.tells or self._meant):
            raise TargetAnswerTooLarge("There are more rows than may be sent, and this form cannot say so.")
        waiting.append(encoder.end(self.rows, answer.truncated))
        flush()
        pipe.drained()
        return Sent(size, answer.truncated, digest.digest())

    def abandon(self) -> None:
        """Nobody waits for it any more: a thread that waits for the reader goes on at once."""
        self._pipe.close()


class _Pipe:
    """From the thread to the loop: one after the other, `AHEAD` under way at most."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[Future[None]] = deque()
        self._turn = asyncio.Lock()
        self._lock = threading.Lock()
        self._closed = False

    def put(self, sending: Coroutine[Any, Any, None]) -> None:
        """Returns when there is room for more. Raises CancelledError once it is closed, and what `sending` of an earlier one did."""
        with self._lock:
            if self._closed:
                sending.close()
                raise CancelledError
            self._waiting.append(asyncio.run_coroutine_threadsafe(self._in_turn(sending), self._loop))
        self._until(AHEAD)

    def drained(self) -> None:
        self._until(0)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for each in self._waiting:
                each.cancel()

    async def _in_turn(self, sending: Coroutine[Any, Any, None]) -> None:
        try:
            async with self._turn:
                await sending
        finally:
            sending.close()

    def _until(self, most: int) -> None:
        while len(self._waiting) > most:
            self._waiting[0].result()
            with self._lock:
                self._waiting.popleft()


async def unless_gone(asking: "asyncio.Task[T]", sink: Sink) -> T:
    """What came of it; the statement is stopped as soon as nobody reads. Raises AnswerUnread, and what `asking` does."""
    gone = asyncio.create_task(sink.gone.wait())
    try:
        await asyncio.wait((asking, gone), return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            asking.cancel()
            with suppress(asyncio.CancelledError):
                await asking
            raise AnswerUnread
        return await asking
    finally:
        gone.cancel()
        asking.cancel()
