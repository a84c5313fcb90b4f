"""Dates and times of day in a text, in one form each: `d:2024-05-15`, `h:10:00`. Where day and month could be either way round, both readings count."""

import re
from collections.abc import Iterator
from datetime import date

DATES_MAX = 100
PAIRS_MAX = 5
"""Dates and times of one text of which each pair counts as one moment that it may mean."""
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january januar janvier enero gennaio", "february februar février febrero febbraio", "march märz mars marzo", "april avril abril aprile",
            "may mai mayo maggio", "june juni juin junio giugno", "july juli juillet julio luglio", "august août agosto", "september septembre septiembre settembre",
            "october oktober octobre octubre ottobre", "november novembre noviembre", "december dezember décembre diciembre dicembre",
        ),
        1,
    )
    for full in names.split()
    for name in {full, full[:3], full[:4]}
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_ISO = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_NUMERIC = re.compile(r"(?<![\d.])(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?!\d)")
_DAY_FIRST = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|\.)?(?: of| de)? ({_MONTH})\.?,?(?: of| de)? (\d{{4}})(?!\d)"
)
_MONTH_FIRST = re.compile(rf"\b({_MONTH})\.? (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})(?!\d)")
DATES = (_ISO, _NUMERIC, _DAY_FIRST, _MONTH_FIRST)
_TIME = re.compile(r"(?<![\d:])(\d{1,2})(?::(\d{2})(?::00)?)? ?(am|pm|uhr|h)?(?![\d:\w])")


def date_forms(text: str) -> Iterator[str]:
    """Of a whole value in plain form that is a date, a time or both: both are one form, so that a date alone does not stand for an hour of it."""
    days = [day for pattern in DATES if (match := pattern.match(text)) for day in _dates(match.group())]
    rest = text
    for pattern in DATES:
        rest = pattern.sub("", rest, count=1) if days and pattern.match(rest) else rest
    times = _rest_time(rest.strip(" t,z").removeprefix("at "))
    if days and times is not None:
        yield from dict.fromkeys(f"d:{day.isoformat()}{times}" for day in days)
    elif times:
        yield "h:" + times.removeprefix("T")


def dates_inside(text: str) -> Iterator[str]:
    """The dates and the times that stand in a text in plain form."""
    found = [f"d:{one.isoformat()}" for one in _dates(text)][:DATES_MAX]
    times = ["h:" + one for match in _TIME.finditer(text) for one in _time(*match.groups())][:DATES_MAX]
    yield from dict.fromkeys([*found, *times])
    for day in dict.fromkeys(found[:PAIRS_MAX]):
        for time in dict.fromkeys(times[:PAIRS_MAX]):
            yield f"{day}T{time[2:]}"


def _rest_time(text: str) -> str | None:
    """`T10:00` for a time, empty for nothing, None for something else."""
    if not text:
        return ""
    match = _TIME.fullmatch(text)
    return next(("T" + one for one in _time(*match.groups())), None) if match else None


def _dates(text: str) -> Iterator[date]:
    for year, month, day in _ISO.findall(text):
        yield from _date(int(year), int(month), int(day))
    for first, second, year in _NUMERIC.findall(text):
        yield from _date(int(year), int(first), int(second))
        yield from _date(int(year), int(second), int(first))
    for day, month, year in _DAY_FIRST.findall(text):
        yield from _date(int(year), _MONTHS[month], int(day))
    for month, day, year in _MONTH_FIRST.findall(text):
        yield from _date(int(year), _MONTHS[month], int(day))


def _date(year: int, month: int, day: int) -> Iterator[date]:
    try:
        yield date(year, month, day)
    except ValueError:
        return


def _time(hour: str, minute: str | None, half: str | None) -> Iterator[str]:
    if minute is None and half is None:
        return  # a bare number is a number
    at = int(hour) % 12 + (12 if half == "pm" else 0) if half in ("am", "pm") else int(hour)
    if at < 24 and int(minute or 0) < 60:
        yield f"{at:02}:{int(minute or 0):02}"
