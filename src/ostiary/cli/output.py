"""What a command prints: JSON for programs (`--json`), words for people, problems on standard error with exit code 1."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from getpass import getpass
from pathlib import Path
from typing import Any, NoReturn

from ostiary.cli.remote import Refused
from ostiary.net.operator import Unreachable

CELL_CHARACTERS_MAX = 60
PIPED_CHARACTERS = 240
NEVER_CUT = frozenset(
    {"id", "key_id", "call_id", "name", "client", "issuer_id", "grant", "issuer", "audience"}
)
"""What somebody copies: a narrow terminal cuts other columns."""
STEP_UP = "POST /v1/session/step-up with your code gives a token that passes; or do it in the console."


def as_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def fail(message: str, *, code: int = 1) -> NoReturn:
    sys.stderr.write(message.rstrip() + "\n")
    raise SystemExit(code)


@contextmanager
def told(*, json_wanted: bool) -> Iterator[None]:
    """Refusals become one clear message (or the problem itself) and exit code 1."""
    try:
        yield
    except Refused as error:
        if json_wanted:
            as_json(error.problem)
            raise SystemExit(1) from None
        fail(in_words(error.problem))
    except Unreachable as error:
        fail(str(error))


def secret_from(file: Path | None, what: str) -> str:
    """A secret's text from a file, from a hidden prompt, or from standard input where that is no terminal; never from an argument, which
    `ps` shows."""
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            fail(f"{file} cannot be read ({type(error).__name__}).", code=2)
    if sys.stdin.isatty():
        return getpass(f"{what}: ").strip()
    return sys.stdin.readline().strip()


def waits(answer: Any, *, json_wanted: bool) -> bool:
    """Whether a person has to agree first, which is told: what an API key asks for may wait, where the same of a person runs."""
    held = isinstance(answer, dict) and answer.get("state") == "held" and "approval_id" in answer
    if held:
        as_json(answer) if json_wanted else sys.stdout.write(
            f"A person has to agree first: approval {answer['approval_id']}.\n"
        )
    return held


def text_from(file: Path, *, characters_max: int) -> str:
    """A text that is no secret, from a file or, for -, from standard input."""
    if str(file) == "-":
        return sys.stdin.read(characters_max + 1)
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.read(characters_max + 1)
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read ({type(error).__name__}).", code=2)


def in_words(problem: Mapping[str, Any]) -> str:
    """A problem as text: title, detail, one line a mistake, the code to look up."""
    lines = [str(problem.get("title", "Refused."))]
    if problem.get("detail"):
        lines.append(str(problem["detail"]))
    lines += [f"  {each['pointer'] or '(all)'}: {each['detail']}" for each in problem.get("errors", ())]
    if problem.get("code") == "auth.step_up_required":
        lines.append(STEP_UP)
    return "\n".join(printable(line) for line in [*lines, f"({problem.get('code', 'unknown')})"])


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Rows as a table; nothing in it is taken as markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False)
    for column in columns:
        whole = max((len(_cell(row.get(column))) for row in rows), default=0) if column in NEVER_CUT else None
        shown.add_column(Text(printable(column)), min_width=whole, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(_cell(row.get(column))) for column in columns))
    Console(width=None if sys.stdout.isatty() else PIPED_CHARACTERS).print(shown)


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    text = printable("" if value is None else str(value))
    return text if len(text) <= CELL_CHARACTERS_MAX else text[: CELL_CHARACTERS_MAX - 1] + "…"


def printable(text: str) -> str:
    """Without what a terminal would act on: others wrote it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
