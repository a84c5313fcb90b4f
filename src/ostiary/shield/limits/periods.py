"""Calendar periods and opening hours. Pure; periods are UTC's, hours are those of a named zone."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ostiary.clock import DAY_US, HOUR_US, SECOND_US

WEEK_US = 7 * DAY_US
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY = 24 * 60
_MONDAY_US = 4 * DAY_US
"""The epoch was a Thursday; its first Monday came four days later."""
_HOURS = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? )?(?P<from>[0-2]\d:[0-5]\d)-(?P<until>[0-2]\d:[0-5]\d)(?: (?P<zone>[A-Za-z0-9_+/-]{1,40}))?"
)


class Per(StrEnum):
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def period(per: Per, at_us: int) -> tuple[int, int]:
    """The period that holds an instant: from, until (not itself in it). A week begins on Monday (ISO 8601)."""
    if per is Per.MONTH:
        moment = datetime.fromtimestamp(at_us // SECOND_US, UTC)
        first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        after = (first + timedelta(days=32)).replace(day=1)
        return int(first.timestamp()) * SECOND_US, int(after.timestamp()) * SECOND_US
    length, offset = {
        Per.HOUR: (HOUR_US, 0),
        Per.DAY: (DAY_US, 0),
        Per.WEEK: (WEEK_US, _MONDAY_US),
    }[per]
    begun = (at_us - offset) // length * length + offset
    return begun, begun + length


@dataclass(frozen=True, slots=True)
class Hours:
    """Open from minute to minute of the day on these days (0 is Monday); where `until` is not after `start` the hours go on past midnight."""

    days: frozenset[int]
    start: int
    until: int
    zone: ZoneInfo

    def is_open(self, at_us: int) -> bool:
        here = datetime.fromtimestamp(at_us // SECOND_US, UTC).astimezone(self.zone)
        minute, day = here.hour * 60 + here.minute, here.weekday()
        if self.start < self.until:
            return day in self.days and self.start <= minute < self.until
        return (day in self.days and minute >= self.start) or (
            (day - 1) % len(DAYS) in self.days and minute < self.until
        )


def read_hours(text: str) -> Hours:
    """`mon-fri 08:00-18:00 Europe/Berlin`; without days every day, without a zone UTC. Raises ValueError."""
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        raise ValueError("write the hours as `mon-fri 08:00-18:00 Europe/Berlin`")
    first, last = found["first"] or DAYS[0], found["last"] or found["first"] or DAYS[-1]
    if first not in DAYS or last not in DAYS:
        raise ValueError(f"days are {', '.join(DAYS)}")
    count = (DAYS.index(last) - DAYS.index(first)) % len(DAYS) + 1
    days = frozenset((DAYS.index(first) + step) % len(DAYS) for step in range(count))
    try:
        zone = ZoneInfo(found["zone"] or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            "this time zone is not known here; write its IANA name, or leave it out for UTC"
        ) from None
    start, until = _minute(found["from"]), _minute(found["until"])
    if start == until:
        raise ValueError("the hours end when they begin")
    return Hours(days, start, until, zone)


def _minute(text: str) -> int:
    hours, minutes = map(int, text.split(":"))
    if hours * 60 + minutes > MINUTES_A_DAY:
        raise ValueError("a day has 24 hours")
    return hours * 60 + minutes
