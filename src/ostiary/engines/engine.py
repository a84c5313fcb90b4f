"""What every engine does, and what it says when it cannot."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from ostiary.guard.catalogue import Column, Table
from ostiary.guard.verdict import Verdict

ROWS_AT_ONCE = 200
KINDS = ("integer", "float", "boolean", "text", "bytes", "date", "timestamp", "timestamptz", "decimal")
"""Of columns, as far as somebody who draws or stores them has to know. A decimal of no stated size is a number all the same."""
Batches = Generator[list[tuple[Any, ...]], None, None]
_OVERHEAD = 16
"""Bytes that a value takes besides itself, about."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one statement may cost. `cost`: as the database estimates it before it runs (`Engine.cost`); 0: any. Beyond `rows` and `bytes` (0: any) an answer ends, and says so."""

    seconds: float = 30.0
    rows: int = 10_000
    bytes: int = 64 * 1024 * 1024
    memory_mb: int = 512
    cost: float = 0.0


class EngineError(Exception):
    """What the database did not do, in our words: its own may quote the data. `code` is stable."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why


UNREACHABLE = "source.unreachable"
REFUSED = "source.refused"
TIMEOUT = "source.timeout"
COSTLY = "source.costly"
CODES = frozenset({UNREACHABLE, REFUSED, TIMEOUT, COSTLY})
"""Every code; docs/howto/query.md says what each means."""


def unreachable() -> EngineError:
    return EngineError(
        UNREACHABLE, "The database cannot be connected to: check address, TLS and credentials."
    )


def timed_out(limits: Limits) -> EngineError:
    return EngineError(TIMEOUT, f"The statement took longer than {limits.seconds:g} seconds: ask for less.")


def refused(state: str) -> EngineError:
    """`state`: the engine's own code, which says nothing about the data."""
    return EngineError(
        REFUSED,
        f"The database refused the statement ({state or 'no code'}): look at types and names of columns.",
    )


@dataclass
class Answer:
    """Names of the columns, their kinds (`KINDS`, `decimal(18,2)`, or "" where the engine does not say), and batches of rows, once. `truncated` is known when all batches are read:
    there were more rows than the limits let through."""

    columns: list[str]
    kinds: list[str]
    _batches: Batches
    limits: Limits
    truncated: bool = field(default=False, init=False)

    def batches(self) -> Batches:
        """Raises EngineError. Whoever stops reading closes it, and with it the statement."""
        rows, size = self.limits.rows, self.limits.bytes
        try:
            for batch in self._batches:
                kept = batch[:rows]
                whole = _size(kept) if self.limits.bytes else 0
                if whole > size:
                    self.truncated = True
                    fitting = _fitting(kept, size)
                    if fitting:
                        yield fitting
                    return
                size -= whole
                if kept:
                    yield kept
                if len(kept) < len(batch):
                    self.truncated = True
                    return
                rows -= len(kept)
        finally:
            self.close()

    def close(self) -> None:
        """Ends the statement, if it still runs."""
        self._batches.close()


def _size(rows: list[tuple[Any, ...]]) -> int:
    """Bytes, about."""
    values = len(rows) * len(rows[0]) if rows else 0
    return values * _OVERHEAD + sum(
        [len(value) for row in rows for value in row if type(value) is str or type(value) is bytes]
    )


def _fitting(rows: list[tuple[Any, ...]], size: int) -> list[tuple[Any, ...]]:
    for at, row in enumerate(rows):
        size -= _size([row])
        if size < 0:
            return rows[:at]
    return rows


def tables_of(rows: Iterable[tuple[str, str, str, str, int, bool]]) -> list[Table]:
    """From schema, table, column, type, place in the primary key (0: none) and whether it is a view, in the order of the columns."""
    found: dict[tuple[str, str, bool], list[tuple[str, str, int]]] = {}
    for schema, table, column, type_, place, view in rows:
        found.setdefault((schema, table, bool(view)), []).append((column, type_, place))
    return [
        Table(
            name,
            tuple(Column(column, type_) for column, type_, _ in columns),
            schema,
            tuple(column for column, _, place in sorted(columns, key=lambda each: each[2]) if place),
            view=view,
        )
        for (schema, name, view), columns in found.items()
    ]


class Engine(Protocol):
    """One connection to one database. Not for several threads, `stop` excepted."""

    dialect: str

    def index(self) -> list[Table]:
        """Its tables and views with columns, types and primary keys, from the catalogue: no row is read. Raises EngineError."""

    def beyond_reading(self) -> list[str]:
        """What the credential may do besides reading, in words; [] is what it should be. Raises EngineError."""

    def cost(self, verdict: Verdict, key_of: Callable[[str], str]) -> float | None:
        """What the engine estimates that it would cost, in its own units, without running it; None where it does not say. Raises EngineError."""

    def run(self, verdict: Verdict, key_of: Callable[[str], str]) -> Answer:
        """Runs what the guard let through, and nothing else. `key_of`: the key of each of the verdict's names (64 hexadecimal digits). Raises EngineError."""

    def stop(self) -> None:
        """Ends the statement that runs, from another thread."""

    def close(self) -> None: ...


def within(cost: float, limits: Limits) -> None:
    """Raises EngineError where it is more than is allowed. Asked only where something is (`limits.cost`), since an estimate is a question to the database."""
    if cost > limits.cost:
        raise EngineError(
            COSTLY, f"The statement would cost {cost:,.0f}, and {limits.cost:,.0f} is allowed: ask for less."
        )


def checked(verdict: Verdict, key_of: Callable[[str], str]) -> list[str]:
    """The keys to bind. Raises ValueError for a statement that the guard refused: no engine runs it."""
    if not verdict.allowed or not verdict.sql:
        raise ValueError("a statement is run only as the guard wrote it")
    keys = [key_of(name) for name in verdict.keys]
    if any(len(key) != 64 or not set(key) <= set("0123456789abcdef") for key in keys):
        raise ValueError("a key has 64 hexadecimal digits")
    return keys
