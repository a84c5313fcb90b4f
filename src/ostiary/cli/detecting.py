"""The work behind `ostiary detect`: reads in bounded memory, looks at pieces in one process or several, and prints as it goes."""

import json
import re
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, BinaryIO

from ostiary.cli import lines, output
from ostiary.detection.categories import family_of
from ostiary.detection.engine import detect
from ostiary.detection.finding import Finding
from ostiary.detection.pieces import Piece, of_the_whole, pieces
from ostiary.detection.rules import RuleSet

READ_CHARACTERS = 64 * 1024
BATCH_LINES = 64
BATCH_CHARACTERS = 512 * 1024
AHEAD = 2
"""Batches that wait for each process: enough that none is idle, few enough that they are not all in memory."""
BAR_BYTES_MIN = 4 << 20
SHOWN_CHARACTERS = 48
_SURROGATES = re.compile("[\ud800-\udfff]")

Source = tuple[Path, str | None]
Tier = Callable[[list[str], list[list[Finding]], RuleSet], list[list[Finding]]]
"""(texts, their findings, rules) -> their findings with those of another tier. Raises ProviderAway."""
Look = Callable[[Iterable[list[str]]], Iterator[list[list[Finding]]]]
"""Batches of texts -> the findings of each, lazily and in order."""


# One process or several.


@contextmanager
def looking(rules: RuleSet, jobs: int, tier: Tier | None = None) -> Iterator[Look]:
    """Gives a function that looks at batches, lazily and in their order. `tier`: what joins it, in this process."""
    with _looking(rules, jobs) as look:
        yield look if tier is None else partial(_joined, look, tier, rules)


def _joined(
    look: Look, tier: Tier, rules: RuleSet, batches: Iterable[list[str]]
) -> Iterator[list[list[Finding]]]:
    held: deque[list[str]] = deque()

    def passed() -> Iterator[list[str]]:
        for batch in batches:
            held.append(batch)
            yield batch

    for found in look(passed()):
        yield tier(held.popleft(), found, rules)


@contextmanager
def _looking(rules: RuleSet, jobs: int) -> Iterator[Look]:
    if jobs == 1:
        yield lambda batches: (detect(batch, rules) for batch in batches)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield partial(_ahead, pool, rules, jobs * AHEAD)


def _ahead(
    pool: Executor, rules: RuleSet, waiting_max: int, batches: Iterable[list[str]]
) -> Iterator[list[list[Finding]]]:
    waiting: deque[Any] = deque()
    for batch in batches:
        waiting.append(pool.submit(detect, batch, rules))
        if len(waiting) >= waiting_max:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


# Texts and files.


def each_piece(
    sources: list[Source], rules: RuleSet, jobs: int, tier: Tier | None = None
) -> Iterator[tuple[int, Piece, list[Finding]]]:
    """(number of the source, piece, findings of its stretch in code points of the source), in order. Raises OSError, ProviderAway."""
    with looking(rules, jobs, tier) as look:
        for number, (path, text) in enumerate(sources):
            with _opened(path, text) as chunks:
                for piece, findings in of_the_whole(_seen(look, pieces(chunks))):
                    yield number, piece, findings


def _seen(look: Look, made: Iterator[Piece]) -> Iterator[tuple[Piece, list[Finding]]]:
    """Each piece with what was found in it; only those that are being looked at are held."""
    held: deque[Piece] = deque()

    def texts() -> Iterator[list[str]]:
        for piece in made:
            held.append(piece)
            yield [piece.text]

    for (findings,) in look(texts()):
        yield held.popleft(), findings


@contextmanager
def _opened(path: Path, text: str | None) -> Iterator[Iterator[str]]:
    """The source's characters, line ends as they are; bytes that are no UTF-8 count as one character each. A bar for a long file on a terminal."""
    if text is not None:
        yield iter([_SURROGATES.sub("\ufffd", text)])
        return
    if str(path) == "-":
        sys.stdin.reconfigure(encoding="utf-8", errors="replace", newline="")  # type: ignore[union-attr]
        yield iter(partial(sys.stdin.read, READ_CHARACTERS), "")
        return
    with path.open(encoding="utf-8", errors="replace", newline="") as file, _bar(path) as advance:

        def chunks() -> Iterator[str]:
            while chunk := file.read(READ_CHARACTERS):
                advance(len(chunk))
                yield chunk

        yield chunks()


@contextmanager
def _bar(path: Path) -> Iterator[Callable[[int], None]]:
    size = path.stat().st_size
    if size < BAR_BYTES_MIN or not sys.stderr.isatty():
        yield lambda _count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(output.printable(path.name), total=size)
        yield lambda count: progress.advance(task, count)


# What is printed.


def as_row(finding: Finding, *, explain: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "start": finding.start,
        "end": finding.end,
        "category": finding.category,
        "score": finding.score,
    }
    return {**row, "why": finding.why} if explain else row


def print_json(
    sources: list[Source], rules: RuleSet, tier: Tier | None = None, *, explain: bool, jobs: int
) -> None:
    """One object for each text or file: its name (null for an argument), and its findings."""
    answer: list[dict[str, Any]] = [
        {"source": None if text is not None else str(path), "findings": []} for path, text in sources
    ]
    for number, _, findings in each_piece(sources, rules, jobs, tier):
        answer[number]["findings"] += [as_row(finding, explain=explain) for finding in findings]
    output.as_json(answer)


