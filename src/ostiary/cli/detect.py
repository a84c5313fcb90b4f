"""`ostiary detect`: find what is sensitive in texts, files or standard input. Offline: no gateway, no home, no network."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli import output

if TYPE_CHECKING:
    from ostiary.cli.detecting import Tier
    from ostiary.detection.finding import Finding
    from ostiary.detection.provider import Asking, Provider
    from ostiary.detection.rules import RuleSet

STDIN = Path("-")
JOBS_MAX = 64
PARAGRAPHS_MAX = 10_000
"""Of one piece; what it may cost is bounded by OSTIARY_DETECT_MODEL_REQUESTS_PER_HOUR."""


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
    provider: Annotated[
        bool,
        typer.Option(
            "--provider",
            help="Ask the model provider of OSTIARY_DETECT_MODEL_URL too: texts go there, with what was found here hidden.",
        ),
    ] = False,
) -> None:
    """Find what is sensitive: secrets, personal data, numbers of every country. Without --provider nothing leaves this machine, and no gateway is needed."""
    chosen, asking = chosen_from(categories, rules, provider=provider)
    if jsonl and (texts or as_json):
        output.fail("--jsonl reads lines from standard input or --file, and always prints JSON.", code=2)
    from ostiary.cli import detecting
    from ostiary.detection.provider import ProviderAway

    sources = _sources(texts or [], files or [])
    tier = _tier(asking) if asking is not None else None
    try:
        if jsonl:
            bad = detecting.answer_lines([path for path, _ in sources], chosen, tier, explain=explain, jobs=jobs)  # fmt: skip
            raise SystemExit(2 if bad else 0)
        if as_json:
            detecting.print_json(sources, chosen, tier, explain=explain, jobs=jobs)
        else:
            detecting.print_words(sources, chosen, tier, explain=explain, jobs=jobs)
    except ProviderAway as error:
        output.fail(f"{error} Nothing more was looked at.", code=2)
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


def _tier(asking: "Asking") -> "Tier":
    """The model provider, as what joins the findings of a batch. Ends with exit code 2 where none is set up."""
    from ostiary.detection.provider import ProviderAway

    found = provider_here()
    if found is None:
        output.fail("No model provider is set up: OSTIARY_DETECT_MODEL_URL and OSTIARY_DETECT_MODEL.", code=2)

    def join(batch: list[str], own: "list[list[Finding]]", rules: "RuleSet") -> "list[list[Finding]]":
        try:
            more = found.look(batch, own, rules, asking)
        except ProviderAway as away:
            if asking.required:
                raise
            sys.stderr.write(f"{away} The rule set says that one goes on without.\n")
            return own
        return [sorted([*first, *second], key=lambda each: each.start) for first, second in zip(own, more, strict=True)]  # fmt: skip

    return join


def provider_here() -> "Provider | None":
    """The model provider of the environment; None where none is set up. Ends with exit code 2 where a setting is wrong."""
    import os

    from ostiary import config
    from ostiary.clock import SystemClock
    from ostiary.errors import ConfigurationError
    from ostiary.privacy.provider import provider_of

    try:
        settings = config.load(os.environ, offline=True)
    except ConfigurationError as error:
        output.fail(str(error), code=2)
    return provider_of(settings, SystemClock(), paragraphs_max=PARAGRAPHS_MAX)


def rules_from(categories: str, file: Path | None) -> "RuleSet":
    """The rule set of a file, narrowed to the categories. Ends with exit code 2 where either is wrong, or it requires a model provider."""
    return chosen_from(categories, file, provider=False)[0]


def chosen_from(categories: str, file: Path | None, *, provider: bool) -> "tuple[RuleSet, Asking | None]":
    """`rules_from`, and what a model provider is asked, if one is."""
    from dataclasses import replace

    from ostiary.detection.provider import Asking
    from ostiary.detection.rules import DEFAULT, BadRules

    try:
        chosen, asking = _from_file(file) if file is not None else (DEFAULT, None)
        if not provider and asking is not None and asking.required:
            raise BadRules("this rule set requires a model provider, which `ostiary detect --provider` asks")
        names = frozenset(name.strip() for name in categories.split(",") if name.strip())
        chosen = replace(chosen, categories=names) if names else chosen
        return chosen, (asking or Asking()) if provider else None
    except BadRules as error:
        output.fail(f"The rules cannot be used: {error}.", code=2)


def _from_file(file: Path) -> "tuple[RuleSet, Asking | None]":
    import json

    from ostiary.detection.gitleaks import FILE_CHARACTERS_MAX, BadGitleaks, read
    from ostiary.detection.provider import asking_of
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
        return imported.into(DEFAULT), None
    try:
        given = json.loads(text)
    except ValueError as error:
        raise BadRules(f"{file} is not JSON") from error
    if not isinstance(given, dict):
        raise BadRules(f"{file} holds no object")
    asking = asking_of(given.pop("provider", ""), given.pop("described", []))
    return RuleSet.from_dict(given), asking
