"""Envelopes to a stream, one JSON line each, for whatever collects logs. It never holds up the log itself: a stream that is slow loses lines, counted."""

import threading
from queue import Full, Queue
from typing import BinaryIO

from ostiary import log

BATCHES_HELD_MAX = 1_000

_log = log.get("audit")


class EnvelopeStream:
    """Give `write` to `Audit(stdout=...)`. `close()` after the log has stopped."""

    def __init__(self, stream: BinaryIO, *, batches_max: int = BATCHES_HELD_MAX) -> None:
        self._stream = stream
        self._queue: Queue[bytes | None] = Queue(batches_max)
        self.lost = 0
        self._thread = threading.Thread(target=self._work, name="ostiary-audit-stdout", daemon=True)
        self._thread.start()

    def write(self, lines: bytes) -> None:
        """Queue a batch's lines; when the stream is too far behind they are lost, and counted in `lost`."""
        try:
            self._queue.put_nowait(lines)
        except Full:
            if not self.lost:
                _log.warning("audit.stdout_behind")
            self.lost += lines.count(b"\n")

    def close(self) -> None:
        """Write what is queued, then end."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (lines := self._queue.get()) is not None:
            try:
                self._stream.write(lines)
                self._stream.flush()
            except (
                OSError,
                ValueError,
            ) as error:  # the reader went away, or the stream is closed: the log itself goes on
                self.lost += lines.count(b"\n")
                _log.warning("audit.stdout_lost", error=type(error).__name__)
