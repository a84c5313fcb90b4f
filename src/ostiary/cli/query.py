"""`ostiary query` and `ostiary sources`: a governed statement run on a database or on files, directly. No gateway, no home; nothing of an answer is kept."""

import csv
import hashlib
import hmac
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from ostiary.cli import at_gateway, output
from ostiary.cli.guard import catalogue_from, claims_from
from ostiary.engines.libraries import MISSING
from ostiary.engines.values import plain, told_apart

if TYPE_CHECKING:
    from ostiary.engines.engine import Answer, Engine
    from ostiary.guard.catalogue import Catalogue, Table
    from ostiary.guard.verdict import Verdict

KEY_BYTES_MIN = 32
FORMATS = ("table", "csv", "ndjson")
Source = Annotated[
    str,
    typer.Argument(
        help="postgresql://user@host/database, mysql://user@host/database, a SQLite or DuckDB file, a CSV, Parquet or JSON file, or a folder of those. The name of a source of the running gateway, where there is no file of that name."
    ),
]
Direct = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="postgresql://user@host/database, mysql://user@host/database, a SQLite or DuckDB file, a CSV, Parquet or JSON file, or a folder of those.",
    ),
]
Purpose = Annotated[str, typer.Option(help="Of a source of the gateway: what the answer is for.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(help="Holds the password; -: standard input. None: what the driver finds by itself."),
]
Catalog = Annotated[
    Path | None,
    typer.Option(
        help="What may be read, with masks and conditions on rows (JSON, as of `ostiary guard`). Without it every table."
    ),
]
Claims = Annotated[
    list[str] | None, typer.Option(help="What is known about who asks, as NAME=VALUE. Several: a list.")
]
KeyFile = Annotated[
    Path | None, typer.Option(help="The secret behind the masks hash and token: 32 bytes or more.")
]
RowsMost = Annotated[int, typer.Option(help="The answer ends after so many rows, and says so.", min=1)]
Seconds = Annotated[float, typer.Option(help="Seconds.", min=0.1)]
AcceptWriter = Annotated[
    bool, typer.Option("--accept-writer", help="Go on where the credential may do more than read.")
]
sources = typer.Typer(no_args_is_help=True, help="Databases and files, before they are asked.")


def query(
    source: Source,
    statement: Annotated[str, typer.Argument(help="One SELECT. -: standard input.")],
    catalog: Catalog = None,
    claim: Claims = None,
    key_file: KeyFile = None,
    password_file: PasswordFile = None,
    form: Annotated[str, typer.Option("--format", help="table, csv or ndjson.")] = "table",
    rows: RowsMost = 1_000,
    timeout: Seconds = 30.0,
    max_cost: Annotated[
        float,
        typer.Option(
            help="Refuse what the database (PostgreSQL, MariaDB, MySQL) estimates to cost more. 0: run it.",
            min=0,
        ),
    ] = 0.0,
    accept_writer: AcceptWriter = False,
    purpose: Purpose = "",
    show_sql: Annotated[
        bool, typer.Option("--show-sql", help="Print the statement that is run, to standard error.")
    ] = False,
) -> None:
    """Ask a database or files: one statement that only reads, as whoever asks may see the data. Exit code 1 where it is refused."""
    if form not in FORMATS:
        output.fail(f"--format is one of {', '.join(FORMATS)}.", code=2)
    sql = sys.stdin.read() if statement == "-" else statement
    if at_gateway.is_there(source):
        at_gateway.only_here(catalog=catalog, claim=claim, key_file=key_file, password_file=password_file, max_cost=max_cost, accept_writer=accept_writer)  # fmt: skip
        found = at_gateway.statement(source, sql, purpose, rows)
        if show_sql:
            sys.stderr.write(output.printable(found["sql"]) + "\n")
        printed(at_gateway.answer(found), form)
        return
    with opened(source, password_file, timeout=timeout, rows=rows, cost=max_cost) as engine:
        check_reader(engine, accepted=accept_writer)
        known = catalogue(engine, catalog)
        verdict = allowed(engine, sql, known, claim)
        if show_sql:
            sys.stderr.write(output.printable(verdict.sql) + "\n")
        printed(engine.run(verdict, keys_of(verdict, key_file)), form)


@sources.command()
def tables(source: Direct, password_file: PasswordFile = None, as_json: Annotated[bool, typer.Option("--json", help="Print a catalogue (JSON) to put masks into.")] = False) -> None:  # fmt: skip
    """List tables and columns, from the catalogue alone: no row is read."""
    with opened(source, password_file) as engine:
        found = engine.index()
    if as_json:
        sys.stdout.write(
            json.dumps({"tables": [_as_json(table) for table in found]}, indent=1, ensure_ascii=False) + "\n"
        )
        return
    shown = [
        {"table": f"{table.schema}.{table.name}", "column": column.name, "type": column.type, "key": "key" if column.name in table.key else ""}
        for table in found
        for column in table.columns
    ]  # fmt: skip
    output.table(shown, ["table", "column", "type", "key"])


@sources.command()
def check(source: Direct, password_file: PasswordFile = None) -> None:
    """Say what the credential may do besides reading. Exit code 1 where that is anything."""
    with opened(source, password_file) as engine:
        check_reader(engine, accepted=False)
    sys.stdout.write("The credential may only read.\n")


@sources.command()
def grants(
    source: Direct,
    role: Annotated[str, typer.Option(help="What the role is to be called.")] = "ostiary_reader",
    catalog: Catalog = None,
    password_file: PasswordFile = None,
) -> None:
    """Print the SQL for a role that may only read: the tables and columns of the catalogue, or all."""
    from ostiary.engines.grants import grants as written

    with opened(source, password_file) as engine:
        known = catalogue(engine, catalog)
        each = {id(table): table for found in known.tables.values() for table in found}.values()
        try:
            statements = written(engine.dialect, role, each, urlsplit(source).path.strip("/"))
        except ValueError as error:
            output.fail(f"There is nothing to grant: {error}.", code=2)
    sys.stdout.write("\n".join(statements) + "\n")


@contextmanager
def opened(
    source: str, password_file: Path | None, *, timeout: float = 30.0, rows: int = 10_000, cost: float = 0.0
) -> "Iterator[Engine]":
    """Ends with exit code 1 where the database does not do what it is asked, and with 2 where libraries are missing."""
    try:
        from ostiary.engines.engine import EngineError, Limits
        from ostiary.engines.opening import opened as opening
    except ModuleNotFoundError:
        output.fail(MISSING, code=2)
    password = output.secret_from(password_file, "password") if password_file else None
    try:
        engine = opening(source, password, Limits(seconds=timeout, rows=rows, cost=cost))
    except EngineError as error:
        output.fail(error.why)
    try:
        yield engine
    except EngineError as error:
        output.fail(f"{error.why} ({error.code})")
    except KeyboardInterrupt:
        engine.stop()
        raise SystemExit(130) from None
    finally:
        engine.close()


def allowed(engine: "Engine", statement: str, known: "Catalogue", claim: list[str] | None) -> "Verdict":
    """The statement as it may be run. Ends with exit code 1 where it may not."""
    from ostiary.guard.governed import governed

    verdict = governed(statement, engine.dialect, known, claims_from(claim or []))
    if not verdict.allowed:
        sys.stderr.write(f"Refused ({verdict.code}): {output.printable(verdict.why)}\n")
        raise SystemExit(1)
    return verdict


def check_reader(engine: "Engine", *, accepted: bool) -> None:
    more = engine.beyond_reading()
    if more and not accepted:
        listed = "".join(f"\n  {output.printable(each)}" for each in more[:20])
        listed += f"\n  and {len(more) - 20} more" if len(more) > 20 else ""
        output.fail(
            f"The credential may do more than read, so that one fault would be enough to write:{listed}\n`ostiary sources grants` prints the SQL for a role that cannot; --accept-writer goes on nevertheless."
        )


def catalogue(engine: "Engine", file: Path | None) -> "Catalogue":
    """Everything that is there, or what the file names of it."""
    from ostiary.guard.catalogue import Catalogue, CatalogueError

    try:
        there = engine.index()
        if file is None:
            return Catalogue.holding(there)
        known, missing = catalogue_from(file).fitted(there)
    except CatalogueError as error:
        output.fail(f"The catalogue cannot be used: {error}.", code=2)
    if missing:
        sys.stderr.write(f"Not in the database, and left out: {output.printable(', '.join(missing[:20]))}\n")
    return known


def keys_of(verdict: "Verdict", file: Path | None) -> Callable[[str], str]:
    """Each key is HMAC-SHA256 of its name by the secret. Ends with exit code 2 where one is needed and there is no secret."""
    if not verdict.keys:
        return lambda _: ""
    if file is None:
        output.fail("hash and token need --key-file.", code=2)
    try:
        secret = file.read_bytes().strip()
    except OSError as error:
        output.fail(f"The key file cannot be read ({type(error).__name__}).", code=2)
    if len(secret) < KEY_BYTES_MIN:
        output.fail(f"The key file holds at least {KEY_BYTES_MIN} bytes.", code=2)
    return lambda name: hmac.new(secret, name.encode(), hashlib.sha256).hexdigest()


def printed(answer: "Answer | at_gateway.Answer", form: str) -> None:
    if form == "table":
        _print_table(answer)
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(answer.columns)
        for batch in answer.batches():
            writer.writerows([["" if value is None else plain(value) for value in row] for row in batch])
    else:
        names = told_apart(answer.columns)
        for batch in answer.batches():
            for row in batch:
                line = dict(zip(names, map(plain, row), strict=True))
                sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    if answer.truncated:
        sys.stderr.write("Truncated: there are more rows. Ask for less, or raise --rows.\n")


def _print_table(answer: "Answer | at_gateway.Answer") -> None:
    names = told_apart(answer.columns)
    shown = [dict(zip(names, map(plain, row), strict=True)) for batch in answer.batches() for row in batch]
    output.table(shown, names)


def _as_json(table: "Table") -> dict[str, Any]:
    columns = [{"name": column.name, "type": column.type} for column in table.columns]
    return {"schema": table.schema, "name": table.name, "key": list(table.key), "columns": columns}
