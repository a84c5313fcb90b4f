"""A process of its own for what comes from strangers, since parsers have bugs: a fresh interpreter (isolated, no environment, no folder of the user's) with bounded memory, time, files
and file size, which opens no socket, starts no program and writes no file. It is killed when its time is over, and when it says more than it may.

What goes in is ours and comes pickled; what comes out was near the document, so it is JSON and bytes, and is read as such.
"""

import json
import os
import pickle
import resource
import struct
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from threading import Timer
from typing import Any, BinaryIO

from ostiary.documents.document import Limits
from ostiary.errors import (
    DocumentMalformed,
    DocumentTookTooLong,
    DocumentTookTooMuchMemory,
    DocumentTooLarge,
    OstiaryError,
    by_code,
)

FILES_MAX = 256
PROGRAM = "from ostiary.documents.confined import child; child()"
ANSWER_BYTES_MAX = 1024 * 1024 * 1024
DETAIL_CHARACTERS_MAX = 500
REFUSED_EVENTS = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "os.remove", "os.rename", "os.unlink", "os.rmdir", "shutil.", "ftplib.", "urllib.")  # fmt: skip
_TIME_IS_OVER = (-24, -9)
_SIZES = struct.Struct(">QQ")

Answer = tuple[Mapping[str, Any], bytes]
"""What a task gives: something that JSON can say, and bytes."""


class Child:
    """A process that does one task again and again: `task` is "module:function", which is given the limits and what `ask` is given, and gives an Answer.

    For one thread at a time. After any error but those that the task itself raised the process is gone, and the next `ask` starts another.
    """

    def __init__(self, task: str, limits: Limits, *, uses_max: int = 1) -> None:
        self._task, self._limits, self._uses_max = task, limits, uses_max
        self._process: subprocess.Popen[bytes] | None = None
        self._uses = 0

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, *given: Any) -> Answer:
        """The task's answer, or its error. DocumentTookTooLong, DocumentTookTooMuchMemory; DocumentMalformed where it died or spoke nonsense."""
        process = self._process or self._started()
        self._uses += 1
        over: list[bool] = []

        def end() -> None:
            over.append(True)
            process.kill()

        timer = Timer(self._limits.seconds_max, end)
        timer.daemon = True
        timer.start()
        try:
            head, body = _asked(process, given)
            said = _said(head)
        except (OSError, EOFError, ValueError):
            self.close()
            if over or process.returncode in _TIME_IS_OVER:
                raise DocumentTookTooLong from None
            raise DocumentMalformed("Its parser gave up.") from None
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()
        if self._uses >= self._uses_max or said.get("code") == DocumentTookTooMuchMemory.code:
            self.close()
        if "code" in said:
            raise by_code(str(said["code"]))(str(said.get("detail", ""))[:DETAIL_CHARACTERS_MAX])
        return said, body

    def close(self) -> None:
        """End the process."""
        process, self._process, self._uses = self._process, None, 0
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1)
            return
        process.kill()
        process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603 (our own interpreter, with a program of ours)
            [sys.executable, "-I", "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            close_fds=True,
        )
        self._process = process
        with suppress(OSError):  # a child that died at once is met when it is asked
            _sent(process.stdin, pickle.dumps((self._task, self._limits, self._uses_max)))
        return process


def apart(task: str, limits: Limits, *given: Any) -> Answer:
    """One task in a process for it alone."""
    with Child(task, limits) as own:
        return own.ask(*given)


def _asked(process: subprocess.Popen[bytes], given: tuple[Any, ...]) -> tuple[bytes, bytes]:
    _sent(process.stdin, pickle.dumps(given))
    assert process.stdout is not None
    try:
        head, body = _SIZES.unpack(_exactly(process.stdout, _SIZES.size))
    except EOFError:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1)  # so that its status tells how it ended
        raise
    if head + body > ANSWER_BYTES_MAX:
        process.kill()
        raise DocumentTooLarge
    return _exactly(process.stdout, head), _exactly(process.stdout, body)


def _said(head: bytes) -> Mapping[str, Any]:
    def refuse(number: str) -> None:
        raise ValueError(number)

    said = json.loads(head, parse_constant=refuse)
    if not isinstance(said, dict):
        raise ValueError("not an object")
    return said


def _sent(stream: Any, data: bytes) -> None:
    stream.write(_SIZES.pack(len(data), 0))
    stream.write(data)
    stream.flush()


def _exactly(stream: Any, size: int) -> bytes:
    data: bytes = stream.read(size)
    if len(data) != size:
        raise EOFError
    return data


def child() -> None:
    """What the child process runs: tasks, until nobody asks any more."""
    given, out = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    task, limits, uses_max = _next(given)
    module, _, name = task.partition(":")
    function = getattr(import_module(module), name)
    confine(limits, uses_max)
    for _ in range(uses_max):
        try:
            asked = _next(given)
        except EOFError:
            return
        head, body = _done(function, limits, asked)
        said = json.dumps(head).encode()
        out.write(_SIZES.pack(len(said), len(body)))
        out.write(said)
        out.write(body)
        out.flush()


def _next(stream: BinaryIO) -> Any:
    size, _ = _SIZES.unpack(_exactly(stream, _SIZES.size))
    return pickle.loads(_exactly(stream, size))  # noqa: S301 (our own parent wrote it)


def _done(function: Any, limits: Limits, given: tuple[Any, ...]) -> Answer:
    try:
        answer: Answer = function(limits, *given)
    except OstiaryError as error:
        return {"code": error.code, "detail": error.detail}, b""
    except MemoryError:
        return {"code": DocumentTookTooMuchMemory.code}, b""
    except RecursionError:
        return {"code": "document.too_deep"}, b""
    return answer


def confine(limits: Limits, uses: int = 1) -> None:
    """From here on this process is as bounded as it will ever be. There is no way back."""
    for what, most in (
        (resource.RLIMIT_AS, limits.memory_bytes_max),
        (resource.RLIMIT_CPU, limits.seconds_max * uses),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, FILES_MAX),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):  # a system that does not know this bound, or has a lower one
            continue
    sys.addaudithook(refuse)


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """The audit hook of the child: PermissionError for what it may not do."""
    if event.startswith(REFUSED_EVENTS):
        raise PermissionError(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise PermissionError(event)
