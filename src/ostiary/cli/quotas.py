"""`ostiary quota`: what a tenant may use at most, and what it uses. The operator of the installation sets it."""

import sys
from typing import Annotated, Any

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask, named

quota = typer.Typer(no_args_is_help=True, help="Quotas: what a tenant may use at most.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
COUNTED = ("calls_at_once", "calls_per_s", "storage_bytes", "jobs_at_once")


@quota.command("show")
def show(
    tenant: Annotated[str, typer.Argument(help="A tenant's id, ten_...; without it, your own.")] = "",
    as_json: AsJson = False,
) -> None:
    """What a tenant may use, and what it uses. Exit code 1 where it is full."""
    with output.told(json_wanted=as_json):
        found = ask("GET", named("quotas", tenant) if tenant else named("quota"))
    _print(found, as_json=as_json)
    raise SystemExit(1 if found["full"] else 0)


@quota.command("set")
def change(
    tenant: Annotated[str, typer.Argument(help="A tenant's id, ten_...")],
    calls_at_once: Annotated[int | None, typer.Option(help="Calls under way in each process; 0: no limit.", min=0)] = None,
    calls_per_s: Annotated[int | None, typer.Option(help="Calls a second, over all processes; 0: no limit.", min=0)] = None,
    storage_bytes: Annotated[int | None, typer.Option(help="Files, and the rows of calls; 0: no limit.", min=0)] = None,
    jobs_at_once: Annotated[int | None, typer.Option(help="Jobs at work in each worker; 0: no limit.", min=0)] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Set what is given; the rest stays as it is. It counts in every process within a second."""
    given = dict(zip(COUNTED, (calls_at_once, calls_per_s, storage_bytes, jobs_at_once), strict=True))
    asked = {name: value for name, value in given.items() if value is not None}
    if not asked:
        output.fail("Say what to set: --calls-at-once, --calls-per-s, --storage-bytes or --jobs-at-once.", code=2)  # fmt: skip
    path = named("quotas", tenant)
    with output.told(json_wanted=as_json):
        stands = ask("GET", path)
        found = ask("PUT", path, body={**{name: stands[name] for name in COUNTED}, **asked})
    _print(found, as_json=as_json)


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.as_json(found)
        return
    rows = [{"what": name, "at_most": found[name] or "no limit"} for name in COUNTED]
    output.table(rows, ("what", "at_most"))
    output.table(found["uses"], ("kind", "bytes", "rows", "counted_at"))
    full = "; nothing more is stored" if found["full"] else ""
    sys.stdout.write(f"{found['used_bytes']} bytes count against the quota{full}.\n")
