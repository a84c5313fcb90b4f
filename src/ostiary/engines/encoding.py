"""Rows as bytes, batch by batch: NDJSON and CSV."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ostiary.engines.values import plain

Row = Sequence[Any]
_JSON = orjson.OPT_STRICT_INTEGER


@dataclass(frozen=True, slots=True)
class Form:
    """`first`: of the columns' names; `rows`; `last`: how many rows there were and whether there are more; None: this form has no place for that."""

    media: str
    first: Callable[[list[str]], bytes]
    rows: Callable[[Sequence[Row]], bytes]
    last: Callable[[int, bool], bytes] | None


def _json_first(names: list[str]) -> bytes:
    return orjson.dumps({"columns": names}) + b"\n"


def _json_rows(rows: Sequence[Row]) -> bytes:
    """Each an array; an object a row would be six times the work and half as much again to send."""
    try:
        lines = [orjson.dumps(row, plain, _JSON) for row in rows]
    except orjson.JSONEncodeError:  # whole numbers that JSON's readers would round
        lines = [orjson.dumps([plain(value) for value in row]) for row in rows]
    return b"\n".join((*lines, b""))


def _json_last(count: int, truncated: bool) -> bytes:
    return orjson.dumps({"rows": count, "truncated": truncated}) + b"\n"


def _csv(rows: Sequence[Row]) -> bytes:
    """RFC 4180, in UTF-8; what is nothing is empty."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(
        [["" if value is None else plain(value) for value in row] for row in rows]
    )
    return text.getvalue().encode()


FORMS = {
    "ndjson": Form("application/x-ndjson", _json_first, _json_rows, _json_last),
    "csv": Form("text/csv; charset=utf-8", lambda names: _csv([names]), _csv, None),
}
