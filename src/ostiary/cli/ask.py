"""`ostiary ask` and `ostiary semantics`: a question in words, made into SQL by what tables mean, without a model of language. What is not sure is asked back."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ostiary.cli import at_gateway, output
from ostiary.cli.query import (
    FORMATS,
    AcceptWriter,
    Catalog,
    Claims,
    Direct,
    KeyFile,
    PasswordFile,
    Purpose,
    RowsMost,
    Seconds,
    Source,
    allowed,
    catalogue,
    check_reader,
    keys_of,
    opened,
    printed,
)
from ostiary.clock import SystemClock, day_of
from ostiary.engines.libraries import MISSING
from ostiary.engines.values import plain, told_apart

if TYPE_CHECKING:
    from ostiary.engines.engine import Answer
    from ostiary.guard.catalogue import Catalogue
    from ostiary.semantics.asking import Answered
    from ostiary.semantics.model import Model

BARS_MAX = 40
_BY = {"words": "Understood as", "verified": "A question that somebody verified", "provider": "The model provider understood it, which may be wrong"}  # fmt: skip
BAR_SIGNS = 30
BLOCKS = " ▏▎▍▌▋▊▉█"
ModelFile = Annotated[
    Path | None,
    typer.Option(
        "--model",
        help="What the tables mean: YAML of Apache Ossie, or dbt's semantic models and metrics. Without it, what their names say.",
    ),
]
semantics = typer.Typer(no_args_is_help=True, help="What tables mean: datasets, metrics and their words.")


def ask(
    source: Source,
    question: Annotated[
        str, typer.Argument(help='Such as "revenue by region last 6 months", or "top 5 customers by orders".')
    ],
    model: ModelFile = None,
    catalog: Catalog = None,
    claim: Claims = None,
    key_file: KeyFile = None,
    password_file: PasswordFile = None,
    form: Annotated[str, typer.Option("--format", help="table (with bars), csv or ndjson.")] = "table",
    rows: RowsMost = 1_000,
    timeout: Seconds = 30.0,
    accept_writer: AcceptWriter = False,
    purpose: Purpose = "",
    after: Annotated[
        list[str] | None,
        typer.Option(help="A question that this one goes on from. Several: the oldest first."),
    ] = None,
    only_sql: Annotated[
        bool, typer.Option("--sql", help="Print the statement and end: nothing is run.")
    ] = False,
) -> None:
    """Ask a database or files in words. What was understood, and the SQL, stand on standard error. Exit code 1 where it is refused, 3 where it is asked back."""
    if form not in FORMATS:
        output.fail(f"--format is one of {', '.join(FORMATS)}.", code=2)
    if at_gateway.is_there(source):
        at_gateway.only_here(model=model, catalog=catalog, claim=claim, key_file=key_file, password_file=password_file, accept_writer=accept_writer)  # fmt: skip
        _there(at_gateway.question(source, question, after or (), purpose, rows, run=not only_sql), form, only_sql)  # fmt: skip
        return
    with opened(source, password_file, timeout=timeout, rows=rows) as engine:
        known = catalogue(engine, catalog)
        meant = _model(model, known, Path(source).stem)
        statement = _statement([*(after or ()), question], meant, engine.dialect)
        if only_sql:
            sys.stdout.write(statement + "\n")
            return
        check_reader(engine, accepted=accept_writer)
        verdict = allowed(engine, statement, known, claim)
        answer = engine.run(verdict, keys_of(verdict, key_file))
        if form == "table":
            _drawn(answer)
        else:
            printed(answer, form)


def _there(found: dict[str, Any], form: str, only_sql: bool) -> None:
    if not found["statement"]:
        _back(found["asked_back"], found["choices"])
    sys.stderr.write(f"{_BY[found['by']]}: {output.printable(found['understood'])}\n")
    if only_sql:
        sys.stdout.write(found["statement"] + "\n")
        return
    sys.stderr.write(f"SQL: {output.printable(found['statement'])}\n")
    answer = at_gateway.answer(found)
    sys.stderr.write("\n")
    _drawn(answer) if form == "table" else printed(answer, form)


@semantics.command()
def draft(source: Direct, password_file: PasswordFile = None) -> None:
    """Print a first model (YAML) from the catalogue alone, to put metrics and words into."""
    from ostiary.semantics import ossie

    with opened(source, password_file) as engine:
        known = catalogue(engine, None)
        sys.stdout.write(ossie.write(_model(None, known, Path(source).stem)))


@semantics.command()
def convert(file: Annotated[Path, typer.Argument(help="YAML of dbt, or of Apache Ossie.")]) -> None:
    """Print a model as YAML of Apache Ossie; what of dbt's cannot be said there is named on standard error."""
    from ostiary.semantics import ossie

    sys.stdout.write(ossie.write(_read(file)))


