"""`ostiary erase`, `erasures`, `holds` and `retention`: what is let go, and what must stay."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask, named

erasures = typer.Typer(no_args_is_help=True, help="Erasures of subjects, and their certificates.")
holds = typer.Typer(no_args_is_help=True, help="Legal holds: what must not be purged, erased or destroyed.")
retention = typer.Typer(no_args_is_help=True, help="How long each kind of data is kept.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Subject = Annotated[str, typer.Argument(help="The subject's id, as the contracts label it.")]
ErasureId = Annotated[str, typer.Argument(help="An erasure's id, era_...")]


def erase(
    subject: Subject,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Do it. Without this, see what it would destroy.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a subject for good, or see what that destroys. An API key's wish waits for a person."""
    if not confirm:
        with output.told(json_wanted=as_json):
            lost = ask("POST", "/v1/erasures/preview", body={"subject": subject})
        if as_json:
            output.as_json(lost)
            return
        output.table(
            [{"what": name, "count": count} for name, count in lost["rows"].items()], ("what", "count")
        )
        output.table(lost["keys"], ("purpose", "keys"))
        held = f"The legal hold {lost['hold']} stands on it.\n" if lost["hold"] else ""
        sys.stdout.write(
            f"{held}Backups of the key store hold its keys until {lost['backups_until']}. --confirm erases it.\n"
        )
        return
    with output.told(json_wanted=as_json):
        asked = ask("POST", "/v1/erasures", body={"subject": subject, "confirm": subject})
    if as_json:
        output.as_json(asked)
    elif "approval_id" in asked:
        sys.stdout.write(f"A person has to agree first: approval {asked['approval_id']}.\n")
    else:
        sys.stdout.write(
            f"Erasure {asked['id']} is {asked['state']}; `ostiary erasures show {asked['id']}` says when it is done.\n"
        )


@erasures.command("list")
def listed(as_json: AsJson = False) -> None:
    """Who was erased, by pseudonym, and how it stands."""
    with output.told(json_wanted=as_json):
        rows = ask("GET", "/v1/erasures")["erasures"]
    if as_json:
        output.as_json(rows)
    else:
        output.table(rows, ("id", "state", "pseudonym", "requested_at", "ended_at"))


@erasures.command("show")
def show(erasure: ErasureId, as_json: AsJson = False) -> None:
    """How an erasure stands. Exit code 1 unless it is done."""
    with output.told(json_wanted=as_json):
        row = ask("GET", named("erasures", erasure))
    if as_json:
        output.as_json(row)
    else:
        output.table([row], ("id", "state", "pseudonym", "requested_at", "ended_at"))
    raise SystemExit(0 if row["state"] == "done" else 1)


@erasures.command("certificate")
def certificate(
    erasure: ErasureId,
    file: Annotated[Path, typer.Option("-o", "--output", help="Where to write it.", dir_okay=False)],
) -> None:
    """Write the signed certificate of an erasure to a file, with the proof that the log vouches for it."""
    with output.told(json_wanted=False):
        taken = ask("GET", named("erasures", erasure, "certificate"))
    try:
        file.write_text(json.dumps(taken, indent=1) + "\n", encoding="ascii")
    except OSError as error:
        output.fail(f"{file} cannot be written ({error.strerror}).")