def print_words(
    sources: list[Source], rules: RuleSet, tier: Tier | None = None, *, explain: bool, jobs: int
) -> None:
    """A line for each finding, and how many of each category there are."""
    from rich.console import Console
    from rich.text import Text

    console = Console(soft_wrap=True, highlight=False)
    counts: Counter[str] = Counter()
    current, line, line_start = -1, 1, 0
    for number, piece, findings in each_piece(sources, rules, jobs, tier):
        if number != current:
            current, line, line_start = number, 1, 0
            if len(sources) > 1:
                console.print(Text(_name(sources[number], number), style="bold"))
        at = piece.start
        for finding in findings:
            passed = piece.text[at - piece.offset : finding.start - piece.offset]
            line += passed.count("\n")
            if "\n" in passed:
                line_start = at + passed.rindex("\n") + 1
            at = finding.start
            counts[finding.category] += 1
            value = piece.text[finding.start - piece.offset : finding.end - piece.offset]
            console.print(_line(f"{line}:{finding.start - line_start + 1}", finding, value, explain=explain))
        rest = piece.text[at - piece.offset : piece.end - piece.offset]
        line += rest.count("\n")
        if "\n" in rest:
            line_start = at + rest.rindex("\n") + 1
    console.print(_summary(counts))


def _name(source: Source, number: int) -> str:
    path, text = source
    return f"text {number + 1}" if text is not None else output.printable(str(path))


COLOURS = {"api_key": "red", "private_key": "red", "password": "red", "card": "magenta", "iban": "magenta", "national_id": "yellow", "person": "cyan"}  # fmt: skip


def _line(place: str, finding: Finding, value: str, *, explain: bool) -> Any:
    from rich.text import Text

    shown = output.printable(value)
    if len(shown) > SHOWN_CHARACTERS:
        shown = shown[: SHOWN_CHARACTERS - 1] + "…"
    colour = COLOURS.get(family_of(finding.category), "green")
    text = Text.assemble(
        (f"{place:>9}  ", "dim"), (f"{finding.category:<24}", colour), f" {finding.score:.2f}  ", shown
    )
    return text.append(f"  ({finding.why})", "dim") if explain else text


def _summary(counts: Counter[str]) -> Any:
    from rich.text import Text

    total = counts.total()
    if not total:
        return Text("Nothing found.", "green")
    named = ", ".join(f"{count} {category}" for category, count in counts.most_common())
    return Text(f"{total} {'finding' if total == 1 else 'findings'}: {named}.", "bold")


# Lines of JSON.


def answer_lines(
    paths: list[Path], rules: RuleSet, tier: Tier | None = None, *, explain: bool, jobs: int
) -> int:
    """Answer every line that can be read, in order; the others are named on standard error. Gives how many those were. Raises OSError."""
    bad = 0

    def complain(number: int, why: str) -> None:
        nonlocal bad
        bad += 1
        sys.stderr.write(f"line {number}: {why}\n")

    with looking(rules, jobs, tier) as look:
        for path in paths:
            with _bytes_of(path) as file:
                ids: deque[list[Any]] = deque()
                read = _batches(_lines(file, complain), ids)
                for found in look(read):
                    for name, findings in zip(ids.popleft(), found, strict=True):
                        row = {"id": name, "findings": [as_row(each, explain=explain) for each in findings]}
                        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
                    sys.stdout.flush()
    return bad


@contextmanager
def _bytes_of(path: Path) -> Iterator[BinaryIO]:
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    with path.open("rb") as file:
        yield file


def _lines(file: BinaryIO, complain: Callable[[int, str], None]) -> Iterator[list[tuple[Any, str]]]:
    """(id, text) of the good lines, as many at a time as have arrived: whoever writes a line and waits for its answer gets it."""
    for arrived in lines.arriving(file):
        if good := [row for number, raw in arrived if (row := _row(raw, number, complain))]:
            yield good


def _row(raw: bytes | None, number: int, complain: Callable[[int, str], None]) -> tuple[Any, str] | None:
    if raw is None:
        complain(number, f"longer than {lines.LINE_BYTES_MAX >> 20} MiB")
        return None
    try:
        row = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        complain(number, "not JSON in UTF-8")
        return None
    text = row.get("text") if isinstance(row, dict) else None
    if not isinstance(text, str):
        complain(number, 'not an object with "text", a string')
        return None
    return row.get("id"), _SURROGATES.sub("\ufffd", text)


def _batches(arrivals: Iterator[list[tuple[Any, str]]], ids: deque[list[Any]]) -> Iterator[list[str]]:
    """Texts in batches of bounded size; their ids go to `ids`."""
    for rows in arrivals:
        start = size = 0
        for at, (_, text) in enumerate(rows):
            size += len(text)
            if at - start + 1 >= BATCH_LINES or size >= BATCH_CHARACTERS or at + 1 == len(rows):
                ids.append([name for name, _ in rows[start : at + 1]])
                yield [text for _, text in rows[start : at + 1]]
                start, size = at + 1, 0