@semantics.command("check")
def check_model(
    file: Annotated[Path, typer.Argument(help="YAML of Apache Ossie, or of dbt.")],
    dialect: Annotated[str, typer.Option(help="postgresql, mysql, sqlite or duckdb.")] = "postgresql",
) -> None:
    """Say what is wrong with a model. Exit code 1 where anything is."""
    try:
        from ostiary.semantics.sql import SQLGLOT, check
    except ModuleNotFoundError:
        output.fail(MISSING, code=2)
    if dialect not in SQLGLOT:
        output.fail(f"--dialect is one of {', '.join(SQLGLOT)}.", code=2)
    meant = _read(file)
    wrong = check(meant, dialect, _today())
    for each in wrong:
        sys.stdout.write(output.printable(each) + "\n")
    if wrong:
        raise SystemExit(1)
    sys.stdout.write(
        f"In order: {len(meant.datasets)} datasets, {len(meant.relationships)} relationships, {len(meant.metrics)} metrics.\n"
    )


def _today() -> date:
    return day_of(SystemClock().now_us())


def _model(file: Path | None, known: "Catalogue", name: str) -> "Model":
    if file is not None:
        return _read(file)
    from ostiary.semantics.draft import drafted

    tables = {id(table): table for found in known.tables.values() for table in found}.values()
    return drafted(name, tables)


def _read(file: Path) -> "Model":
    from ostiary.semantics import dbt, ossie
    from ostiary.semantics.model import ModelError

    try:
        given = ossie.parsed(file.read_text())
        if not dbt.speaks(given):
            return ossie.from_data(given)
        found, left = dbt.from_data(given)
        if left:
            sys.stderr.write(
                f"Left out, since it would count otherwise: {output.printable(', '.join(left))}\n"
            )
        return found
    except (OSError, UnicodeDecodeError) as error:
        output.fail(f"The model cannot be read ({type(error).__name__}).", code=2)
    except ModelError as error:
        listed = "".join(f"\n  {output.printable(place or '(all)')}: {output.printable(said)}" for place, said in error.faults[:20])  # fmt: skip
        output.fail(f"The model is not in order:{listed}", code=2)


def _statement(questions: Sequence[str], model: "Model", dialect: str) -> str:
    """Of the last question, which goes on from those before. Ends with exit code 3 where something is asked back."""
    from ostiary.semantics import asking, sql
    from ostiary.semantics.found import Unsure
    from ostiary.semantics.lexicon import Lexicon
    from ostiary.semantics.model import ModelError

    words, plan = Lexicon(model), None
    for each in questions:
        found = asking.asked(each, words, plan)
        if isinstance(found, Unsure):
            _back(found.why, found.choices)
        if isinstance(found, asking.Understood):
            plan, said = found.plan, found.said
        elif each is questions[-1]:
            return _verified(found, dialect)
    if plan is None:
        _back("What does this go on from?", ())
    try:
        statement = sql.Writer(model, dialect).write(plan, _today())
    except sql.Untold as error:
        _back(str(error), ())
    except ModelError as error:
        output.fail(f"The model is not in order: {output.printable(str(error))}", code=2)
    sys.stderr.write(f"Understood as: {output.printable(said)}\nSQL: {output.printable(statement)}\n\n")
    return statement


def _verified(found: "Answered", dialect: str) -> str:
    from ostiary.semantics import sql
    from ostiary.semantics.model import ModelError

    sys.stderr.write(f"A question that somebody verified: {output.printable(found.verified.question)}\n")
    try:
        return sql.filled(found.verified.statement, found.values, dialect)
    except ModelError as error:
        output.fail(output.printable(str(error)), code=2)


def _back(why: str, choices: Sequence[str]) -> NoReturn:
    sys.stderr.write(output.printable(why) + "\n")
    for each in choices:
        sys.stderr.write(f"  {output.printable(each)}\n")
    raise SystemExit(3)


def _drawn(answer: "Answer | at_gateway.Answer") -> None:
    """A table; with bars where there is one number to each of a few rows."""
    names = told_apart(answer.columns)
    rows = [list(map(plain, row)) for batch in answer.batches() for row in batch]
    shown: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in rows]
    numbers = [_number(row[-1]) for row in rows]
    drawn = 1 < len(rows) <= BARS_MAX and len(names) > 1 and all(each is not None and each >= 0 for each in numbers)  # fmt: skip
    if drawn:
        most = max(each or 0 for each in numbers) or 1
        for line, value in zip(shown, numbers, strict=True):
            line[" "] = _bar((value or 0) / most)
    output.table(shown, [*names, " "] if drawn else names)
    if answer.truncated:
        sys.stderr.write("Truncated: there are more rows. Ask for less, or raise --rows.\n")


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    with suppress(TypeError, ValueError):
        return float(value)
    return None


def _bar(part: float) -> str:
    eighths = round(part * BAR_SIGNS * 8)
    return "█" * (eighths // 8) + BLOCKS[eighths % 8].strip()
