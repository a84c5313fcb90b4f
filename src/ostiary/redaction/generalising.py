"""The same fact, less exactly: a month for a day, a band for an age, a network for an address, a region for a postcode, a range for a number."""

import ipaddress
import re

from ostiary.redaction import dates
from ostiary.redaction.plan import Operator

DIGITS_MAX = 18
AGE_MAX = 130
DATES = frozenset({"date", "date_of_birth"})


def generalised(text: str, category: str, family: str, operator: Operator, language: str) -> str | None:
    """None where the value is of none of these kinds, or cannot be read as it."""
    if category in DATES or family in DATES:
        return _date(text, operator, language)
    if "age" in (category, family):
        return _age(text, operator.number("age_band"))
    if "ip_address" in (category, family):
        return _network(text, operator)
    if "postcode" in (category, family):
        return _region(text, operator.number("postcode_characters"))
    return _number(text, operator)


def _date(text: str, operator: Operator, language: str) -> str | None:
    written = dates.parsed(text, month_first=operator.word("order") == "mdy", language=language)
    year = f"{written.day.year:04}" if written is not None else _year(text)
    if year is None:
        return None
    match operator.word("date"):
        case "decade":
            return f"{year[:3]}0s"
        case "month" if written is not None:
            return f"{year}-{written.day.month:02}"
        case _:
            return year


def _year(text: str) -> str | None:
    """The one four-digit year of a text that says no day."""
    found = re.findall(r"(?<!\d)(?:1[89]|20)\d\d(?!\d)", text)
    return str(found[0]) if len(found) == 1 else None


def _age(text: str, band: int) -> str | None:
    found = re.findall(r"(?<![\d.,])\d{1,3}(?![\d.,]\d|\d)", text)
    if len(found) != 1 or not 0 <= int(found[0]) <= AGE_MAX:
        return None
    low = int(found[0]) // band * band
    return f"{low}-{low + band - 1}"


def _network(text: str, operator: Operator) -> str | None:
    try:
        address = ipaddress.ip_interface(text.strip("[]")).ip
    except ValueError:
        return None
    prefix = operator.number("ipv4_prefix" if address.version == 4 else "ipv6_prefix")
    return str(ipaddress.ip_network((address, prefix), strict=False))


def _region(text: str, kept: int) -> str | None:
    """The first characters, the others as `*`; at least two are hidden."""
    places = [i for i, char in enumerate(text) if char.isalnum()]
    if len(places) < kept + 2:
        return None
    hidden = set(places[kept:])
    return "".join("*" if i in hidden else char for i, char in enumerate(text))


_FIGURE = re.compile(
    r"(?P<before>\D*?)(?P<sign>[-\u2212]?)(?P<figure>\d{1,3}(?:[ ,.'\u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,9})?)(?P<after>\D*)"
)


def _number(text: str, operator: Operator) -> str | None:
    """A range of whole numbers, or the nearest multiple; a currency or a unit beside it stays. Fractions of the figure are dropped first."""
    found = _FIGURE.fullmatch(text)
    if found is None:
        return None
    figure = re.sub(
        r"[.,]\d{1,2}$" if re.search(r"[ ,.']\d{3}", found["figure"]) else r"[.,]\d+$", "", found["figure"]
    )
    digits = re.sub(r"\D", "", figure)
    if not digits or len(digits) > DIGITS_MAX:
        return None
    value, width = int(digits), operator.number("range")
    if operator.word("number") == "rounded":
        general = str((value + width // 2) // width * width)
    else:
        low = value // width * width
        general = f"{low}-{low + width - 1}"
    return f"{found['before']}{found['sign']}{general}{found['after']}"
