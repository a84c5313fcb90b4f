"""`ostiary db`: an installation's databases on PostgreSQL. Exit codes: 0 as designed, 1 something is not, 2 nothing could be done."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostiary.cli import output

if TYPE_CHECKING:
    from sqlalchemy import URL

    from ostiary.db.secure import Want

db = typer.Typer(no_args_is_help=True, help="The databases on PostgreSQL: make, upgrade, check.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Admin = Annotated[
    str,
    typer.Option(
        help="An administrator's address, `postgresql://...`. Better in OSTIARY_ADMIN_URL: other users of the machine can see arguments."
    ),
]
KeysAdmin = Annotated[str, typer.Option(help="The same for the key store's server, where it is another one.")]
ADMIN, KEYS_ADMIN = "OSTIARY_ADMIN_URL", "OSTIARY_KEYS_ADMIN_URL"
SETTINGS = {"data": "OSTIARY_DATABASE_URL", "keys": "OSTIARY_KEYS_URL"}
EVERYTHING = "ostiary.app.gateway"
"""Imports every room, and with it every table."""

WORKFLOWS = "ostiary.jobs.workflows"


@db.command("init")
def init(
    apply: Annotated[bool, typer.Option("--apply", help="Execute it, and make the tables.")] = False,
    admin_url: Admin = "",
    keys_admin_url: KeysAdmin = "",
    cell: Annotated[
        str,
        typer.Option(help="A tenant's id: only the role of its cell, which reaches no other tenant's rows."),
    ] = "",
) -> None:
    """Print the SQL that makes roles, databases and schemas for the addresses in the settings, as a script for psql; or execute it."""
    from ostiary.db import install, place

    with _told():
        for which, url in _addresses():
            if cell:
                _init_cell(which, url, cell, apply and _administrator(which, admin_url, keys_admin_url))
                continue
            if not apply:
                sys.stdout.write(f"-- {which}\n{place.script(place.of_url(url, which))}\n\n")
                continue
            administrator = _administrator(which, admin_url, keys_admin_url)
            install.make(url, administrator, which)
            _bring(url, administrator, which)


def _init_cell(which: str, url: "URL", tenant: str, administrator: "URL | bool") -> None:
    from ostiary.db import install, place
    from ostiary.ids import TenantId, digits_of, is_id

    if not is_id(tenant, "ten"):
        output.fail("--cell takes a tenant's id, ten_...", code=2)
    there, cell = place.of_url(url, which), TenantId(tenant)
    role = place.cell_role(there, cell)
    if isinstance(administrator, bool):
        sys.stdout.write(f"-- {which}\n{place.cell_script(there, cell)}\n\n")
        return
    install.make_cell(url, administrator, which, cell)
    if which == "data":
        _make_jobs(url, administrator, [digits_of(cell)])
    sys.stdout.write(f"{which}: {role}\n")


@db.command("upgrade")
def upgrade(admin_url: Admin = "", keys_admin_url: KeysAdmin = "") -> None:
    """Bring the tables to this release, as their owner, and secure them. The release before may go on meanwhile."""
    with _told():
        for which, url in _addresses():
            _bring(url, _administrator(which, admin_url, keys_admin_url), which)


@db.command("check")
def check(as_json: AsJson = False) -> None:
    """Say what is not as designed, as the product sees it, and the SQL that repairs it."""
    from ostiary.db import install
    from ostiary.db.migrate import HEADS

    report: dict[str, Any] = {}
    with _told():
        import_module(EVERYTHING)
        for which, url in _addresses():
            at, wants = install.look(url, which)
            behind = at < HEADS[which]
            report[which] = {
                "at": at,
                "release": HEADS[which],
                "behind": behind,
                "problems": [asdict(want) for want in wants],
            }
            if not as_json:
                _print(
                    which, wants, "The tables are missing or behind: `ostiary db upgrade`." if behind else ""
                )
    if as_json:
        output.as_json(report)
    raise SystemExit(1 if any(each["behind"] or each["problems"] for each in report.values()) else 0)


def _bring(url: "URL", administrator: "URL", which: str) -> None:
    from ostiary.db import install, place

    import_module(EVERYTHING)
    left = install.bring(url, administrator, which)
    if which == "data":
        there = place.of_url(url, which)
        workflows = import_module(WORKFLOWS)
        workflows.migrate(place.as_owner(url, administrator), there.extra[0], there.roles.login)
        _make_jobs(url, administrator, install.cells_of(url, administrator))
    _print(which, left, "")
    if left:
        raise SystemExit(1)


def _make_jobs(url: "URL", administrator: "URL", cells: list[str]) -> None:
    """The tables of cells' own jobs."""
    from ostiary.db import place
    from ostiary.db.scope import CELL_ROLE
    from ostiary.db.secure import jobs_schema_of

    there, workflows = place.of_url(url, "data"), import_module(WORKFLOWS)
    for cell in cells:
        schema, role = jobs_schema_of(there.schema, cell), f"{there.roles.login}{CELL_ROLE}{cell}"
        workflows.migrate(place.as_owner(url, administrator), schema, role)


def _print(which: str, wants: "list[Want]", more: str) -> None:
    if not wants and not more:
        sys.stdout.write(f"{which}: as designed\n")
        return
    if more:
        sys.stdout.write(f"{which}: {more}\n")
    for want in wants:
        sys.stdout.write(f"{which}: {want.problem}\n")
        if want.sql:
            sys.stdout.write(f"    {want.sql};{'' if want.owner else '  -- as an administrator'}\n")


def _addresses() -> "Iterator[tuple[str, URL]]":
    """The databases of the settings that are on PostgreSQL."""
    from sqlalchemy.engine import make_url

    from ostiary.config import database_url

    given = {which: database_url(os.environ.get(name, "")) for which, name in SETTINGS.items()}
    found = [(which, make_url(text)) for which, text in given.items() if text.startswith("postgresql")]
    if not found:
        output.fail(
            "Neither OSTIARY_DATABASE_URL nor OSTIARY_KEYS_URL is on PostgreSQL; an SQLite file needs none of this.",
            code=2,
        )
    yield from found


def _administrator(which: str, admin_url: str, keys_admin_url: str) -> "URL":
    from sqlalchemy.engine import make_url

    from ostiary.config import database_url

    text = admin_url or os.environ.get(ADMIN, "")
    if which == "keys":
        text = keys_admin_url or os.environ.get(KEYS_ADMIN, "") or text
    if not text:
        output.fail(f"Who is the administrator? Give --admin-url or {ADMIN}.", code=2)
    return make_url(database_url(text))


@contextmanager
def _told() -> Iterator[None]:
    from ostiary.errors import ConfigurationError, StoreUnavailable

    try:
        yield
    except ConfigurationError as error:
        output.fail("\n".join(error.mistakes), code=2)
    except StoreUnavailable as error:
        output.fail(error.detail or "The database does not answer, or this user may not do that.", code=2)
