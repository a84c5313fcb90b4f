"""Masks over JSON: what may not be seen is replaced, what it was is counted, and the rest stays as it is.

A mask names the family and cannot be turned back: `[email]`, `[phone]`. Cards and IBANs keep their last four characters, `[card *1111]`, so that a
person recognises them (PCI DSS 4.0.1 requirement 3.4.1 allows as much). A number that is masked becomes that text; a string stays a string; objects
and lists keep their shape and order. The name of a field counts as context, and so does a sibling that names the value ({"type": "ssn", "value": ...}).
Masking a masked value changes nothing.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

import orjson

from ostiary.actions import JsonValue
from ostiary.detection import engine
from ostiary.detection.categories import Family, family_of
from ostiary.detection.engine import doubtful_words, find, has_context, nothing_certain, pattern
from ostiary.detection.fields import FIELDS, QUANTITIES, Field, field_of
from ostiary.detection.finding import Finding
from ostiary.detection.folding import fold, may_escape
from ostiary.detection.matching import stands
from ostiary.detection.rules import RuleSet

DEPTH_MAX = 64
TOO_DEEP = "[withheld: nested too deeply]"
"""Stands for what lies deeper than DEPTH_MAX: it was not looked at, so it is not shown."""
KEY_CHARACTERS_MAX = 64
NUMBER_DIGITS_MIN = 5
"""Numbers with fewer digits are not looked at, unless their field says what they are."""
LABEL_CHARACTERS_MAX = 40
INNER_CHARACTERS_MAX = 1_000_000
"""A longer string is not read as JSON; it is looked at as text."""

MASKED: tuple[Family, ...] = (
    Family.EMAIL,
    Family.PHONE,
    Family.CARD,
    Family.IBAN,
    Family.BANK_ACCOUNT,
    Family.NATIONAL_ID,
    Family.PASSPORT,
    Family.DRIVING_LICENCE,
    Family.HEALTH_ID,
    Family.DATE_OF_BIRTH,
    Family.IP_ADDRESS,
    Family.MAC_ADDRESS,
    Family.CRYPTO_WALLET,
    Family.API_KEY,
    Family.PRIVATE_KEY,
    Family.PASSWORD,
)
"""What is masked unless a policy shows it. Dates, names, places and web addresses are what connected systems are asked for: they pass."""

_RULES = RuleSet(categories=frozenset(MASKED))
_LAST_FOUR = frozenset({Family.CARD, Family.IBAN})
_LABELS = ("type", "kind", "label", "field", "key", "id_type", "document_type")
_VALUES = frozenset({"value", "number", "text", "content", "data", "val", "no"})
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\x00-\x7f]+")
_HARMLESS = re.compile(
    r"(?:19|20)\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?"
    r"|[a-z]{3}_[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|-?\d{1,6}(?:\.\d{1,4})?|[A-Za-z]{0,24}|[a-z]{1,24}(?:_[a-z]{1,24}){1,4}"
)


def mask_json(value: JsonValue, reveal: frozenset[str] = frozenset()) -> tuple[JsonValue, dict[str, int]]:
    """The value with every finding masked whose category and family are not in `reveal`, and how many were masked, by family.

    The value itself comes back, not a copy, where nothing was found. Never raises for JSON values.
    """
    if _is_clean(value):
        return value, {}
    walk = _Walk(reveal)
    return walk.value(value, "", 0), walk.counts


def mask_text(text: str, reveal: frozenset[str] = frozenset()) -> tuple[str, dict[str, int]]:
    """One text, as `mask_json`."""
    walk = _Walk(reveal)
    return walk.text(text, ""), walk.counts


def mask_of(family: Family, raw: str) -> str:
    """What stands in place of `raw`."""
    if family in _LAST_FOUR:
        kept = "".join(char for char in fold(raw).data.decode("latin-1") if char.isalnum())
        if len(kept) >= 12:
            return f"[{family} *{kept[-4:]}]"
    return f"[{family}]"


def _is_clean(value: JsonValue) -> bool:
    """The quick no over the whole value at once. Escapes and letters beyond ASCII are left to the walk, which sees them folded."""
    try:
        data = orjson.dumps(value)
    except TypeError:
        return False
    return (
        data.isascii()
        and b"\\" not in data
        and not may_escape(data)
        and nothing_certain(data, _RULES)
        and not _telling_words()(data)
    )


def warm() -> None:
    """Compile what masking asks, and what a detection of everything asks, so that no call waits for it; some tenths of a second."""
    engine.warm(_RULES)
    engine.warm()
    _telling_words()


@cache
def _telling_words() -> Callable[[bytes], bool]:
    """Finds, in JSON text, any word that a field rule or a detector waits for, in snake_case and camelCase; it may find too much, never too little."""
    words = sorted(doubtful_words(_RULES) | {spelling for rule in FIELDS for spelling in rule.spellings})
    spelled = [re.sub(r"[^a-z0-9]", r"[^a-z0-9]{0,3}", word) for word in words]
    humps = [word[0].upper() + word[1:] for word in spelled]
    return stands(
        pattern(
            f"(?:(?:^|[^A-Za-z])(?i:{'|'.join(spelled)})|[a-z0-9](?:{'|'.join(f'{w[0]}(?i:{w[1:]})' for w in humps)}))(?:$|[^a-z])"
        )
    )


@dataclass(slots=True)
class _Walk:
    """One pass over a value: what may be seen, and what was masked so far."""

    reveal: frozenset[str]
    counts: dict[str, int] = field(default_factory=dict)

    def value(self, value: JsonValue, hint: str, depth: int) -> JsonValue:
        if isinstance(value, str):
            return self.text(value, hint, depth)
        if value is None or isinstance(value, bool):
            return value
        if depth >= DEPTH_MAX:
            return TOO_DEEP if isinstance(value, (dict, list, tuple)) else self.number(value, hint)
        if isinstance(value, dict):
            return self.object(value, hint, depth)
        if isinstance(value, (list, tuple)):
            return [self.value(item, hint, depth + 1) for item in value]
        return self.number(value, hint)

    def object(self, members: dict[str, JsonValue], hint: str, depth: int) -> dict[str, JsonValue]:
        label = _label(members)
        masked: dict[str, JsonValue] = {}
        for key, value in members.items():
            near = _near(str(key), hint, label)
            masked[_free(masked, self.text(str(key), ""))] = self.value(value, near, depth + 1)
        return masked

    def text(self, text: str, hint: str, depth: int = 0) -> str:
        if not hint and _HARMLESS.fullmatch(text):
            return text
        rule = field_of(hint) if hint else None
        if rule is not None and (category := _named(rule, text)) is not None:
            return text if self.seen(category) else self.mask(category, text)
        if text[:1] in ("{", "[") and (inner := self.inner(text, depth)) is not None:
            return inner
        return self.replace(text, find(text, hint, _RULES))

    def inner(self, text: str, depth: int) -> str | None:
        """JSON within a string, masked as JSON; None where it is none, or where nothing was masked in it."""
        if len(text) > INNER_CHARACTERS_MAX:
            return None
        try:
            value = orjson.loads(text)
        except ValueError:
            return None
        walk = _Walk(self.reveal)
        masked = orjson.dumps(walk.value(value, "", depth + 1)).decode()
        for category, count in walk.counts.items():
            self.counts[category] = self.counts.get(category, 0) + count
        return masked if walk.counts else None

    def number(self, number: Any, hint: str) -> JsonValue:
        """A number is as sensitive as its digits; a float only where it is a whole number."""
        whole = int(number) if isinstance(number, float) and number.is_integer() else number
        text = str(whole)
        if len(text) < NUMBER_DIGITS_MIN and not hint:
            return number
        masked = self.text(text, hint)
        return number if masked == text else masked

    def replace(self, text: str, findings: Iterable[Finding]) -> str:
        parts: list[str] = []
        position = 0
        for finding in findings:
            if self.seen(finding.category):
                continue
            raw = text[finding.start : finding.end]
            parts += (text[position : finding.start], self.mask(finding.category, raw))
            position = finding.end
        return "".join((*parts, text[position:])) if parts else text

    def seen(self, category: str) -> bool:
        """Whether a value of this category stays as it is."""
        family = family_of(category)
        return category in self.reveal or family in self.reveal or family not in MASKED

    def mask(self, category: str, raw: str) -> str:
        family = family_of(category)
        masked = mask_of(family, raw)
        if raw != masked:
            self.counts[family.value] = self.counts.get(family.value, 0) + 1
        return masked


def _free(taken: dict[str, JsonValue], key: str) -> str:
    """The key, numbered where two masked keys fell together: nothing is lost."""
    if key not in taken:
        return key
    number = 2
    while f"{key} {number}" in taken:
        number += 1
    return f"{key} {number}"


_MASKED = re.compile(r"\[[a-z_]+(?: \*[0-9A-Za-z]{4})?\]")


def _named(rule: Field, text: str) -> str | None:
    """The category that the field's name gives to the whole value, if the value has the form."""
    plain = fold(text).data.decode("latin-1").strip()
    return rule.category if rule.form.fullmatch(plain) and not _MASKED.fullmatch(plain) else None


