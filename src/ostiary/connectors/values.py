"""What a database returns, as JSON: whole numbers and floats as they are, decimals as text (exact, `"12.50"`), instants in RFC 3339 (with a zone: in
UTC), dates, times and UUIDs as text, JSON columns as JSON. Bytes and anything else are refused: a contract selects what it can name."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from ostiary.actions import JsonValue
from ostiary.clock import rfc3339
from ostiary.errors import Fault, InvalidParameters, TargetAnswerInvalid, TargetAnswerTooLarge

_WHOLE_MAX = 2**63
_DEPTH_MAX = 20


def as_json(value: Any, depth: int = 0) -> JsonValue:
    """One value of a row. Raises TargetAnswerInvalid."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int) and -_WHOLE_MAX <= value < _WHOLE_MAX:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, list) and depth < _DEPTH_MAX:
        return [as_json(item, depth + 1) for item in value]
    if isinstance(value, dict) and depth < _DEPTH_MAX:
        return {str(key): as_json(item, depth + 1) for key, item in value.items()}
    raise TargetAnswerInvalid(
        f"The database returned a value that is not JSON ({type(value).__name__}); cast it in the statement."
    )


def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    moment = value.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return rfc3339((moment.days * 86_400 + moment.seconds) * 1_000_000 + moment.microseconds)


def as_rows(
    names: Sequence[str], rows: Iterable[Sequence[Any]], *, rows_max: int, bytes_max: int
) -> dict[str, JsonValue]:
    """`{"rows": [{column: value}, ...]}`. Raises TargetAnswerTooLarge beyond either bound: an answer is whole or refused, never cut."""
    if len(set(names)) != len(names):
        raise TargetAnswerInvalid("Two columns have the same name; name them with AS.")
    answer: list[dict[str, JsonValue]] = []
    left = bytes_max
    for row in rows:
        if len(answer) >= rows_max:
            raise TargetAnswerTooLarge(f"There are more than {rows_max} rows; ask for fewer.")
        one = dict(zip(names, map(as_json, row), strict=True))
        left -= _size(one)
        if left < 0:
            raise TargetAnswerTooLarge(f"The rows are larger than {bytes_max} bytes; ask for fewer.")
        answer.append(one)
    return {"rows": answer}


def _size(row: dict[str, JsonValue]) -> int:
    try:
        return len(orjson.dumps(row)) + 1
    except orjson.JSONEncodeError:
        raise TargetAnswerInvalid("The database returned text that is not valid Unicode.") from None


def bound_parameters(names: Sequence[str], params: Mapping[str, JsonValue], *, lists: bool) -> dict[str, Any]:
    """The values for a statement's parameters: scalars, lists of scalars where the database takes them, None where absent. Raises
    InvalidParameters."""
    return {name: _bindable(name, params.get(name), lists=lists) for name in names}


def _bindable(name: str, value: JsonValue, *, lists: bool) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and -_WHOLE_MAX <= value < _WHOLE_MAX:
        return value
    if isinstance(value, str) and "\x00" not in value and _encodes(value):
        return value
    if lists and isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return [_bindable(name, item, lists=False) for item in value]
    raise InvalidParameters(faults=(Fault(f"/{name}", "cannot be a parameter of this statement"),))


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
