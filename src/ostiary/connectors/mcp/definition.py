"""A tool's definition as its server gives it, the pin that names it byte for byte, and how two of them differ.

The pin is SHA-256 over the RFC 8785 form of name, title, description, input and output schema, annotations, icons, execution and `_meta`: all that a model
or a person is shown, and all that decides how a call is checked. What has any other spelling has another pin.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.actions import JsonValue
from ostiary.connectors.mcp._rfc8785 import canonical
from ostiary.errors import TargetAnswerInvalid
from ostiary.shapes import pointer

TOOLS_MAX = 1_000
DEFINITION_BYTES_MAX = 65_536
NAME_CHARACTERS_MAX = 128
DEPTH_MAX = 48
DIFFERENCES_MAX = 200
_NOT_PINNED = frozenset({"ttlMs", "cacheScope"})
"""Of a list, not of a tool; everything else in a definition counts, known to us or not."""

_SLUG = re.compile(r"[a-z][a-z0-9_]{0,46}")


@dataclass(frozen=True, slots=True)
class Definition:
    """One tool as it was listed. `whole` is as it came, `pin` 64 hex digits."""

    name: str
    pin: str
    whole: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two definitions differ. kind: added, removed or changed; None stands where there is nothing."""

    pointer: str
    kind: str
    before: JsonValue
    after: JsonValue


def definition(raw: JsonValue) -> Definition:
    """The definition of one listed tool. Raises TargetAnswerInvalid for what is none, is too large or has no canonical form."""
    if not isinstance(raw, dict):
        raise TargetAnswerInvalid("The server lists a tool that is no object.")
    name = raw.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= NAME_CHARACTERS_MAX:
        raise TargetAnswerInvalid(
            f"The server lists a tool without a name of at most {NAME_CHARACTERS_MAX} characters."
        )
    return Definition(name, pin_of(raw), raw)


def pin_of(raw: Mapping[str, JsonValue]) -> str:
    """Raises TargetAnswerInvalid."""
    kept = {key: value for key, value in raw.items() if key not in _NOT_PINNED}
    if _depth(kept) > DEPTH_MAX:
        raise TargetAnswerInvalid("The server lists a tool whose definition is nested too deeply.")
    try:
        text = canonical(kept)
    except ValueError:
        raise TargetAnswerInvalid("The server lists a tool that has no canonical form.") from None
    if len(text) > DEFINITION_BYTES_MAX:
        raise TargetAnswerInvalid(f"The server lists a tool of more than {DEFINITION_BYTES_MAX} bytes.")
    return hashlib.sha256(text).hexdigest()


def _depth(value: JsonValue) -> int:
    deepest, waiting = 0, [(value, 0)]
    while waiting:
        part, depth = waiting.pop()
        deepest = max(deepest, depth)
        if depth > DEPTH_MAX:
            break
        children = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        waiting.extend((child, depth + 1) for child in children)
    return deepest


def differences(before: JsonValue, after: JsonValue) -> list[Difference]:
    """Every place that differs, for a person to read; DIFFERENCES_MAX at most, the last of them saying that there are more."""
    found: list[Difference] = []
    for one in _differing(before, after, ()):
        if len(found) == DIFFERENCES_MAX:
            return [*found, Difference("", "changed", "", "There are more differences than are shown here.")]
        found.append(one)
    return found


def _differing(before: Any, after: Any, steps: tuple[str | int, ...]) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            at = (*steps, key)
            if key not in after:
                yield Difference(pointer(*at), "removed", before[key], None)
            elif key not in before:
                yield Difference(pointer(*at), "added", None, after[key])
            else:
                yield from _differing(before[key], after[key], at)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differing(old, new, (*steps, index))
    elif canonical(before) != canonical(after):
        yield Difference(pointer(*steps), "changed", before, after)


def slug(name: str) -> str:
    """A word for an action's name: the name itself where it is one already, else what is left of it and a fingerprint, so that no two names share a word."""
    if _SLUG.fullmatch(name):
        return name
    kept = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:30]
    return f"x_{kept}_{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:12]}"
