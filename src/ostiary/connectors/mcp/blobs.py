"""Bytes inside results: pictures, sounds and files in base64. Masking reads text, so text that comes as bytes is shown to it as text, and what is no text is
put aside and put back as it came."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ostiary.actions import JsonValue

BLOBS_MAX = 1_000
_KINDS = frozenset({"image", "audio"})


@dataclass(frozen=True, slots=True)
class Blob:
    """One base64 text, where it stands, and whether it holds text."""

    steps: tuple[str | int, ...]
    text: str
    holds_text: bool


def lifted(value: JsonValue) -> tuple[JsonValue, list[Blob]]:
    """The value with text in place of bytes that are text, and nothing in place of other bytes."""
    found = list(_found(value, ()))[:BLOBS_MAX]
    blobs = []
    for steps, text in found:
        inner = _as_text(text)
        if inner is None and not _is_base64(text):
            continue  # it says that it is bytes and is not: masking sees it as it is
        value = _with(value, steps, inner or "")
        blobs.append(Blob(steps, text, inner is not None))
    return value, blobs


def put_back(value: JsonValue, blobs: list[Blob]) -> JsonValue:
    """The reverse, after masking: what was masked in a text is masked in its bytes."""
    for blob in blobs:
        try:
            text = (
                base64.b64encode(str(_at(value, blob.steps)).encode()).decode()
                if blob.holds_text
                else blob.text
            )
            value = _with(value, blob.steps, text)
        except (KeyError, IndexError, TypeError):
            continue  # its place was masked away, and so is it
    return value


def _found(value: Any, steps: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, dict):
        kind = value.get("type")
        pictured = isinstance(kind, str) and kind in _KINDS
        for key in ("data",) if pictured else ("blob",) if "uri" in value else ():
            if isinstance(value.get(key), str):
                yield (*steps, key), value[key]
        for key, child in value.items():
            yield from _found(child, (*steps, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _found(child, (*steps, index))


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _is_base64(text: str) -> bool:
    return _bytes(text) is not None


def _as_text(text: str) -> str | None:
    """The text that the bytes are, if they are text; UTF-16 with its mark counts too."""
    raw = _bytes(text)
    if raw is None:
        return None
    for encoding in ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8",):
        try:
            found = raw.decode(encoding)
        except UnicodeDecodeError:
            return None
        return None if any(ord(letter) < 9 for letter in found) else found
    return None


def _at(value: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        value = value[step]
    return value


def _with(value: Any, steps: tuple[str | int, ...], leaf: str) -> Any:
    """A copy with another leaf; only what lies on the way is copied."""
    if not steps:
        return leaf
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[steps[0]] = _with(copy[steps[0]], steps[1:], leaf)
    return copy
