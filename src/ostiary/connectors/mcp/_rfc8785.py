"""RFC 8785, JSON Canonicalization Scheme: one text for one JSON value, whoever wrote it down."""

import math
from typing import Any

_ESCAPES = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}
_QUOTED = {code: f"\\u{code:04x}" for code in range(32)} | _ESCAPES
_EXACT_MAX = 2**53
"""Beyond it a whole number is not one that every reader sees alike (RFC 7493 section 2.2), and it is written as the double that they all see."""


def canonical(value: Any) -> bytes:
    """The value in canonical form. Raises ValueError for what is no I-JSON value (RFC 7493): a number that is not finite, a lone surrogate."""
    return _written(value).encode()


def _written(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value.translate(_QUOTED)}"'
    if isinstance(value, int) and abs(value) <= _EXACT_MAX:
        return str(value)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, dict):
        return (
            f"{{{','.join(f'{_written(key)}:{_written(value[key])}' for key in sorted(value, key=_order))}}}"
        )
    raise ValueError("not a JSON value")


def _order(key: Any) -> bytes:
    """Section 3.2.3: by UTF-16 code units."""
    if not isinstance(key, str):
        raise ValueError("the name of a member is text")
    return key.encode("utf-16-be")


def _number(value: float) -> str:
    """Section 3.2.2.3: as ECMAScript writes it (ECMA-262, Number::toString). Python's shortest digits are the same; the layout is not."""
    try:
        number = float(value)
    except OverflowError:
        raise ValueError("a number is too large") from None
    if not math.isfinite(number):
        raise ValueError("a number is finite")
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    digits, point = _digits(abs(number))
    if 0 < point <= 21:
        body = digits.ljust(point, "0") if len(digits) <= point else f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        body = f"0.{'0' * -point}{digits}"
    else:
        power = point - 1
        mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
        body = f"{mantissa}e{'+' if power > 0 else '-'}{abs(power)}"
    return sign + body


def _digits(number: float) -> tuple[str, int]:
    """The shortest digits that read back as this number, and where the decimal point stands after them."""
    mantissa, _, power = repr(number).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = (
        len(whole) + int(power or 0)
        if whole.strip("0")
        else int(power or 0) - (len(fraction) - len(fraction.lstrip("0")))
    )
    return digits.rstrip("0"), point
