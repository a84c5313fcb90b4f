"""Redacting in a process of its own, since documents come from strangers and parsers have bugs: a fresh interpreter (isolated, no environment, no folder of the user's) with bounded
memory, time, files and file size, which opens no socket, starts no program and writes no file. It is killed when its time is over.

What goes in is ours and comes pickled; what comes out was near the document, so it is JSON and bytes, and is read as such.
"""

import json
import pickle
import resource
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ostiary.documents.document import Carrier, Kind, Limits
from ostiary.documents.redacting import Found, Redacted, Settings, redact
from ostiary.documents.verifying import Checked
from ostiary.errors import (
    DocumentMalformed,
    DocumentTookTooLong,
    DocumentTookTooMuchMemory,
    DocumentTooLarge,
    OstiaryError,
    by_code,
)

FILES_MAX = 256
KILLED = -9
REFUSED_EVENTS = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "os.remove", "os.rename", "os.unlink", "os.rmdir", "shutil.", "ftplib.", "urllib.")  # fmt: skip


def redacted_apart(content: bytes, name: str, settings: Settings) -> Redacted:
    """`redacting.redact` in a child process. The same errors, and DocumentTookTooLong, DocumentTookTooMuchMemory, DocumentMalformed where the parser died."""
    limits = settings.limits
    if len(content) > limits.bytes_max:
        raise DocumentTooLarge
    command = [sys.executable, "-I", "-c", "from ostiary.documents.sandbox import child; child()"]
    with subprocess.Popen(  # noqa: S603 (our own interpreter, with a program of ours)
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        close_fds=True,
    ) as process:
        try:
            out, _ = process.communicate(pickle.dumps((content, name, settings)), timeout=limits.seconds_max)
        except subprocess.TimeoutExpired:
            process.kill()
            raise DocumentTookTooLong from None
    head, _, new = out.partition(b"\n")
    return _read(head, new, process.returncode)


def _read(head: bytes, new: bytes, status: int) -> Redacted:
    if status < 0:
        raise DocumentTookTooLong if status in (-24, KILLED) else DocumentMalformed("Its parser gave up.")
    try:
        said = json.loads(head)
    except ValueError:
        raise DocumentMalformed("Its parser gave up.") from None
    if "code" in said:
        raise by_code(str(said["code"]))(str(said.get("detail", ""))[:500])
    return _made(said, new)


def _made(said: Mapping[str, Any], new: bytes) -> Redacted:
    return Redacted(
        new,
        str(said["format"]),
        tuple(
            Found(each["place"], Kind(each["kind"]), each["category"], each["operator"])
            for each in said["found"]
        ),
        tuple(Carrier(**each) for each in said["carriers"]),
        Checked(**said["checked"]),
        str(said["input"]),
        str(said["output"]),
        int(said["pieces"]),
    )


def child() -> None:
    """What the child process runs."""
    content, name, settings = pickle.load(sys.stdin.buffer)  # noqa: S301 (our own parent wrote it)
    _confine(settings.limits)
    try:
        done = redact(content, name, settings)
        head = {key: value for key, value in asdict(done).items() if key != "content"}
        new = done.content
    except OstiaryError as error:
        head, new = {"code": error.code, "detail": error.detail}, b""
    except MemoryError:
        head, new = {"code": DocumentTookTooMuchMemory.code}, b""
    except RecursionError:
        head, new = {"code": "document.too_deep"}, b""
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + new)


def _confine(limits: Limits) -> None:
    for what, most in (
        (resource.RLIMIT_AS, limits.memory_bytes_max),
        (resource.RLIMIT_CPU, limits.seconds_max),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, FILES_MAX),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):  # a system that does not know this bound, or has a lower one
            continue
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(REFUSED_EVENTS):
        raise PermissionError(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise PermissionError(event)
