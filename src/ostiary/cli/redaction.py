"""`ostiary redaction`: a tenant's rule sets and plans, texts redacted and restored by them, and the scopes of tokens."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask

FILE_BYTES_MAX = 1 << 20

redaction = typer.Typer(no_args_is_help=True, help="Rule sets, redaction plans, and texts redacted by them.")
plans = typer.Typer(no_args_is_help=True, help="Plans: what becomes of what is found.")
rules = typer.Typer(no_args_is_help=True, help="Rule sets: what is looked for.")
scopes = typer.Typer(no_args_is_help=True, help="Scopes: within which equal values have equal tokens.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="Its name.")]
File = Annotated[Path, typer.Argument(help="A file in YAML or JSON.", exists=True, dir_okay=False)]
TextFile = Annotated[Path, typer.Argument(help="A text in UTF-8; - reads the standard input.", allow_dash=True)]  # fmt: skip
Expected = Annotated[int, typer.Option(help="Only if this version stands (0: none).", min=-1)]


def _looked_at(group: typer.Typer, at: str, noun: str) -> None:
    """The commands by which plans, and rule sets, are looked at."""

    @group.command("list", help=f"Every {noun}.")
    def listed(as_json: AsJson = False) -> None:
        with output.told(json_wanted=as_json):
            found = ask("GET", at)
        if as_json:
            output.as_json(found)
        else:
            output.table(found["documents"], ("name", "version", "applied_at", "applied_by"))

    @group.command("show", help=f"A {noun} as it was written.")
    def show(name: Name, version: Annotated[int, typer.Option(help="An older version.", min=0)] = 0, as_json: AsJson = False) -> None:  # fmt: skip
        with output.told(json_wanted=as_json):
            found = ask("GET", f"{at}/{name}", query={"version": str(version)})
        output.as_json(found) if as_json else sys.stdout.write(found["text"])

    @group.command("check", help=f"Every mistake in a {noun}. Exit code 1 if there is one.")
    def check(file: File, as_json: AsJson = False) -> None:
        with output.told(json_wanted=as_json):
            found = ask("POST", f"{at}/check", body={"text": _text(file)})
        if as_json:
            output.as_json(found)
        for mistake in () if as_json else found["mistakes"]:
            sys.stdout.write(output.printable(f"{mistake['pointer'] or '(all)'}: {mistake['detail']}") + "\n")
        if not found["ok"]:
            raise SystemExit(1)
        if not as_json:
            sys.stdout.write(f"{file.name} is in order.\n")

    @group.command("history", help=f"The versions of a {noun}, newest first.")
    def history(name: Name, as_json: AsJson = False) -> None:
        with output.told(json_wanted=as_json):
            found = ask("GET", f"{at}/{name}/history", query={"limit": "200"})
        if as_json:
            output.as_json(found)
        else:
            output.table(found["versions"], ("version", "applied_at", "applied_by", "removed", "hash"))


def _changed(group: typer.Typer, at: str, noun: str) -> None:
    """Those by which they are changed."""

    @group.command("put", help=f"A new version of a {noun}; it holds at once.")
    def put(name: Name, file: File, expected: Expected = -1, as_json: AsJson = False) -> None:
        body: dict[str, Any] = {"text": _text(file)}
        if expected >= 0:
            body["expected"] = expected
        with output.told(json_wanted=as_json):
            done = ask("PUT", f"{at}/{name}", body=body)
        output.as_json(done) if as_json else sys.stdout.write(f"Version {done['version']} stands.\n")

    @group.command("remove", help=f"The {noun} stands no more; its versions stay.")
    def remove(name: Name, as_json: AsJson = False) -> None:
        with output.told(json_wanted=as_json):
            done = ask("DELETE", f"{at}/{name}")
        output.as_json(done) if as_json else sys.stdout.write(f"{name} was removed.\n")


for _made in (_looked_at, _changed):
    _made(plans, "/v1/redaction-plans", "redaction plan")
    _made(rules, "/v1/redaction-rules", "rule set")
for _group, _name in ((plans, "plans"), (rules, "rules"), (scopes, "scopes")):
    redaction.add_typer(_group, name=_name)


@redaction.command("text")
def text(
    file: TextFile, plan: Annotated[str, typer.Option(help="The plan's name.")], as_json: AsJson = False
) -> None:
    """Redact a text by a plan of the gateway. What was replaced is counted on the standard error."""
    with output.told(json_wanted=as_json):
        done = ask("POST", "/v1/redact", body={"plan": plan, "text": _text(file)})
    if as_json:
        output.as_json(done)
        return
    sys.stdout.write(done["text"])
    counts = ", ".join(f"{category} {count}" for category, count in done["counts"].items())
    sys.stderr.write(f"{counts or 'nothing was found'}\n")


@redaction.command("restore")
def restore(
    file: TextFile,
    scope: Annotated[str, typer.Option(help="Whose tokens they are.")],
    purpose: Annotated[str, typer.Option(help="What for; it is recorded.")],
    as_json: AsJson = False,
) -> None:
    """Turn the tokens in a text back into what they stand for. Exit code 1 if one stayed."""
    body = {"scope": scope, "purpose": purpose, "text": _text(file)}
    with output.told(json_wanted=as_json):
        done = ask("POST", "/v1/restore", body=body)
    if as_json:
        output.as_json(done)
    else:
        sys.stdout.write(done["text"])
        stayed = ", ".join(f"{count} stayed ({reason})" for reason, count in done["refused"].items())
        sys.stderr.write(f"{done['restored']} restored{', ' if stayed else ''}{stayed}\n")
    if done["refused"]:
        raise SystemExit(1)


@scopes.command("list")
def list_scopes(as_json: AsJson = False) -> None:
    """Every scope that tokens were made in."""
    with output.told(json_wanted=as_json):
        found = ask("GET", "/v1/redaction-scopes")
    output.as_json(found) if as_json else output.table(found["scopes"], ("name", "living"))


@scopes.command("destroy")
def destroy(
    name: Name,
    confirm: Annotated[str, typer.Option(help="The name again.")],
    as_json: AsJson = False,
) -> None:
    """Destroy the key of a scope, for good: its tokens are never restored again."""
    with output.told(json_wanted=as_json):
        done = ask("POST", f"/v1/redaction-scopes/{name}/destroy", body={"confirm": confirm})
    told = f"Asked: `ostiary erasures certificate {done['id']}` gives the certificate when it is done.\n"
    output.as_json(done) if as_json else sys.stdout.write(told)


def _text(file: Path) -> str:
    if str(file) == "-":
        return sys.stdin.read(FILE_BYTES_MAX)
    if file.stat().st_size > FILE_BYTES_MAX:
        output.fail(f"{file.name} is larger than {FILE_BYTES_MAX} bytes.", code=2)
    return file.read_text(encoding="utf-8", errors="replace")
