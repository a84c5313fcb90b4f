"""The work behind `ostiary scan`: opens the place and the state, scans with progress, writes the reports, and says what was found."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import ostiary
from ostiary.cli import output
from ostiary.clock import SECOND_US, SystemClock, rfc3339
from ostiary.detection.rules import RuleSet
from ostiary.scanning import bucket, postgresql
from ostiary.scanning.columns import Columns
from ostiary.scanning.folder import Folder
from ostiary.scanning.look import Limits, Looked
from ostiary.scanning.lookers import Cluster, ClusterUnusable, Here, Looker, Processes
from ostiary.scanning.place import STATES, Place, PlaceUnreadable, excluded
from ostiary.scanning.report import FORMS, About, data, report, shown
from ostiary.scanning.run import Scanned, Setup, scan
from ostiary.scanning.sqlite import SqliteFile
from ostiary.scanning.state import State, StateUnusable, print_of

if TYPE_CHECKING:
    from rich.console import Console

CANNOT, IN_PART, STOPPED = 2, 3, 130
"""Exit codes: nothing was scanned; the place could be listed only in part; stopped by Ctrl-C."""
STATE_FILE = Path("ostiary") / "scan.db"
TOP_SHOWN = 8
_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for at the command line."""

    place: str
    rules: RuleSet
    reports: tuple[Path, ...]
    exclude: tuple[str, ...]
    hidden: bool
    histories: bool
    schema: str
    views: bool
    full: bool
    since: str
    state: Path | None
    workers: int
    cluster: str
    bytes_max: int
    text_bytes_max: int
    pictures: bool
    names: bool
    exposure: float
    plain_http: bool
    as_json: bool


def run(wanted: Wanted) -> int:
    """The exit code. What cannot be done is said on standard error."""
    for each in wanted.reports:
        if each.suffix.removeprefix(".").lower() not in FORMS:
            output.fail(f"{each}: a report ends in .html, .json or .csv.", code=CANNOT)
        if not each.absolute().parent.is_dir():
            output.fail(f"{each}: there is no such folder.", code=CANNOT)
    clock = SystemClock()
    limits = Limits(wanted.bytes_max, wanted.text_bytes_max, pictures=wanted.pictures, names=wanted.names)
    setup = Setup(wanted.rules, limits, wanted.full, _since(wanted.since), wanted.exclude, wanted.exposure)
    file = wanted.state or _state_file()
    try:
        with _opened(wanted) as (name, place), closing(State(file)) as kept:
            print_ = print_of(wanted.rules, limits, ostiary.__version__)
            began = kept.begin(name, print_, how=_how(wanted), now_us=clock.now_us())
            if began.goes_on:
                sys.stderr.write(f"Going on after {output.printable(began.reached)}.\n")
            with _looker(wanted, limits) as looker, _progress(place, began.reached, wanted.exclude) as told:
                scanned = scan(place, began, kept, setup, looker, clock, told)
            return _answer(wanted, scanned, kept.seen(began), rfc3339(clock.now_us()))
    except (PlaceUnreadable, StateUnusable, ClusterUnusable) as error:
        output.fail(str(error), code=CANNOT)
    except KeyboardInterrupt:
        sys.stderr.write(f"Stopped. What was seen is kept in {file}: the same command goes on from there.\n")
        return STOPPED


@contextmanager
def _opened(wanted: Wanted) -> Iterator[tuple[str, Place]]:
    """The place and its name, which holds no password. Raises PlaceUnreadable."""
    place = wanted.place
    if place.startswith(bucket.SCHEMES):
        yield place.rstrip("/"), bucket.opened(place, plain_http=wanted.plain_http)
        return
    if place.startswith(postgresql.SCHEMES):
        name = _without_secrets(place, wanted.schema)
        with closing(postgresql.Postgres(place, schema=wanted.schema, views=wanted.views)) as source:
            yield name, Columns(source)
        return
    if "://" in place:
        raise PlaceUnreadable(
            f"A place is a folder, a file, or begins with one of {', '.join((*bucket.SCHEMES, *postgresql.SCHEMES))}."
        )
    path = Path(place).absolute()
    name = shown(os.fsencode(os.path.realpath(path)).decode("utf-8", "backslashreplace"))
    if _is_sqlite(path):
        with closing(SqliteFile(path, views=wanted.views)) as file:
            yield name, Columns(file)
        return
    yield name, Folder(path, wanted.exclude, wanted.hidden, wanted.histories)


def _without_secrets(url: str, schema: str) -> str:
    try:
        parts = urlsplit(url)
        host = f"{parts.hostname or 'localhost'}:{parts.port or 5432}"
    except ValueError:
        raise PlaceUnreadable("This is no URL of a database.") from None
    user = f"{parts.username}@" if parts.username else ""
    return f"postgresql://{user}{host}{parts.path}" + (f" ({schema})" if schema else "")


def _is_sqlite(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def _looker(wanted: Wanted, limits: Limits) -> Looker:
    if wanted.cluster:
        return Cluster(wanted.rules, limits, wanted.cluster)
    if wanted.workers > 1:
        return Processes(wanted.rules, limits, wanted.workers)
    return Here(wanted.rules, limits)


def _how(wanted: Wanted) -> str:
    """What a scan that was stopped must have been asked for too, so that it is gone on with."""
    asked = (wanted.full, wanted.since, wanted.exclude, wanted.hidden, wanted.histories, wanted.views)
    return repr(asked)


def _since(day: str) -> int:
    if not day:
        return 0
    try:
        return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * SECOND_US)
    except ValueError:
        output.fail(f"--since takes a day as 2026-11-01, not {output.printable(day)!r}.", code=CANNOT)


