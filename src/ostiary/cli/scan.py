"""`ostiary scan`: what is sensitive in a folder, a bucket or a database, as an inventory that holds no value. Offline but for the place itself: no gateway, no home."""

from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli import output
from ostiary.cli.detect import rules_from

WORKERS_MAX = 256
MEGABYTE = 1024 * 1024
Place = Annotated[
    str,
    typer.Argument(
        help="A folder or file; s3://bucket/prefix, gs://... or az://...; a SQLite file, or postgresql://user@host/database."
    ),
]
Reports = Annotated[
    list[Path] | None,
    typer.Option(
        "--report", help="Where a report goes, by its ending: .html, .json or .csv; any number of times."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the inventory as JSON.")]
Rules = Annotated[
    Path | None, typer.Option(help="A rule set (JSON), or rules of gitleaks (a file that ends in .toml).")
]
Categories = Annotated[
    str,
    typer.Option(help="Only these, separated by commas: categories (us_ssn) or families (national_id)."),
]
Quick = Annotated[
    bool,
    typer.Option(
        "--quick", help="Without names of people and places in texts: patterns alone, many times as fast."
    ),
]
Pictures = Annotated[bool, typer.Option(help="Read letters in pictures, which takes seconds each.")]
Exclude = Annotated[
    list[str] | None,
    typer.Option(help="Leave out keys like this (*.iso, node_modules); any number of times."),
]
Hidden = Annotated[bool, typer.Option(help="Look at files and folders whose names begin with a dot.")]
Histories = Annotated[
    bool, typer.Option("--histories", help="Look into .git and other folders of version control.")
]
Schema = Annotated[str, typer.Option(help="Of a PostgreSQL database, this schema only.")]
Views = Annotated[bool, typer.Option("--views", help="Of a database, the views as well.")]
Full = Annotated[
    bool, typer.Option("--full", help="Look at everything, also what did not change since the last scan.")
]
Since = Annotated[str, typer.Option(help="Only what changed since this day (2026-11-01).", metavar="DAY")]
State = Annotated[
    Path | None,
    typer.Option(
        help="Where is kept what was seen, without values. Default: scan.db in the user's state folder."
    ),
]
Workers = Annotated[int, typer.Option(help="How many processes look.", min=1, max=WORKERS_MAX)]
Cluster = Annotated[
    str,
    typer.Option(help="A Dask scheduler whose workers look, such as tcp://10.0.0.5:8786.", metavar="ADDRESS"),
]
MaxMb = Annotated[
    int,
    typer.Option(
        "--max-mb",
        help="Documents larger than this are not looked at; texts are read in pieces.",
        min=1,
        max=1024,
    ),
]
MaxTextMb = Annotated[
    int, typer.Option("--max-text-mb", help="Texts are looked at up to here.", min=1, max=1024 * 1024)
]
Exposure = Annotated[
    float,
    typer.Option(
        help="How far the place is open, for its risk: 0.5 few people, 1 the company, 2 the world.",
        min=0.1,
        max=10,
    ),
]
PlainHttp = Annotated[bool, typer.Option("--plain-http", help="Speak to a bucket's endpoint without TLS.")]


def scan(
    place: Place,
    reports: Reports = None,
    as_json: AsJson = False,
    rules: Rules = None,
    categories: Categories = "",
    quick: Quick = False,
    pictures: Pictures = True,
    exclude: Exclude = None,
    hidden: Hidden = True,
    histories: Histories = False,
    schema: Schema = "",
    views: Views = False,
    full: Full = False,
    since: Since = "",
    state: State = None,
    workers: Workers = 1,
    cluster: Cluster = "",
    max_mb: MaxMb = 64,
    max_text_mb: MaxTextMb = 1024,
    exposure: Exposure = 1.0,
    plain_http: PlainHttp = False,
) -> None:
    """Find what is sensitive in a folder, a bucket or a database. It goes on where it stopped, skips what did not change, and keeps no value."""
    from ostiary.cli import scanning

    chosen = rules_from(categories, rules)
    if cluster and workers > 1:
        output.fail("Either --workers or --cluster: the cluster has its own.", code=scanning.CANNOT)
    wanted = scanning.Wanted(
        place=place,
        rules=chosen,
        reports=tuple(reports or ()),
        exclude=tuple(exclude or ()),
        hidden=hidden,
        histories=histories,
        schema=schema,
        views=views,
        full=full,
        since=since,
        state=state,
        workers=workers,
        cluster=cluster,
        bytes_max=max_mb * MEGABYTE,
        text_bytes_max=max_text_mb * MEGABYTE,
        pictures=pictures,
        names=not quick,
        exposure=exposure,
        plain_http=plain_http,
        as_json=as_json,
    )
    raise SystemExit(scanning.run(wanted))
