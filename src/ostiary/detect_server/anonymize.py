"""Presidio's `POST /anonymize`: what the analyzer found is replaced, removed, masked, hashed or kept. Spans that overlap are settled first: the higher score, the longer."""

import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.asgi.service import BadRequest

RESULTS_MAX = 100_000
_HASHES = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
OPERATORS = ("replace", "redact", "mask", "hash", "keep")


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    score: float
    entity: str


def answer(body: Any) -> dict[str, Any]:
    """`{"text", "items"}`, the items from the last to the first, as Presidio gives them. Raises BadRequest."""
    if not isinstance(body, dict) or not isinstance(text := body.get("text"), str) or not text:
        raise BadRequest("Invalid input, text can not be empty")
    anonymizers = body.get("anonymizers") or {}
    if not isinstance(anonymizers, dict) or not all(isinstance(each, dict) for each in anonymizers.values()):
        raise BadRequest("Invalid input, anonymizers is no object of objects")
    spans = _settled([_span(each, len(text)) for each in _results(body)])
    parts: list[str] = []
    items: list[dict[str, Any]] = []
    position = length = 0
    for span in spans:
        operator, new = _operated(text[span.start : span.end], span.entity, anonymizers)
        parts += (text[position : span.start], new)
        length += span.start - position
        items.append(
            {
                "start": length,
                "end": length + len(new),
                "entity_type": span.entity,
                "text": new,
                "operator": operator,
            }
        )
        length += len(new)
        position = span.end
    return {"text": "".join((*parts, text[position:])), "items": items[::-1]}


def _results(body: Mapping[str, Any]) -> list[Any]:
    results = body.get("analyzer_results")
    if not isinstance(results, list) or len(results) > RESULTS_MAX:
        raise BadRequest("Invalid input, analyzer_results can not be empty")
    return results


def _span(given: Any, length: int) -> _Span:
    try:
        start, end = given["start"], given["end"]
        span = _Span(start, end, float(given.get("score", 0.0)), str(given["entity_type"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadRequest("Invalid input, analyzer result must contain start, end and entity_type") from None
    whole = type(start) is int and type(end) is int
    if not whole or not 0 <= start < end <= length:
        raise BadRequest("Invalid analyzer result, its start and end do not lie within the text")
    return span


def _settled(spans: list[_Span]) -> list[_Span]:
    """In the order of the text and apart from each other: a weaker one loses what a stronger one covers."""
    taken: list[_Span] = []
    starts: list[int] = []
    ends: list[int] = []
    for span in sorted(spans, key=lambda each: (-each.score, each.start - each.end, each.start)):
        after = bisect_right(starts, span.start)
        start = max(span.start, ends[after - 1]) if after else span.start
        end = min(span.end, starts[after]) if after < len(starts) else span.end
        if start < end:
            taken.append(_Span(start, end, span.score, span.entity))
            _cover(starts, ends, after, start, end)
    return sorted(taken, key=lambda each: each.start)


def _cover(starts: list[int], ends: list[int], after: int, start: int, end: int) -> None:
    """Add what is covered to the runs before and from `after` on; runs that touch are one, so that none is walked through again."""
    low, high = after, after
    if after and ends[after - 1] == start:
        low, start = after - 1, starts[after - 1]
    if after < len(starts) and starts[after] == end:
        high, end = after + 1, ends[after]
    starts[low:high], ends[low:high] = [start], [end]


def _operated(raw: str, entity: str, anonymizers: Mapping[str, Any]) -> tuple[str, str]:
    """(operator, what stands in place)."""
    asked = anonymizers.get(entity) or anonymizers.get("DEFAULT") or {"type": "replace"}
    operator = asked.get("type", "replace")
    if operator == "replace":
        return operator, _text(asked, "new_value", f"<{entity}>")
    if operator == "redact":
        return operator, ""
    if operator == "keep":
        return operator, raw
    if operator == "mask":
        return operator, _masked(raw, asked)
    if operator == "hash":
        made = _HASHES.get(_text(asked, "hash_type", "sha256"))
        if made is None:
            raise BadRequest("Invalid input, hash_type is sha256 or sha512")
        return operator, made(_text(asked, "salt", "").encode() + raw.encode("utf-8", "replace")).hexdigest()
    raise BadRequest(f"Invalid operator; there are {', '.join(OPERATORS)}")


def _masked(raw: str, asked: Mapping[str, Any]) -> str:
    letter, count = asked.get("masking_char"), asked.get("chars_to_mask")
    if not isinstance(letter, str) or len(letter) != 1 or type(count) is not int:
        raise BadRequest(
            "Invalid input, mask wants masking_char (one character) and chars_to_mask (a number)"
        )
    count = max(0, min(count, len(raw)))
    if asked.get("from_end"):
        return raw[: len(raw) - count] + letter * count
    return letter * count + raw[count:]


def _text(asked: Mapping[str, Any], name: str, default: str) -> str:
    value = asked.get(name, default)
    if not isinstance(value, str):
        raise BadRequest(f"Invalid input, {name} is no string")
    return value
