"""The values of a call's parameters that a contract's labels name: at JSON Pointers (RFC 6901) in which `*` stands for any item. Pure."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from ostiary.actions import Action, JsonValue
from ostiary.evidence import Label

EVERY = "*"
NUMBER_CHARACTERS_MAX = 40
DIGITS_MAX = 13
"""Before and after the point: with a sum of some hundred of them it stays within the 28 digits that are counted exactly."""

Amounts = tuple[Decimal | None, ...]
"""What a call is about in numbers, by the contract's `amount` labels; None for one that cannot be read as a number."""


def amounts_of(action: Action, params: JsonValue) -> Amounts:
    """The amounts of a call by the contract's labels."""
    found: list[Decimal | None] = []
    for path, label in action.labels.items():
        if label == Label.AMOUNT:
            found += [number(each) for value in values_at(params, path) for each in _each(value)]
    return tuple(found)


def _each(value: JsonValue) -> list[JsonValue]:
    """A label of a list is of each of its items."""
    return value if isinstance(value, list) else [value]


def number(value: JsonValue) -> Decimal | None:
    """The number that a JSON value is, also one written as text in plain digits (`"12.50"`); None where it is none."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | str)
        or len(str(value)) > NUMBER_CHARACTERS_MAX
    ):
        return None  # fmt: skip
    try:
        read = Decimal(str(value))
    except InvalidOperation:
        return None
    if not read.is_finite() or read.adjusted() > DIGITS_MAX or int(read.as_tuple().exponent) < -DIGITS_MAX:
        return None  # beyond that, sums would be rounded, or too large to be made
    return read


def values_at(value: JsonValue, path: str) -> list[JsonValue]:
    """The values at a JSON Pointer in which `*` stands for any item; what is absent or null is not there."""
    found = [value]
    for token in path.split("/")[1:]:
        step = token.replace("~1", "/").replace("~0", "~")
        found = [child for each in found for child in _children(each, step)]
    return [each for each in found if each is not None]


def _children(value: JsonValue, step: str) -> list[JsonValue]:
    if isinstance(value, Mapping):
        return [value[step]] if step in value else list(value.values()) if step == EVERY else []
    if isinstance(value, list):
        if step == EVERY:
            return list(value)
        return [value[int(step)]] if step.isdecimal() and len(step) < 8 and int(step) < len(value) else []
    return []
