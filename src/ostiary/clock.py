"""The only place that reads the time, so that tests can decide it.

Instants are integers: microseconds since the Unix epoch, UTC (`..._us`). Text is RFC 3339 in UTC with a `Z`.
"""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US


class Clock(Protocol):
    """A source of time. `SystemClock` is the real one; tests bring their own."""

    def now_us(self) -> int:
        """The wall clock, in microseconds since the epoch."""
        ...

    def monotonic_us(self) -> int:
        """A clock that never goes back, for durations and rates, in microseconds."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000


def rfc3339(at_us: int) -> str:
    """`1700000000000000` -> `2023-11-14T22:13:20.000000Z` (RFC 3339 section 5.6)."""
    whole = datetime.fromtimestamp(at_us // SECOND_US, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{at_us % SECOND_US:06d}Z"


def day_of(at_us: int) -> date:
    """In UTC."""
    return datetime.fromtimestamp(at_us / 1e6, UTC).date()


def parse_rfc3339(text: str) -> int:
    """The reverse of `rfc3339`; an offset is required. Raises ValueError on anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the time has no offset; write 2026-01-31T12:00:00Z")
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