def _state_file() -> Path:
    given = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(given) if given.startswith("/") else Path.home() / ".local" / "state"
    return folder / STATE_FILE


# Progress.


@contextmanager
def _progress(place: Place, after: str, exclude: tuple[str, ...]) -> Iterator[Callable[[Looked, bool], None]]:
    """A line that moves, on a terminal; how much there is to do is counted meanwhile."""
    if not sys.stderr.isatty():
        yield lambda _looked, _fresh: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("[bold]{task.fields[items]}[/]{task.fields[all]}"),
        BarColumn(),
        TextColumn("{task.fields[bytes]}  {task.fields[rate]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("[yellow]{task.fields[found]} findings"),
    )
    clock, over = SystemClock(), threading.Event()
    begun_us = clock.monotonic_us()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None, items="0", all="", bytes="", rate="", found="0")

        def count() -> None:
            if total := left_of(place, after, exclude, over):
                progress.update(task, total=total, all=f" of {total:,}")

        threading.Thread(target=count, daemon=True).start()
        items = size = found = 0

        def told(looked: Looked, _fresh: bool) -> None:
            nonlocal items, size, found
            items, size, found = items + 1, size + looked.size, found + sum(looked.counts.values())
            seconds = max(clock.monotonic_us() - begun_us, 1) / SECOND_US
            progress.update(
                task, advance=1, items=f"{items:,}", bytes=f"{size / 1e6:,.1f} MB", rate=f"{items / seconds:,.0f}/s", found=f"{found:,}"
            )  # fmt: skip

        try:
            yield told
        finally:
            over.set()


def left_of(place: Place, after: str, exclude: tuple[str, ...], over: threading.Event) -> int | None:
    """How many items the scan meets after this key; None where that is not known. A bucket is not listed for it: that would ask, and pay, for each of its pages twice."""
    if place.kind == "bucket":
        return None
    count = 0
    with suppress(PlaceUnreadable):
        for item in place.items(after):
            if over.is_set():
                return None
            count += not excluded(item.key, exclude)
        return count
    return None


# What is said at the end.


def _answer(wanted: Wanted, scanned: Scanned, items: Iterator[Looked], at: str) -> int:
    inventory = scanned.inventory
    if scanned.broken and not inventory.looked:
        output.fail(scanned.broken, code=CANNOT)
    if not inventory.looked:
        why = ", ".join(f"{count} {name}" for name, count in inventory.states.items()) or "it holds nothing"
        output.fail(f"Nothing could be looked at in {inventory.name}: {why}.", code=CANNOT)
    before = rfc3339(scanned.before_us) if scanned.before_us else ""
    about = About(at, ostiary.__version__, before, scanned.changes, scanned.broken, wanted.exclude)
    every = list(items) if any(each.suffix.lower() == ".csv" for each in wanted.reports) else []
    for file in wanted.reports:
        _write(file, report(inventory, file.suffix.removeprefix(".").lower(), about, every))
    if wanted.as_json:
        output.as_json(data(inventory, about))
    else:
        _tell(scanned, wanted)
    if scanned.broken:
        sys.stderr.write(f"Not everything was listed: {scanned.broken}\n")
        return IN_PART
    return 0


def _write(file: Path, text: str) -> None:
    """For the owner alone: where sensitive data lie is nobody else's to know."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8", newline="") as opened:
            opened.write(text)
    except OSError as error:
        output.fail(f"{file} cannot be written ({type(error).__name__}).", code=CANNOT)


_COLOURS = {"high": "bold red", "medium": "yellow", "low": "green", "none": "dim"}


def _tell(scanned: Scanned, wanted: Wanted) -> None:
    from rich.console import Console
    from rich.text import Text

    inventory = scanned.inventory
    console = Console(highlight=False, width=None if sys.stdout.isatty() else output.PIPED_CHARACTERS)
    console.print(
        Text.assemble(
            ("Risk ", "bold"),
            (f"{inventory.risk:.0f} {inventory.level}", _COLOURS[inventory.level]),
            f"  {output.printable(inventory.name)}",
        )
    )
    console.print(
        f"{inventory.items} items, {inventory.looked} looked at ({scanned.fresh} now), {inventory.with_findings} with {inventory.findings} findings.",
        style="dim",
    )
    for each in inventory.families:
        console.print(Text.assemble((f"{each.findings:>9}  ", "bold"), (f"{each.name:<18}", "cyan"), f"{each.distinct:>9} distinct  in {each.items} items"))  # fmt: skip
    _tell_places(console, scanned)
    for name, count in inventory.states.items():
        if name != "looked":
            console.print(Text.assemble((f"{count:>9}  ", "bold"), (f"{name:<18}", "magenta"), STATES.get(name, "")))  # fmt: skip
    for file in wanted.reports:
        console.print(Text.assemble(("Written: ", "bold green"), output.printable(str(file))))


def _tell_places(console: "Console", scanned: Scanned) -> None:
    from rich.text import Text

    for each in scanned.inventory.top[:TOP_SHOWN]:
        console.print(
            Text.assemble((f"{each.risk:>9.0f}  ", _COLOURS[each.level]), output.printable(each.name))
        )
    for change in scanned.changes[:TOP_SHOWN]:
        console.print(
            Text.assemble((f"{change.now - change.before:>+9}  ", "bold"), f"{output.printable(change.name)} since the scan before")
        )  # fmt: skip
