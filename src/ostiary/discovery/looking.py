"""Looking at items in a process of their own, so that whoever serves calls beside it stays quick: detection takes the processor for as long as it lasts.

The process is plain Python of ours, started when there is something to look at and ended when there has been nothing for a while; it ends by itself when its parent is
gone. Documents are read in a confined process of the scanner's. What goes in is ours and comes pickled; what comes out was near the content, so it is JSON.
"""

import json
import pickle
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from ostiary.detection.rules import RuleSet
from ostiary.scanning.look import Limits, Looked, close, look
from ostiary.scanning.place import Item, Sample

SECONDS_MAX = 90
"""For one item; documents have a bound of their own below this."""
STALLED = "too_costly"
DIED = "malformed"
_SIZE = struct.Struct(">Q")
_PROGRAM = "from ostiary.discovery.looking import child; child()"
_ANSWER_BYTES_MAX = 16 << 20

Asked = tuple[Item, bytes | Sample, RuleSet, Limits, bytes]


class Looker:
    """One child, one item at a time. Its methods block: call them in a thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._uses = 0

    def look(self, item: Item, content: bytes | Sample, rules: RuleSet, limits: Limits, key: bytes) -> Looked:
        """`scanning.look` of it. What stalls or ends the process is told by its state, and the next item has another process."""
        with self._lock:
            self._uses += 1
            process = self._process or self._started()
            late = threading.Event()

            def end() -> None:
                late.set()
                process.kill()

            timer = threading.Timer(SECONDS_MAX, end)
            timer.daemon = True
            timer.start()
            try:
                _send(process.stdin, pickle.dumps((item, content, rules, limits, key)))
                return _looked(json.loads(_receive(process.stdout, _ANSWER_BYTES_MAX)))
            except (OSError, EOFError, ValueError, KeyError, TypeError):
                self._end()
                if late.is_set():
                    return Looked(item.key, item.version, item.size, "", STALLED)
                return Looked(
                    item.key, "", item.size, "", DIED
                )  # it may not have been the item: the next run tries again
            except BaseException:
                self._end()
                raise
            finally:
                timer.cancel()

    @property
    def uses(self) -> int:
        return self._uses

    def close(self, uses: int | None = None) -> None:
        """End the process; with `uses`, only if it was not used since."""
        if uses is not None and uses != self._uses:
            return
        with self._lock:
            self._end()

    def _started(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, with a program of ours
            [sys.executable, "-I", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            close_fds=True,
        )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        process.kill()
        process.wait()


def child() -> None:
    """What the process runs: items, until nobody asks any more."""
    given, out = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints is no answer
    while True:
        try:
            asked: Asked = pickle.loads(_receive(given, sys.maxsize))  # noqa: S301 - our own parent wrote it
        except EOFError:
            close()
            return
        _send(out, json.dumps(_said(look(*asked))).encode())


def _said(looked: Looked) -> dict[str, Any]:
    return {**asdict(looked), "counts": dict(looked.counts), "distinct": dict(looked.distinct)}


def _looked(said: Any) -> Looked:
    counts, distinct = (
        {str(name): int(count) for name, count in said[which].items()} for which in ("counts", "distinct")
    )
    return Looked(
        str(said["key"]), str(said["version"]), int(said["size"]), str(said["digest"]), str(said["state"]), counts, distinct,
        float(said["share"]), str(said["code"]), int(said["rows"]), int(said["values"]),
    )  # fmt: skip


def _send(stream: Any, data: bytes) -> None:
    stream.write(_SIZE.pack(len(data)))
    stream.write(data)
    stream.flush()


def _receive(stream: Any, most: int) -> bytes:
    (size,) = _SIZE.unpack(_exactly(stream, _SIZE.size))
    if size > most:
        raise ValueError("more than was asked for")
    return _exactly(stream, size)


def _exactly(stream: Any, size: int) -> bytes:
    data: bytes = stream.read(size)
    if len(data) != size:
        raise EOFError
    return data
