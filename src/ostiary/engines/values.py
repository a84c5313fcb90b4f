"""Values of a database as JSON has them, for showing: what has no form there is text."""

import math
from typing import Any

_WHOLE_MAX = 2**53


def plain(value: Any) -> Any:
    """Whole numbers that JSON's readers would round, and numbers that are none, are text; bytes are hexadecimal digits; moments ISO 8601."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if -_WHOLE_MAX <= value <= _WHOLE_MAX else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def told_apart(names: list[str]) -> list[str]:
    """Columns of one name are numbered: n, n_2."""
    found: list[str] = []
    for name in names:
        at = 1
        called = name
        while called in found:
            at += 1
            called = f"{name}_{at}"
        found.append(called)
    return found
