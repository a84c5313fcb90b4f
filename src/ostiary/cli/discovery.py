"""`ostiary discovery`: a tenant's places, the runs over them, and what was found."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask

AT = "/v1/discovery"
FORMS = {".html": "html", ".csv": "csv", ".json": "json"}

discovery = typer.Typer(no_args_is_help=True, help="Where sensitive data lies: places, runs over them, reports.")  # fmt: skip
places = typer.Typer(no_args_is_help=True, help="Places: folders, buckets and databases that are looked through.")  # fmt: skip
discovery.add_typer(places, name="places")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The place's name.")]
Run = Annotated[str, typer.Argument(help="The run's id, run_...")]
EveryHours = Annotated[int, typer.Option("--every-hours", help="Look through it by itself; 0: only when asked.", min=0)]  # fmt: skip
Rules = Annotated[str, typer.Option(help="A rule set; none: everything.")]
Exposure = Annotated[str, typer.Option(help="Who gets at it: closed, internal or public.")]


@places.command("list")
def listed(as_json: AsJson = False) -> None:
    """Every place, with its newest run."""
    with output.told(json_wanted=as_json):
        found = ask("GET", f"{AT}/places")
    if as_json:
        output.as_json(found)
        return
    rows = [{**row, **_of_run(row["run"])} for row in found["places"]]
    output.table(rows, ("name", "kind", "where", "state", "items", "findings", "risk"))


@places.command("folder")
def folder(
    name: Name,
    path: Annotated[Path, typer.Argument(help="Below a folder that the operator declared.")],
    rules: Rules = "",
    exposure: Exposure = "internal",
    every_h: EveryHours = 0,
    as_json: AsJson = False,
) -> None:
    """A folder on the gateway's own machines."""
    _put(name, {"kind": "folder", "path": str(path), "rules": rules, "exposure": exposure}, every_h, as_json=as_json)  # fmt: skip


@places.command("bucket")
def bucket(
    name: Name,
    url: Annotated[
        str, typer.Argument(help="s3://bucket/prefix, gs://bucket/prefix or az://container/prefix")
    ],
    endpoint: Annotated[str, typer.Option(help="A server of your own.")] = "",
    region: Annotated[str, typer.Option(help="The bucket's region.")] = "us-east-1",
    credentials: Annotated[
        bool,
        typer.Option(
            "--credentials",
            help="Read the access key and the secret key from the standard input, a line each; of Azure the account, and its key or a SAS token.",
        ),
    ] = False,
    rules: Rules = "",
    exposure: Exposure = "internal",
    every_h: EveryHours = 0,
    as_json: AsJson = False,
) -> None:
    """A bucket that speaks S3's protocol, or a container of Azure's."""
    settings = {"kind": "bucket", "url": url, "endpoint": endpoint, "region": region, "rules": rules, "exposure": exposure}  # fmt: skip
    more: dict[str, Any] = {}
    if credentials:
        access, secret = sys.stdin.readline().strip(), sys.stdin.readline().strip()
        more["credentials"] = {"access_key": access, "secret_key": secret}
    _put(name, settings, every_h, as_json=as_json, **more)


@places.command("database")
def database(
    name: Name,
    connector: Annotated[str, typer.Argument(help="A connector of kind sqlite or postgresql.")],
    rules: Rules = "",
    exposure: Exposure = "internal",
    every_h: EveryHours = 0,
    as_json: AsJson = False,
) -> None:
    """The database of a connector."""
    _put(name, {"kind": "database", "connector": connector, "rules": rules, "exposure": exposure}, every_h, as_json=as_json)  # fmt: skip


@places.command("test")
def tried(name: Name, as_json: AsJson = False) -> None:
    """Whether it can be opened and listed. Exit code 1 if not."""
    with output.told(json_wanted=as_json):
        found = ask("POST", f"{AT}/places/{name}/test")
    if as_json:
        output.as_json(found)
    elif found["ok"]:
        sys.stdout.write(f"{name} can be looked through.\n")
    else:
        sys.stdout.write(output.printable(f"{found['code']}: {found['detail']}") + "\n")
    if not found["ok"]:
        raise SystemExit(1)


