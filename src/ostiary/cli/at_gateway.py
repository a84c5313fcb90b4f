"""`ostiary ask` and `ostiary query` of a source that the running gateway knows: under its policy, as whoever holds the key, with its audit log."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostiary.cli import output
from ostiary.cli.remote import ask as asked
from ostiary.cli.remote import named

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows that have come, in the shape of an engine's answer."""

    columns: list[str]
    rows: Sequence[Mapping[str, Any]]
    truncated: bool

    def batches(self) -> Iterator[list[list[Any]]]:
        yield [list(row.values()) for row in self.rows]


def is_there(source: str) -> bool:
    """Whether it is the name of a gateway's source: no address, and no file of that name."""
    return bool(_NAME.fullmatch(source)) and not Path(source).exists()


def only_here(**given: object) -> None:
    """Ends with exit code 2 where options were given that are the gateway's own to know."""
    if wrong := [f"--{name.replace('_', '-')}" for name, value in given.items() if value]:
        output.fail(
            f"{', '.join(wrong)}: for databases and files that are asked directly. Of a source of the gateway, the gateway knows it; a file is given with its path, as ./NAME.", code=2
        )  # fmt: skip


def question(
    source: str, text: str, before: Sequence[str], purpose: str, rows: int, *, run: bool
) -> dict[str, Any]:
    """As of `source.ask`. Ends with exit code 1 where it is refused."""
    body = {
        "question": text,
        "before": list(before),
        "purpose": purpose,
        "rows": rows,
        "run": run,
    }
    return _asked(source, "ask", body)


def statement(source: str, text: str, purpose: str, rows: int) -> dict[str, Any]:
    """As of `source.query`. Ends with exit code 1 where it is refused."""
    body = {"statement": text, "purpose": purpose, "rows": rows}
    return _asked(source, "query", body)


def _asked(source: str, what: str, body: Mapping[str, Any]) -> dict[str, Any]:
    from ostiary.sources.policy import ROWS_MAX

    body = {**body, "rows": min(body["rows"], ROWS_MAX)}
    try:
        with output.told(json_wanted=False):
            found: dict[str, Any] = asked("POST", named("sources", source, what), body=body)
            return found
    except SystemExit:
        sys.stderr.write(f"{output.printable(source)} is no file or folder here: the gateway was asked.\n")
        raise


def answer(found: Mapping[str, Any]) -> Answer:
    """Says on standard error what is not shown as it is."""
    if masks := found["masks"]:
        listed = ", ".join(f"{name} ({how})" for name, how in masks.items())
        sys.stderr.write(f"Masked: {output.printable(listed)}\n")
    return Answer(found["columns"], found["rows"], found["truncated"])
