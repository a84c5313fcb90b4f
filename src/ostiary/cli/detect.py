"""`ostiary detect`: find what is sensitive in texts, files or standard input. Offline: no gateway, no home, no network."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli import output

if TYPE_CHECKING:
    from ostiary.detection.rules import RuleSet

STDIN = Path("-")
JOBS_MAX = 64


def detect(
    texts: Annotated[
        list[str] | None, typer.Argument(help="Texts to look at. None, and no file: standard input.")
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Option("--file", "-f", help="A file to look at (- for standard input); any number of times."),
    ] = None,
    jsonl: Annotated[
        bool,
        typer.Option("--jsonl", help='Each line is {"id", "text"}; for each, a line {"id", "findings"}.'),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    categories: Annotated[
        str,
        typer.Option(help="Only these, separated by commas: categories (us_ssn) or families (national_id)."),
    ] = "",
    rules: Annotated[
        Path | None, typer.Option(help="A rule set (JSON), or rules of gitleaks (a file that ends in .toml).")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why: the detector, and whether a word close by decided.")
    ] = False,
    jobs: Annotated[
        int, typer.Option(help="How many processes look at long input.", min=1, max=JOBS_MAX)
    ] = 1,
) -> None:
    """Find what is sensitive: secrets, personal data, numbers of every country. Nothing leaves this machine, and no gateway is needed."""
    chosen = rules_from(categories, rules)
    if jsonl and (texts or as_json):
        output.fail("--jsonl reads lines from standard input or --file, and always prints JSON.", code=2)
    from ostiary.cli import detecting

    sources = _sources(texts or [], files or [])
    try:
        if jsonl:
            bad = detecting.answer_lines([path for path, _ in sources], chosen, explain=explain, jobs=jobs)
            raise SystemExit(2 if bad else 0)
        if as_json:
            detecting.print_json(sources, chosen, explain=explain, jobs=jobs)
        else:
            detecting.print_words(sources, chosen, explain=explain, jobs=jobs)
    except OSError as error:
        output.fail(f"{error.filename or 'The input'} cannot be read ({type(error).__name__}).", code=2)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _sources(texts: list[str], files: list[Path]) -> list[tuple[Path, str | None]]:
    """(its path or -, its text where it was an argument), in order."""
    for text in texts:
        if len(text) < 256 and "\n" not in text and Path(text).is_file():
            sys.stderr.write(
                f"Looking at the words {output.printable(text)!r}; for the file of that name: -f\n"
            )
    given: list[tuple[Path, str | None]] = [(STDIN, text) for text in texts]
    given += [(path, None) for path in files]
    return given or [(STDIN, None)]


def rules_from(categories: str, file: Path | None) -> "RuleSet":
    """The rule set of a file, narrowed to the categories. Ends with exit code 2 where either is wrong."""
    from dataclasses import replace

    from ostiary.detection.rules import DEFAULT, BadRules

    try:
        chosen = _from_file(file) if file is not None else DEFAULT
        names = frozenset(name.strip() for name in categories.split(",") if name.strip())
        return replace(chosen, categories=names) if names else chosen
    except BadRules as error:
        output.fail(f"The rules cannot be used: {error}.", code=2)


def _from_file(file: Path) -> "RuleSet":
    import json

    from ostiary.detection.gitleaks import FILE_CHARACTERS_MAX, BadGitleaks, read
    from ostiary.detection.rules import DEFAULT, BadRules, RuleSet

    text = output.text_from(file, characters_max=FILE_CHARACTERS_MAX)
    if file.suffix.lower() == ".toml":
        try:
            imported = read(text)
        except BadGitleaks as error:
            output.fail(f"{file}: {error}", code=2)
        for each in imported.skipped:
            sys.stderr.write(
                f"Not taken over: {output.printable(each.rule)}: {output.printable(each.reason)}\n"
            )
        return imported.into(DEFAULT)
    try:
        given = json.loads(text)
    except ValueError as error:
        raise BadRules(f"{file} is not JSON") from error
    if not isinstance(given, dict):
        raise BadRules(f"{file} holds no object")
    return RuleSet.from_dict(given)