@places.command("remove")
def remove(
    name: Name, confirm: Annotated[str, typer.Option(help="The name again.")], as_json: AsJson = False
) -> None:
    """Forget a place and all that is known of it."""
    if confirm != name:
        output.fail("Repeat the name with --confirm.", code=2)
    with output.told(json_wanted=as_json):
        done = ask("DELETE", f"{AT}/places/{name}")
    output.as_json(done) if as_json else sys.stdout.write(f"{name} was removed.\n")


@discovery.command("start")
def start(name: Name, as_json: AsJson = False) -> None:
    """Begin a run: what is new or has changed is looked at."""
    with output.told(json_wanted=as_json):
        run = ask("POST", f"{AT}/places/{name}/runs")
    output.as_json(run) if as_json else sys.stdout.write(f"{run['run_id']}\n")


@discovery.command("runs")
def runs(
    name: Annotated[str, typer.Argument(help="Of this place only.")] = "", as_json: AsJson = False
) -> None:
    """Runs, the newest first."""
    with output.told(json_wanted=as_json):
        found = ask("GET", f"{AT}/runs", query={"place": name})
    if as_json:
        output.as_json(found)
    else:
        output.table(found["runs"], ("run_id", "place", "state", "items", "findings", "risk", "begun_at"))


def _steered(verb: str, told: str) -> None:
    @discovery.command(verb, help=told)
    def steer(run: Run, as_json: AsJson = False) -> None:
        method, at = ("GET", f"{AT}/runs/{run}") if verb == "show" else ("POST", f"{AT}/runs/{run}/{verb}")
        with output.told(json_wanted=as_json):
            shown = ask(method, at)
        if as_json:
            output.as_json(shown)
        else:
            output.table([shown], ("state", "items", "expected", "looked", "unchanged", "not_looked", "gone", "findings", "risk", "code"))  # fmt: skip


for _verb, _told in (
    ("show", "How a run stands."),
    ("pause", "It stops before its next step, and keeps what it found."),
    ("resume", "A run that was paused or failed goes on from where it was."),
    ("cancel", "It ends before its next step. What it has found is kept."),
):
    _steered(_verb, _told)


@discovery.command("inventory")
def inventory(name: Name, as_json: AsJson = False) -> None:
    """What a place holds, by category."""
    with output.told(json_wanted=as_json):
        found = ask("GET", f"{AT}/places/{name}/inventory")
    if as_json:
        output.as_json(found)
    else:
        output.table(found["categories"], ("name", "findings", "distinct", "items"))


@discovery.command("report")
def report(
    name: Name,
    out: Annotated[Path, typer.Argument(help="A file that ends in .html, .csv or .json")],
    as_json: AsJson = False,
) -> None:
    """Write the report of a place to a file."""
    form = FORMS.get(out.suffix)
    if form is None:
        output.fail("The file must end in .html, .csv or .json.", code=2)
    with output.told(json_wanted=as_json):
        made = ask("GET", f"{AT}/places/{name}/report", query={"format": form})
    out.write_text(made["text"], encoding="utf-8", newline="")
    output.as_json({"file": str(out)}) if as_json else sys.stdout.write(f"{out} was written.\n")


def _put(name: str, settings: dict[str, Any], every_h: int, *, as_json: bool, **more: Any) -> None:
    with output.told(json_wanted=as_json):
        done = ask("PUT", f"{AT}/places/{name}", body={"settings": settings, "every_h": every_h, **more})
    output.as_json(done) if as_json else sys.stdout.write(f"{name} can be looked through.\n")


def _of_run(run: Any) -> dict[str, Any]:
    if run is None:
        return {"state": "never", "items": "", "findings": "", "risk": ""}
    return {name: run[name] for name in ("state", "items", "findings", "risk")}
