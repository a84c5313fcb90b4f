"""Structured logs: one JSON object a line, with pseudonymous ids and without people's data.

Events have keys (`log.info("session.opened", actor=id)`), never sentences with values in them. A filter stands as second line: whatever looks like a
secret, an e-mail address or a card is replaced before the line is written, wherever it hides in the event.
"""

import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, TextIO

import orjson
import structlog

from ostiary.secret import Secret

_SECRETS = re.compile(
    r"(?:ost|opk)_[a-z]+_[0-9A-Za-z_]{8,}"  # our own keys
    r"|(?i:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"  # JSON Web Tokens
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|sk-[A-Za-z0-9_-]{16,}"
    r"|[a-z][a-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@"  # a password in a URL
)
_PERSONAL = re.compile(
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"  # an e-mail address
    r"|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b"  # an IBAN
    r"|\b(?:\d[ -]?){13,19}\b"  # a card
)
_SECRET_NAMES = re.compile(
    r"(?i)secret|password|passwd|token|authorization|cookie|api[_-]?key|private|credential|otp|^code$"
)
_PROBLEM = re.compile(r"[a-z_]+\.[a-z_]+")
"""A problem's code (`audit.unavailable`), as opposed to a code that somebody types."""
_EXEMPT = frozenset({"event", "level", "timestamp", "logger"})
DEPTH_MAX = 6

CALL: ContextVar[str] = ContextVar("ostiary_call", default="")
"""The id of the call that is under way here: every line that is logged meanwhile carries it."""

FIELDS: list[Callable[[], Mapping[str, str]]] = []
"""What else each line carries; `app` adds the trace."""


def scrub(value: Any, *, depth: int = 0) -> Any:
    """`value` with secrets and personal data replaced by `***`. Containers deeper than DEPTH_MAX are dropped."""
    if isinstance(value, str):
        return _PERSONAL.sub("***", _SECRETS.sub("***", value))
    if isinstance(value, Secret):
        return "***"
    if isinstance(value, bool | int | float) or value is None:
        return value
    if depth >= DEPTH_MAX:
        return "***"
    if isinstance(value, dict):
        return {scrub(str(key)): _named(str(key), item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [scrub(item, depth=depth + 1) for item in value]
    return scrub(str(value), depth=depth + 1)


def _named(name: str, value: Any, depth: int) -> Any:
    if name == "code" and isinstance(value, str) and _PROBLEM.fullmatch(value):
        return value
    if _SECRET_NAMES.search(name) and isinstance(value, str | bytes | Secret | dict | list):
        return "***"
    return scrub(value, depth=depth)


def _second_line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in list(event):
        if name not in _EXEMPT:
            event[name] = _named(name, event[name], 0)
    event["event"] = scrub(str(event.get("event", "")))
    return event


def _belongs(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Which call, and which trace, this line belongs to."""
    if call := CALL.get():
        event.setdefault("call", call)
    for fields in FIELDS:
        for name, value in fields().items():
            event.setdefault(name, value)
    return event


def _render(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    return orjson.dumps(dict(event), default=str).decode()


class _Lines:
    """Writes lines; one that cannot be written (the pipe is closed, the disk is full) is lost: no call depends on a log line."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def msg(self, line: str) -> None:
        with suppress(OSError, ValueError), self._lock:
            stream = self._stream or sys.stdout
            stream.write(line + "\n")
            stream.flush()

    log = debug = info = warning = error = critical = msg


class _Foreign(logging.Handler):
    """Takes what libraries log through the standard library: their text passes the same filter, without arguments' reprs of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        structlog.get_logger(record.name).log(
            record.levelno, record.getMessage(), **({"error": error} if error else {})
        )


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Set logging up, once at start. Everything, libraries included, goes as JSON to `stream` (default: stdout)."""
    number = getattr(logging, level.upper())
    lines = _Lines(stream)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _belongs,
            _second_line,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Foreign()]
    root.setLevel(max(number, logging.WARNING))


def get(name: str) -> Any:
    """The logger of a room: `log.get("door").info("call.failed", call=id, error="TypeError")`."""
    return structlog.get_logger(name)


def where(error: BaseException) -> str:
    """Where an unexpected error came from, `door.py:120 perform.py:88`: the innermost three frames, and nothing that was in them."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " ".join(f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in frames)
