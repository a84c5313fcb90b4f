"""Traces: what a request did and for how long, step by step, for a collector that speaks OpenTelemetry's protocol (OTLP 1.x, JSON over HTTP).

A caller's `traceparent` (W3C Trace Context) is a stranger's word: the request gets a trace of its own, linked to the caller's, and whether it is kept is decided
here. Spans carry names of steps, faces and actions, codes, counts and the id of the call: never a parameter, a person, a tenant, an address or a statement.
While no tracer is set, or the request is not sampled, a span costs one look at a variable.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from enum import IntEnum
from types import TracebackType
from typing import Any

from ostiary import ids
from ostiary.clock import Clock

Value = str | int
Place = tuple[str, str]
"""A span's trace and its own id, in hexadecimal."""

ATTRIBUTES = frozenset(
    {
        "http.request.method", "http.response.status_code", "ostiary.face", "ostiary.action", "ostiary.call", "ostiary.decision",
        "ostiary.database", "ostiary.work", "ostiary.connector", "ostiary.entries", "ostiary.events", "ostiary.job", "ostiary.step",
    }
)  # fmt: skip
"""All that a span may carry; a test keeps every span to it."""

LINKS_MAX = 128
_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")


class Kind(IntEnum):
    """As OTLP numbers them."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3


@dataclass(slots=True)
class Span:
    """One step of a trace. `code`: the error's, empty where all went well."""

    name: str
    kind: Kind
    trace: str
    id: str
    parent: str
    at_us: int
    begun_us: int
    links: tuple[Place, ...] = ()
    attributes: dict[str, Value] = field(default_factory=dict)
    took_us: int = 0
    code: str = ""

    @property
    def place(self) -> Place:
        return self.trace, self.id


class Tracer:
    """`keep` takes each span that has ended; it must not block. `percent` of the requests are traced."""

    def __init__(self, clock: Clock, keep: Callable[[Span], None], *, percent: int) -> None:
        self._clock = clock
        self._keep = keep
        self._limit = percent * 2**16 // 100

    def samples(self) -> bool:
        return int.from_bytes(ids.random_bytes(2)) < self._limit

    def begin(
        self, name: str, kind: Kind, *, parent: Span | None = None, links: tuple[Place, ...] = ()
    ) -> Span:
        trace = parent.trace if parent else ids.random_bytes(16).hex()
        above = parent.id if parent else ""
        return Span(
            name, kind, trace, ids.random_bytes(8).hex(), above, self._clock.now_us(), self._clock.monotonic_us(), links
        )  # fmt: skip

    def end(self, span: Span) -> None:
        span.took_us = self._clock.monotonic_us() - span.begun_us
        self._keep(span)


_tracer: Tracer | None = None
_current: ContextVar[Span | None] = ContextVar("ostiary_span", default=None)


def configure(tracer: Tracer | None) -> None:
    """Trace from now on; None: no longer."""
    global _tracer
    _tracer = tracer


def current() -> Span | None:
    """The span that this code runs in; None where nothing is traced."""
    return _current.get()


class _Open:
    """A span while it lasts. What is raised in it gives its code."""

    __slots__ = ("_span", "_token", "_tracer")

    def __init__(self, tracer: Tracer, span: Span) -> None:
        self._tracer = tracer
        self._span = span

    def __enter__(self) -> Span:
        self._token: Token[Span | None] = _current.set(self._span)
        return self._span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        _current.reset(self._token)
        if error is not None and not self._span.code:
            self._span.code = getattr(error, "code", "") or type(error).__name__
        self._tracer.end(self._span)


class _Nothing:
    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


NOTHING = _Nothing()


def root(name: str, kind: Kind = Kind.SERVER, *, caller: str = "") -> _Open | _Nothing:
    """The first span of a trace of its own, if this one is sampled. `caller`: the traceparent that came with it; it is linked, not obeyed."""
    if _tracer is None or not _tracer.samples():
        return NOTHING
    match = _PARENT.fullmatch(caller)
    links = ((match[1], match[2]),) if match else ()
    return _Open(_tracer, _tracer.begin(name, kind, links=links))


def span(name: str, kind: Kind = Kind.INTERNAL) -> _Open | _Nothing:
    """A step inside of the current span; nothing where there is none."""
    parent = _current.get()
    if parent is None or _tracer is None:
        return NOTHING
    return _Open(_tracer, _tracer.begin(name, kind, parent=parent))


def together(name: str, spans: Iterable[Span | None]) -> _Open | _Nothing:
    """One piece of work that several traces wait for: a trace of its own, linked to each. Nothing where none of them is traced."""
    links = tuple(dict.fromkeys(each.place for each in spans if each is not None))
    if _tracer is None or not links:
        return NOTHING
    return _Open(_tracer, _tracer.begin(name, Kind.INTERNAL, links=links[:LINKS_MAX]))


class Steps:
    """Steps that follow one another inside of the current span, each ending where the next begins. Used where something is traced."""

    __slots__ = ("_open", "_parent", "_tracer")

    def __init__(self, tracer: Tracer, parent: Span) -> None:
        self._tracer = tracer
        self._parent = parent
        self._open: Span | None = None

    def to(self, name: str) -> None:
        self.end()
        self._open = self._tracer.begin(name, Kind.INTERNAL, parent=self._parent)
        _current.set(self._open)

    def end(self) -> None:
        if self._open is not None:
            self._tracer.end(self._open)
            self._open = None
            _current.set(self._parent)


def steps() -> Steps | None:
    """Steps inside of the current span; None where there is none."""
    parent = _current.get()
    return None if parent is None or _tracer is None else Steps(_tracer, parent)


def outgoing() -> Mapping[str, str]:
    """The headers that tell a connected system which trace a request belongs to; none where nothing is traced."""
    here = _current.get()
    return {} if here is None else {"traceparent": f"00-{here.trace}-{here.id}-01"}


def log_fields() -> Mapping[str, str]:
    """What a line of the log says of where it belongs."""
    here = _current.get()
    return {} if here is None else {"trace": here.trace}


def encoded(spans: Iterable[Span], resource: Mapping[str, str]) -> dict[str, Any]:
    """An ExportTraceServiceRequest (OTLP, JSON Protobuf encoding: ids in hexadecimal, 64-bit numbers as text)."""
    scope = {"name": "ostiary"}
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(resource)},
                "scopeSpans": [{"scope": scope, "spans": [_encoded(each) for each in spans]}],
            }
        ]
    }


def _encoded(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace,
        "spanId": span.id,
        "parentSpanId": span.parent,
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": str(span.at_us * 1000),
        "endTimeUnixNano": str((span.at_us + span.took_us) * 1000),
        "attributes": _attributes(span.attributes),
        "links": [{"traceId": trace, "spanId": one} for trace, one in span.links],
        "status": {"code": 2, "message": span.code} if span.code else {},
    }


def _attributes(values: Mapping[str, Value]) -> list[dict[str, Any]]:
    return [
        {"key": name, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for name, value in values.items()
    ]
