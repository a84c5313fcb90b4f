"""Findings of the model and what stands beside them: several that say one thing (`one year`, `five months` and `two days`; `Trinidad` and `Tobago`), and what is part of a title."""

import re

from ostiary.detection.dates import SPANS_OF_TIME

_AND = re.compile(r",? (?:and |und |et |y |e |en |i )?|, ")
_LAST_WORD = re.compile(r"([^\W\d_]+)(?:['\u2019]s?)?$")
_COUNTRIES = re.compile(
    r"(?:United Kingdom of )?Great Britain and (?:Northern )?Ireland|Bosnia (?:and|&) Herzegovina|Trinidad (?:and|&) Tobago|Antigua (?:and|&) Barbuda|"
    r"S(?:ain|\.|)t\.? Kitts (?:and|&) Nevis|S(?:ain|\.|)t\.? Vincent (?:and|&) the Grenadines|S[\u00e3a]o Tom[\u00e9e] (?:and|&) Pr[\u00edi]ncipe|Turks (?:and|&) Caicos(?: Islands)?"
)
"""Of ISO 3166, those whose names hold two names."""

_TREATY = re.compile(
    r"\b(?:Convention|Treaty|Covenant|Charter|Protocol|Declaration|Directive|Regulation|Agreement) (?:for|on|concerning|relating to|against|regarding) (?:the )?"
    r"[A-Z][\w-]*(?:,? (?:(?:and|of|the|in|to|for|from|on|or|their|its) ){0,3}[A-Z][\w-]*)*"
)
"""Titles like that of the Convention on the Rights of the Child."""


def titles(text: str) -> list[tuple[int, int]]:
    """Where titles of treaties and laws stand, that say what they are about."""
    return [match.span() for match in _TREATY.finditer(text)]


def are_one(label: str, start: int, middle: tuple[int, int], end: int, text: str) -> bool:
    """Whether `text[start:middle[0]]` and `text[middle[1]:end]`, both of this label, are one finding."""
    first, between, second = text[start : middle[0]], text[middle[0] : middle[1]], text[middle[1] : end]
    if label == "person":
        return between == " " and all(name.islower() and name.isalpha() for name in (first, second))
    if label == "date":
        return _AND.fullmatch(between) is not None and _counts_time(first) and _counts_time(second)
    if label == "organisation":
        return between == " of "
    if label != "location":
        return False
    whole = _COUNTRIES.match(text, start)
    return whole is not None and whole.end() >= end


def _counts_time(value: str) -> bool:
    """`five months`, and no day of a calendar: a number and what time is counted in."""
    words = value.split()
    last = _LAST_WORD.search(value)
    return len(words) > 1 and last is not None and last[1].lower() in SPANS_OF_TIME
