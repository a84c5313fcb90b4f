"""One value and one operator: what stands in the value's place. `Unfit` where the operator cannot do its work; nothing is ever left as it was instead."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ostiary.redaction import dates, formats, generalising, surrogates, tokens
from ostiary.redaction._sp800_38g import DomainTooSmall
from ostiary.redaction.keys import KeyDestroyed, Scope, derived
from ostiary.redaction.plan import FALLS_TO_NAME, NAMED, Operator


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an operator may need beside the value. `scope` holds the keys; `subject`: whom the text is about, for dates; `language` of the text, if known (ISO 639-1).

    `given`: the surrogates that were given so far; one object for all texts of a scope keeps them apart from each other.
    """

    scope: Scope | None = None
    subject: str = ""
    language: str = ""
    given: surrogates.Given = field(default_factory=surrogates.Given)


@dataclass(frozen=True, slots=True)
class Value:
    """What is replaced: the text, and what it is."""

    text: str = field(repr=False)
    category: str
    family: str
    country: str = ""


class Unfit(Exception):
    """The operator cannot do this; the message says why, without the value."""


def replaced(value: Value, operator: Operator, around: Surroundings) -> tuple[str, str]:
    """(what stands in its place, the operator that did it). Unfit where no operator of the rule can."""
    try:
        return _OPERATORS[operator.name](value, operator, around), operator.name
    except Unfit:
        following = operator.otherwise or (NAMED if operator.name in FALLS_TO_NAME else None)
        if following is None:
            raise
    return replaced(value, following, around)


def _keep(value: Value, operator: Operator, around: Surroundings) -> str:
    return value.text


def _mask(value: Value, operator: Operator, around: Surroundings) -> str:
    """All is hidden where the ends that may be seen would be the half of it or more."""
    text, first, last = value.text, operator.number("first"), operator.number("last")
    if (first + last) * 2 > len(text):
        first = last = 0
    hidden = operator.word("character") * (len(text) - first - last)
    return text[:first] + hidden + text[len(text) - last :]


def _remove(value: Value, operator: Operator, around: Surroundings) -> str:
    return ""


def _replace(value: Value, operator: Operator, around: Surroundings) -> str:
    template = operator.word("text")
    return template.format(category=value.category, family=value.family, country=value.country)


def _hash(value: Value, operator: Operator, around: Surroundings) -> str:
    """HMAC-SHA-256 (RFC 2104) of the canonical value, cut to so many hexadecimal characters (128 bits unless the plan says otherwise)."""
    plain = tokens.canonical(value.category, value.text).encode("utf-8", "surrogatepass")
    return hmac.new(_key(around, "hash", value.category), plain, hashlib.sha256).hexdigest()[
        : operator.number("characters")
    ]


def _token(value: Value, operator: Operator, around: Surroundings) -> str:
    try:
        return tokens.token(_scope(around), value.category, value.text)
    except KeyDestroyed:
        raise Unfit("the key of this scope was destroyed") from None
    except tokens.ValueTooLong:
        raise Unfit(f"a token holds at most {tokens.VALUE_BYTES_MAX} bytes") from None


def _format_preserving(value: Value, operator: Operator, around: Surroundings) -> str:
    kind = value.family if value.family in ("card", "phone") else value.category
    key = _key(around, "format", kind)
    try:
        return formats.encrypted(key, kind, value.text, luhn_kept=operator.word("luhn") == "kept")
    except DomainTooSmall:
        raise Unfit(
            "fewer than 1,000,000 values have this form: it cannot be encrypted in its format"
        ) from None
    except ValueError:
        raise Unfit("only ASCII letters and digits can be encrypted in their format") from None


def _date_shift(value: Value, operator: Operator, around: Surroundings) -> str:
    most = operator.number("days_max")
    drawn = hmac.new(
        _key(around, "date", ""), around.subject.encode("utf-8", "surrogatepass"), hashlib.sha256
    ).digest()
    days = int.from_bytes(drawn[:8], "big") % (2 * most) - most
    days += days >= 0
    moved = dates.shifted(
        value.text, days, month_first=operator.word("order") == "mdy", language=around.language
    )
    if moved is None:
        raise Unfit("the date could not be read")
    return moved


def _generalise(value: Value, operator: Operator, around: Surroundings) -> str:
    general = generalising.generalised(value.text, value.category, value.family, operator, around.language)
    if general is None:
        raise Unfit("there is no more general form of this")
    return general


def _surrogate(value: Value, operator: Operator, around: Surroundings) -> str:
    key = _key(around, "surrogate", value.family)
    language = operator.word("language")
    language = around.language if language == "auto" else language
    found = surrogates.surrogate(key, value.text, value.family, language, around.given)
    if found is None:
        raise Unfit("there are no surrogates of this category")
    return found


def _scope(around: Surroundings) -> Scope:
    if around.scope is None:
        raise Unfit("this operator needs the keys of a scope")
    return around.scope


def _key(around: Surroundings, purpose: str, category: str) -> bytes:
    scope = _scope(around)
    try:
        return derived(scope, purpose, category, version=scope.version, length=32)
    except KeyDestroyed:
        raise Unfit("the key of this scope was destroyed") from None


_OPERATORS: Mapping[str, Callable[[Value, Operator, Surroundings], str]] = {
    "keep": _keep,
    "mask": _mask,
    "remove": _remove,
    "replace": _replace,
    "hash": _hash,
    "token": _token,
    "format_preserving": _format_preserving,
    "date_shift": _date_shift,
    "generalise": _generalise,
    "surrogate": _surrogate,
}
