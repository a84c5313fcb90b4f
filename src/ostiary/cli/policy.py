"""`ostiary policy`: check a document offline, apply it, show the one that holds, and try one on past calls."""

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask

policy = typer.Typer(
    no_args_is_help=True, help="The mode, and what is asked and refused beside the contracts."
)
FILE_BYTES_MAX = 1 << 16
SPANS = {"m": 60, "h": 3600, "d": 86_400}

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
File = Annotated[Path, typer.Argument(help="policy.yaml or policy.json", exists=True, dir_okay=False)]


@policy.command("check")
def check(file: File, as_json: AsJson = False) -> None:
    """Check a policy. Offline. Every mistake is printed; exit code 1 if there is one."""
    from ostiary.consent.policies import document
    from ostiary.errors import PolicyInvalid

    try:
        read = document.read(_text(file))
    except PolicyInvalid as error:
        if as_json:
            output.as_json({"ok": False, **error.problem()})
            raise SystemExit(1) from None
        output.fail(output.in_words(error.problem()))
    if as_json:
        output.as_json({"ok": True, "policy": document.document_of(read)})
    else:
        sys.stdout.write(f"{file.name} is in order.\n")


@policy.command("apply")
def apply(
    file: File,
    expected: Annotated[int, typer.Option(help="Only if this version holds (0: none).", min=-1)] = -1,
    as_json: AsJson = False,
) -> None:
    """Make the document the tenant's policy. Calls that wait for approval lapse."""
    body: dict[str, Any] = {"text": _text(file)}
    if expected >= 0:
        body["expected"] = expected
    with output.told(json_wanted=as_json):
        answer = ask("PUT", "/v1/policy", body=body)
    output.as_json(answer) if as_json else sys.stdout.write(f"Version {answer['version']} holds.\n")


@policy.command("show")
def show(
    version: Annotated[int, typer.Option(help="An older version; 0 is the one that holds.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """The policy that holds, as a document that can be applied again."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", "/v1/policy", query={"version": str(version)})
    if as_json:
        output.as_json(answer)
        return
    import yaml

    sys.stdout.write(yaml.safe_dump(answer["policy"], sort_keys=False, allow_unicode=True))


@policy.command("replay")
def replay(
    policy_file: Annotated[
        Path | None,
        typer.Option(
            "--policy", help="The policy to try; without it the one that holds.", exists=True, dir_okay=False
        ),
    ] = None,
    since: Annotated[str, typer.Option(help="How far back: 90m, 24h, 7d.")] = "7d",
    as_json: AsJson = False,
) -> None:
    """Which past calls would have gone otherwise. Nothing is done. Exit code 0 either way."""
    body: dict[str, Any] = {"since_s": _span(since), "text": _text(policy_file) if policy_file else ""}
    whole: dict[str, Any] = {"looked": 0, "decided": 0, "closed": 0, "flips": []}
    with output.told(json_wanted=as_json):
        while True:
            page = ask("POST", "/v1/policy/replay", body=body)
            for name in ("looked", "decided", "closed"):
                whole[name] += page[name]
            whole["flips"] += page["flips"]
            body |= {"cursor": page["next"], "until_us": page["until_us"]}
            if not page["next"]:
                break
    if as_json:
        output.as_json(whole)
        return
    rows = [
        {**flip, "asked by": flip["actor_id"], "because": flip["after_rule"], "people": _people(flip)}
        for flip in whole["flips"]
    ]
    if rows:
        output.table(rows, ("at", "call", "action", "asked by", "before", "after", "people", "because"))
    sys.stdout.write(f"{len(rows)} of {whole['decided']} decisions would have gone otherwise.\n")
    if whole["closed"]:
        sys.stdout.write(f"{whole['closed']} events could not be opened, and were not looked at.\n")


def _people(flip: dict[str, Any]) -> str:
    """How many had to say yes, and would have; a star where others than then, or four eyes instead of two."""
    before, after = flip["before_needs"], flip["after_needs"]
    counts = [needs["people"] if needs else 0 for needs in (before, after)]
    others = before and after and {**before, "people": 0} != {**after, "people": 0}
    return f"{counts[0]} > {counts[1]}{' *' if others else ''}"


def _span(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", text)
    if not found:
        output.fail("Write a time such as 90m, 24h or 7d.", code=2)
    return int(found[1]) * SPANS[found[2]]


def _text(file: Path) -> str:
    if file.stat().st_size > FILE_BYTES_MAX:
        output.fail(f"{file.name} is larger than {FILE_BYTES_MAX} bytes.", code=2)
    return file.read_text(encoding="utf-8", errors="replace")
