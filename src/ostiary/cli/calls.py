"""`ostiary call` and `ostiary approvals`: asking for a contracted action, and deciding about what waits."""

import json
import sys
from typing import Annotated, Any

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask, named

approvals = typer.Typer(no_args_is_help=True, help="Calls that wait for a person.")

WAIT_STEP_S = 30
WAITING = ("held", "approved", "running")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ApprovalId = Annotated[str, typer.Argument(help="As `ostiary approvals list` shows it.")]


def call(
    action: Annotated[str, typer.Argument(help="The contract's name.")],
    params: Annotated[
        str, typer.Argument(help='Parameters as a JSON object, such as {"invoice_id": "INV-1"}.')
    ] = "{}",
    idempotency_key: Annotated[
        str, typer.Option("--key", help="Idempotency key: same key, same answer, done once.")
    ] = "",
    wait: Annotated[int, typer.Option(help="If it is held, wait this many seconds for the outcome.")] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of it, and do nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Call a contracted action. Exit code 1 if it was refused, failed or rejected; 0 if it is done, or waits for a person."""
    try:
        body = json.loads(params)
    except ValueError:
        output.fail("The parameters are not JSON.", code=2)
    if not isinstance(body, dict):
        output.fail("The parameters are not a JSON object.", code=2)
    with output.told(json_wanted=as_json):
        tried = {"dry_run": "true"} if dry_run else None
        outcome = ask(
            "POST", named("actions", action), body=body, query=tried, idempotency_key=idempotency_key
        )
        while outcome["state"] in WAITING and wait > 0:
            step = min(wait, WAIT_STEP_S)
            outcome = ask("GET", named("calls", outcome["call_id"]), query={"wait_s": str(step)})
            wait -= step
    if as_json:
        output.as_json(outcome)
    elif outcome["state"] == "done":
        output.as_json(outcome["result"])
    elif dry_run:
        _tell_tried(outcome)
    else:
        sys.stdout.write(f"{outcome['call_id']} is {outcome['state']}\n")
        if outcome.get("problem"):
            sys.stderr.write(output.in_words(outcome["problem"]) + "\n")
    raise SystemExit(0 if outcome["state"] in ("done", "previewed", *WAITING) else 1)


def _tell_tried(outcome: dict[str, Any]) -> None:
    """A dry run in words, and the request that would be sent."""
    asks = outcome["decision"] == "ask"
    sys.stdout.write("Nothing was done. A person would be asked first.\n" if asks else "Nothing was done. It would run at once.\n")  # fmt: skip
    for reason in outcome["reasons"] or [{"rule": outcome["rule"]}] if asks else []:
        about = f" {reason['name']}" if reason.get("name") else ""
        sys.stdout.write(output.printable(f"  because {reason['rule']}{about}") + "\n")
    if outcome["request"] is not None:
        output.as_json(outcome["request"])


@approvals.command("list")
def list_approvals(as_json: AsJson = False) -> None:
    """What waits for a person."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", "/v1/approvals")
    if as_json:
        output.as_json(answer)
        return
    rows = [
        {**card, "asked by": card["asked_by"]["name"], "does": in_words(card)} for card in answer["approvals"]
    ]
    output.table(rows, ("id", "action", "risk", "does", "asked by", "expires_at"))


@approvals.command("approve")
def approve(
    approval_id: ApprovalId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask once more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say yes. You are shown what will be done, and asked once more."""
    with output.told(json_wanted=as_json):
        card = ask("GET", named("approvals", approval_id))
        if not (as_json or yes):
            sys.stdout.write(output.printable(in_words(card)) + "\n")
            typer.confirm("Do it?", abort=True)
        answer = ask("POST", named("approvals", approval_id, "approve"), body={"digest": card["digest"]})
    output.as_json(answer) if as_json else sys.stdout.write("Approved.\n")


@approvals.command("allow")
def allow(
    contract: Annotated[str, typer.Argument(help="The contract's name.")],
    agent: Annotated[str, typer.Option(help="The id of the agent's key.")],
    values: Annotated[str, typer.Option(help="The exact parameters as a JSON object.")] = "{}",
    amount_max: Annotated[str, typer.Option(help="The largest amount of one call.")] = "",
    amount_total: Annotated[str, typer.Option(help="Of all of them together; else as much as one.")] = "",
    count: Annotated[int, typer.Option(help="How many calls.", min=1)] = 1,
    hours: Annotated[int, typer.Option(help="For how long.", min=1, max=168)] = 8,
    note: Annotated[str, typer.Option(help="Why, for whoever looks later.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say yes in advance: this agent, these values, up to so much, so often, until then. It takes your second factor."""
    try:
        exact = json.loads(values)
    except ValueError:
        output.fail("The values are not JSON.", code=2)
    body = {
        "agent": agent, "contract": contract, "values": exact, "amount_max": amount_max, "amount_total": amount_total, "count": count,
        "expires_in_s": hours * 3600, "note": note,
    }  # fmt: skip
    with output.told(json_wanted=as_json):
        answer = ask("POST", named("allowances"), body=body)
    output.as_json(answer) if as_json else sys.stdout.write(f"{answer['id']} until {answer['expires_at']}\n")


@approvals.command("allowed")
def allowed(as_json: AsJson = False) -> None:
    """What was allowed beforehand, and what is left of it."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", named("allowances"))
    if as_json:
        output.as_json(answer)
        return
    rows = [{**row, "amount left": row["amount_left"], "values": json.dumps(row["values"])} for row in answer["allowances"]]  # fmt: skip
    output.table(rows, ("id", "agent", "contract", "values", "left", "amount left", "expires_at"))


@approvals.command("disallow")
def disallow(
    allowance_id: Annotated[str, typer.Argument(help="As `ostiary approvals allowed` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Take back what was allowed beforehand."""
    with output.told(json_wanted=as_json):
        answer = ask("DELETE", named("allowances", allowance_id))
    output.as_json(answer) if as_json else sys.stdout.write("Taken back.\n")


@approvals.command("reject")
def reject(
    approval_id: ApprovalId,
    reason: Annotated[str, typer.Option(help="Told to whoever asked.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say no. Nothing is done."""
    with output.told(json_wanted=as_json):
        answer = ask("POST", named("approvals", approval_id, "reject"), body={"reason": reason})
    output.as_json(answer) if as_json else sys.stdout.write("Rejected.\n")


def in_words(card: dict[str, Any]) -> str:
    """The sentence of a card with its values in their places."""
    values = {part["name"]: part["value"] for part in card["parameters"]}
    sentence = card["sentence"] or card["title"]
    for name, value in values.items():
        sentence = sentence.replace("{" + name + "}", str(value))
    return str(sentence)