@erasures.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="A certificate.", exists=True, dir_okay=False)],
    key: Annotated[
        str, typer.Option("--key", help="The log's public key (C2SP verifier key), if you kept it.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Verify a certificate, offline. Exit code 1 if anything is wrong."""
    from ostiary.retention.certificate import CertificateInvalid
    from ostiary.retention.certificate import verify as check

    try:
        found = check(json.loads(file.read_bytes()), key)
    except (CertificateInvalid, ValueError) as error:
        output.fail(f"Not verified: {error}.")
    except OSError as error:
        output.fail(f"{file} cannot be read ({error.strerror}).", code=2)
    said = found.statement
    if as_json:
        output.as_json({"id": said["id"], "kind": said["kind"], "ended_at": said["ended_at"], "proven": found.proven, "trusted": found.trusted, "digest": found.digest})  # fmt: skip
        return
    whose = (
        "by the key that you gave"
        if found.trusted
        else "by the key that it names: compare it with one that you kept"
    )
    log = (
        "its event is in the log of the checkpoint that came with it"
        if found.proven
        else "no proof of its event came with it"
    )
    told = f"Erasure {said['id']} ended at {said['ended_at']}. Signed {whose}; {log}."
    sys.stdout.write(output.printable(told) + "\n")


@holds.command("list")
def list_holds(
    every: Annotated[bool, typer.Option("--all", help="Released ones too.")] = False, as_json: AsJson = False
) -> None:
    """Legal holds."""
    with output.told(json_wanted=as_json):
        rows = ask("GET", "/v1/holds", query={"standing": "false" if every else "true"})["holds"]
    if as_json:
        output.as_json(rows)
    else:
        output.table(
            rows,
            (
                "id",
                "scope",
                "subject",
                "action",
                "since_at",
                "until_at",
                "reason",
                "placed_at",
                "released_at",
            ),
        )


@holds.command("place")
def place(
    reason: Annotated[str, typer.Argument(help="Why: the case, the authority. It is kept sealed.")],
    subject: Annotated[str, typer.Option(help="One subject's id.")] = "",
    action: Annotated[str, typer.Option(help="An action, or invoice.*")] = "",
    since: Annotated[str, typer.Option(help="From this day on, YYYY-MM-DD, UTC.")] = "",
    until: Annotated[str, typer.Option(help="To the beginning of this day, YYYY-MM-DD, UTC.")] = "",
    everything: Annotated[bool, typer.Option("--everything", help="All of the tenant.")] = False,
    as_json: AsJson = False,
) -> None:
    """Place a hold on one of: a subject, actions, a span of time, everything."""
    given: dict[str, dict[str, Any]] = {
        "subject": {"subject": subject} if subject else {},
        "action": {"action": action} if action else {},
        "time": {"since_us": _day(since), "until_us": _day(until)} if since and until else {},
        "tenant": {"scope": "tenant"} if everything else {},
    }
    chosen = [name for name, fields in given.items() if fields]
    if len(chosen) != 1:
        output.fail("Say what to hold: --subject, --action, --since with --until, or --everything.", code=2)
    with output.told(json_wanted=as_json):
        row = ask("POST", "/v1/holds", body={**given[chosen[0]], "scope": chosen[0], "reason": reason})
    if as_json:
        output.as_json(row)
    else:
        sys.stdout.write(f"Hold {row['id']} stands.\n")
        for erasure in row["began_before"]:
            sys.stdout.write(f"Erasure {erasure} had begun before, and goes on.\n")


@holds.command("release")
def release(hold: Annotated[str, typer.Argument(help="A hold's id, hol_...")]) -> None:
    """Release a hold: what it stood on may go again."""
    with output.told(json_wanted=False):
        answer = ask("POST", named("holds", hold, "release"))
    if "approval_id" in answer:
        sys.stdout.write(f"A person has to agree first: approval {answer['approval_id']}.\n")


@retention.command("show")
def rules(as_json: AsJson = False) -> None:
    """How many days each kind of data is kept, and the bounds."""
    with output.told(json_wanted=as_json):
        rows = ask("GET", "/v1/retention")["rules"]
    if as_json:
        output.as_json(rows)
    else:
        output.table(rows, ("kind", "days", "days_min", "days_max", "title"))


@retention.command("set")
def set_days(
    kind: Annotated[str, typer.Argument(help="A kind of data: `ostiary retention show` lists them.")],
    days: Annotated[int, typer.Argument(help="How many days it is kept.")],
) -> None:
    """Decide how long a kind of data is kept."""
    with output.told(json_wanted=False):
        answer = ask("PUT", "/v1/retention", body={"kind": kind, "days": days})
    if "approval_id" in answer:
        sys.stdout.write(f"A person has to agree first: approval {answer['approval_id']}.\n")


def _day(text: str) -> int:
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * 1_000_000
    except ValueError:
        output.fail(f"{text} is no day: write it as 2026-01-31.", code=2)
