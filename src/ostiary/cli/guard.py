"""`ostiary guard`: whether a SQL statement only reads, and reads only what it may. Offline: no database is asked."""

import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostiary.cli import output
from ostiary.cli.lines import arriving

if TYPE_CHECKING:
    from ostiary.guard.catalogue import Catalogue
    from ostiary.guard.relation import Claim
    from ostiary.guard.verdict import Verdict

MALFORMED = {"decision": "refuse", "code": "line.malformed", "why": 'A line is {"id": ..., "sql": "..."}.'}


def guard(
    statement: Annotated[
        str | None, typer.Argument(help="The statement. None: standard input, as one statement.")
    ] = None,
    dialect: Annotated[
        str, typer.Option("--dialect", "-d", help="postgresql, mysql, mariadb, sqlite, duckdb or sqlserver.")
    ] = "postgresql",
    catalog: Annotated[
        Path | None,
        typer.Option(
            help='What may be read (JSON): {"tables": [{"schema", "name", "columns": ["id", {"name": "ssn", "mask": "full"}]}]}. Without it every table that is not the system\'s.'
        ),
    ] = None,
    govern: Annotated[
        bool,
        typer.Option(
            "--govern",
            help="Apply the catalogue's masks and conditions on rows, and print the statement that shows no more, instead of refusing what is masked.",
        ),
    ] = False,
    claim: Annotated[
        list[str] | None,
        typer.Option(
            help="What is known about who asks, as NAME=VALUE, for conditions on rows. Several: a list."
        ),
    ] = None,
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl",
            help='Each line of standard input is {"id", "sql"}; for each, a line {"id", "decision", "code", "why"}, with --govern also "sql" and "keys".',
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say whether a statement may be run: it only reads, only what it may, and within bounds. Prints what would be executed, or what to change; exit code 1 where it is refused."""
    if jsonl and (statement is not None or as_json):
        output.fail("--jsonl reads lines from standard input, and always prints JSON.", code=2)
    if govern and catalog is None:
        output.fail("--govern needs the --catalog that says what is masked.", code=2)
    known = catalogue_from(catalog)
    judge = _judging(dialect, known, claims_from(claim or []) if govern else None)
    try:
        if jsonl:
            raise SystemExit(2 if _answer_lines(judge, written=govern) else 0)
        _answer(judge(sys.stdin.read() if statement is None else statement), as_json=as_json)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _judging(dialect: str, known: "Catalogue", claims: "Mapping[str, Claim] | None") -> "Callable[[str], Verdict]":  # fmt: skip
    """The guard for one dialect; with claims it governs. Ends with exit code 2 where there is no such dialect, a condition on rows is none, or the libraries are not installed."""
    try:
        from ostiary.guard.dialects import NAMES, dialect_of
        from ostiary.guard.governed import check, governed
        from ostiary.guard.guard import judge
        from ostiary.guard.relation import RowsError
    except ModuleNotFoundError:
        output.fail("The guard needs more libraries: pip install 'ostiary[ask]'.", code=2)
    try:
        dialect_of(dialect)
    except KeyError:
        output.fail(f"There is no dialect {output.printable(dialect)}: {', '.join(NAMES)}.", code=2)
    if claims is None:
        return partial(judge, dialect=dialect, catalogue=known)
    try:
        check(known, dialect)
    except RowsError as error:
        output.fail(f"A condition on rows cannot be applied: {error}.", code=2)
    return partial(governed, dialect=dialect, catalogue=known, claims=claims)


def claims_from(given: list[str]) -> "dict[str, Claim]":
    """A name that is given more than once is a list. Ends with exit code 2 where one is not NAME=VALUE."""
    found: dict[str, list[str]] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name or not equals:
            output.fail("--claim is NAME=VALUE.", code=2)
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def catalogue_from(file: Path | None) -> "Catalogue":
    """Ends with exit code 2 where the file is none."""
    from ostiary.guard.catalogue import EVERYTHING, Catalogue, CatalogueError

    if file is None:
        return EVERYTHING
    try:
        return Catalogue.of(json.loads(file.read_text("utf-8")))
    except OSError as error:
        output.fail(f"{output.printable(str(file))} cannot be read ({type(error).__name__}).", code=2)
    except (ValueError, RecursionError, CatalogueError) as error:
        said = str(error) if isinstance(error, CatalogueError) else "it is not JSON"
        output.fail(f"{output.printable(str(file))} is no catalogue: {said}.", code=2)


def _answer(said: "Verdict", *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({**_line(said), "sql": said.sql, "tables": said.tables, "keys": said.keys}) + "\n")  # fmt: skip
    elif said.allowed:
        sys.stdout.write(output.printable(said.sql) + "\n")
    else:
        sys.stderr.write(f"Refused ({said.code}): {output.printable(said.why)}\n")
    raise SystemExit(0 if said.allowed else 1)


def _answer_lines(judge: "Callable[[str], Verdict]", *, written: bool) -> int:
    """How many lines could not be read."""
    bad = 0
    for lines in arriving(sys.stdin.buffer):
        for _, raw in lines:
            asked = _asked(raw)
            sql = asked.get("sql")
            bad += not isinstance(sql, str)
            said = judge(sql) if isinstance(sql, str) else None
            answer = _line(said) if said else MALFORMED
            if said and written:
                answer = {**answer, "sql": said.sql, "keys": said.keys}
            sys.stdout.write(json.dumps({"id": asked.get("id"), **answer}) + "\n")
        sys.stdout.flush()
    return bad


def _asked(raw: bytes | None) -> dict[str, Any]:
    """{} where the line cannot be read."""
    try:
        asked = json.loads(raw or b"")
    except (ValueError, RecursionError):
        return {}
    return asked if isinstance(asked, dict) else {}


def _line(said: "Verdict") -> dict[str, Any]:
    return {"decision": "allow" if said.allowed else "refuse", "code": said.code, "why": said.why}