def _label(members: dict[str, JsonValue]) -> str:
    """What a sibling says that the object's `value` is."""
    for name in _LABELS:
        label = members.get(name)
        if isinstance(label, str) and len(label) <= LABEL_CHARACTERS_MAX and (hint := _hint(label)):
            return hint
    return ""


def _near(key: str, hint: str, label: str) -> str:
    """The words that stand by a member's value: its own name; else the sibling's label or the parent's name, if it is just `value` or the like; else the
    parent's name as mere context (the full stop keeps field rules from applying)."""
    own = _hint(key)
    if own is None:
        return ""
    if own or not (hint or label):
        return own
    if key.lower() in _VALUES:
        return label or hint
    return hint if hint.endswith(".") or not hint else hint + " ."


def _hint(key: str) -> str | None:
    """The words of a field's name if they mean anything to a detector or a field rule, else ""; None for a name that denies it, such as `phone_count`."""
    return _hint_of(key) if len(key) <= KEY_CHARACTERS_MAX and _NAME.fullmatch(key) else ""


_NAME = re.compile(r"(?!.*\d{4})[^@]*", re.DOTALL)
"""A field's name; what has many digits or an @ is data, and is not kept in the cache below."""


@lru_cache(maxsize=4096)
def _hint_of(key: str) -> str | None:
    words = " ".join(word.lower() for word in _WORDS.findall(fold(key).data.decode("latin-1")))
    if not words:
        return ""
    if field_of(words) is not None:
        return words
    if words.rsplit(" ", 1)[-1] in QUANTITIES:
        return None
    return words if has_context(words, _RULES) else ""
