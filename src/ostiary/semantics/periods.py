"""Stretches of time as people say them: `last 30 days`, `this year`, `Q1 2025`, `between March 1 and April 15, 2025`."""

import re
from collections.abc import Callable
from datetime import date, timedelta

from ostiary.semantics.plan import Period, shifted

UNITS = {"day": "day", "week": "week", "month": "month", "quarter": "quarter", "year": "year"}
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")  # fmt: skip
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12}  # fmt: skip
_UNIT = r"(day|week|month|quarter|year)s?"
_COUNT = r"(\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten|twelve)"
_MONTH = r"(january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec)\.?"
_YEAR = r"((?:19|20)\d\d)"
_DAY = rf"(?:(?:19|20)\d\d-\d\d-\d\d|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? {_YEAR}|\d{{1,2}}(?:st|nd|rd|th)? {_MONTH},? {_YEAR})"
_ISO = re.compile(r"((?:19|20)\d\d)-(\d\d)-(\d\d)")
_APART = r"\(?(?:excluding|exclusive of|not including) (?:the )?(?:current|this) (?:day|week|month|quarter|year)\)?"
_WITH = r"\(?inclusive(?: of (?:today date|today|\d+ (?:day|week|month)s? ago|start and end dates?))?\)?"
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
_IN = r"(?:in |during |for |of |from |over |within )?(?:the )?"


def number(said: str) -> int:
    return _NUMBERS.get(said) or int(said)


def day(said: str) -> date | None:
    """A day in words or digits; None for one that is none."""
    try:
        if found := _ISO.fullmatch(said):
            return date(int(found[1]), int(found[2]), int(found[3]))
        name = re.search(r"[a-z]{3,}", re.sub(r"\d+(st|nd|rd|th)", lambda each: each[0][:-2], said))
        digits = [int(each) for each in re.findall(r"\d+", said)]
        month = next(at for at, each in enumerate(_MONTHS, 1) if name and each.startswith(name[0][:3]))
        return date(max(digits), month, min(digits))
    except (ValueError, StopIteration):
        return None


def _between(first: date | None, end: date | None) -> Period | None:
    return Period("between", first=first, end=end) if first or end else None


def _year(found: re.Match[str]) -> Period | None:
    year = int(found[1])
    return _between(date(year, 1, 1), date(year + 1, 1, 1))


def _month(found: re.Match[str]) -> Period | None:
    month = next(at for at, each in enumerate(_MONTHS, 1) if each.startswith(found[1][:3]))
    first = date(int(found[2]), month, 1)
    return _between(first, shifted(first, "month", 1))


def _quarter(found: re.Match[str]) -> Period | None:
    first = date(int(found[2]), 3 * int(found[1]) - 2, 1)
    return _between(first, shifted(first, "quarter", 1))


def _ordinal(found: re.Match[str]) -> Period | None:
    first = date(int(found[2]), 3 * _ORDINALS[found[1]] - 2, 1)
    return _between(first, shifted(first, "quarter", 1))


def _since(found: re.Match[str]) -> Period | None:
    first = day(found[1])
    return _between(first + timedelta(days=1) if first and found[0].startswith("after") else first, None) if first else None  # fmt: skip


def _until(found: re.Match[str]) -> Period | None:
    end = day(found[1])
    with_it = not found[0].startswith("before")
    return _between(None, end + timedelta(days=1) if with_it else end) if end else None


def _days(found: re.Match[str]) -> Period | None:
    said = re.findall(_DAY, found[0])
    whole = [each[0] for each in re.finditer(_DAY, found[0])]
    first, last = (day(whole[0]), day(whole[-1])) if said else (None, None)
    return _between(first, last + timedelta(days=1)) if first and last and first <= last else None


def _on(found: re.Match[str]) -> Period | None:
    first = day(found[1])
    return _between(first, first + timedelta(days=1)) if first else None


def _last(found: re.Match[str]) -> Period:
    return Period("last", found[2], number(found[1]))


Reading = Callable[[re.Match[str]], Period | None]
PHRASES: tuple[tuple[re.Pattern[str], Reading], ...] = tuple(
    (re.compile(pattern), reading)
    for pattern, reading in (
        (rf"(?:from|between) {_DAY} (?:to|and|until|through) {_DAY}(?: {_WITH})?", _days),
        (rf"(?:since|from|after|starting|starting from|starting on|on or after) ({_DAY})(?: on)?", _since),
        (rf"(?:before|until|up to|through|on or before) ({_DAY})", _until),
        (rf"(?:on )({_DAY})", _on),
        (
            rf"{_IN}(?:last|past|previous) {_COUNT} (?:calendar )?{_UNIT},? {_APART}",
            lambda found: Period("previous", found[2], number(found[1])),
        ),
        (rf"{_IN}(?:last|past|previous|trailing) {_COUNT} {_UNIT}(?:,? {_WITH})?", _last),
        (
            rf"{_IN}(?:last|previous|past) (?:calendar )?{_UNIT}(?:,? {_APART})?",
            lambda found: Period("previous", found[1]),
        ),
        (rf"{_IN}(?:this|current) {_UNIT}(?: so far| to date)?", lambda found: Period("this", found[1])),
        (rf"{_UNIT} to date", lambda found: Period("this", found[1])),
        (r"(?:for |on )?yesterday", lambda _: Period("previous", "day")),
        (r"(?:for |so far )?today", lambda _: Period("this", "day")),
        (rf"(?:in |during |for |of )?{_MONTH},? (?:of )?{_YEAR}", _month),
        (rf"(?:in |during |for |of )?(?:the )?q([1-4]),?(?: of)? {_YEAR}", _quarter),
        (rf"{_IN}(first|second|third|fourth|1st|2nd|3rd|4th) quarter of {_YEAR}", _ordinal),
        (rf"(?:since|from) {_YEAR}", lambda found: _between(date(int(found[1]), 1, 1), None)),
        (rf"(?:in|during|for|of) (?:the year )?{_YEAR}", _year),
    )
)
GRAINS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), grain)
    for pattern, grain in (
        *((rf"(?:by|per|each|every|for each|in each|of each|for every|across) {unit}s?", unit) for unit in UNITS),
        *((rf"(?:in |for )?each of the(?= (?:last|past|previous) (?:\S+ )?(?:calendar )?{unit}s?\b)", unit) for unit in UNITS),
        (r"(?:a|per) day|daily", "day"),
        (r"weekly", "week"),
        (r"monthly|month by month|over time", "month"),
        (r"quarterly", "quarter"),
        (r"yearly|annually|annual|year by year", "year"),
    )
)  # fmt: skip
DAYS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?:on|at|during|over) (?:the )?weekends?"), "weekend"),
    (re.compile(r"(?:on|during) (?:the )?(?:weekdays|working days)"), "weekday"),
)
"""Days of the week: Saturday and Sunday, or the other five."""
