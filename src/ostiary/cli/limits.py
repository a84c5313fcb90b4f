"""`ostiary limits`: what may be done at most of what was agreed."""

from typing import Annotated

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask, named

limits = typer.Typer(no_args_is_help=True, help="Limits: what agents, keys and people may do at most.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LimitId = Annotated[str, typer.Argument(help="The limit's id, lim_...")]


@limits.command("list")
def listed(as_json: AsJson = False) -> None:
    """The limits, and how much of each is used now."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", named("limits"))
    if as_json:
        output.as_json(answer)
        return
    rows = [
        {**row, "used": ", ".join(f"{each['who']}: {each['used']}" for each in row["used"])}
        for row in answer["limits"]
    ]
    output.table(rows, ("limit_id", "words", "whom", "target", "actions", "used"))


@limits.command("set")
def set_limit(
    whom: Annotated[
        str, typer.Argument(help="tenant, key, agent, session or person: whose use counts together.")
    ],
    measure: Annotated[str, typer.Argument(help="calls, rows, money, tokens or hours.")],
    most: Annotated[str, typer.Argument(help="How much, such as 500 or 12.50; nothing for hours.")] = "",
    per: Annotated[str, typer.Option(help="hour, day, week or month (UTC).")] = "",
    target: Annotated[str, typer.Option(help="Only this key, session or person, by its id.")] = "",
    actions: Annotated[str, typer.Option(help="Only this contract, or invoice.* for several.")] = "",
    currency: Annotated[str, typer.Option(help="Of money, such as EUR.")] = "",
    hours: Annotated[str, typer.Option(help='Such as "mon-fri 08:00-18:00 Europe/Berlin".')] = "",
    as_json: AsJson = False,
) -> None:
    """Set a limit. It counts in every process within a second."""
    body = {
        "whom": whom, "measure": measure, "most": most, "per": per, "target": target, "actions": actions,
        "currency": currency, "hours": hours,
    }  # fmt: skip
    with output.told(json_wanted=as_json):
        made = ask("POST", named("limits"), body=body)
    if as_json:
        output.as_json(made)
    else:
        typer.echo(f"{made['limit_id']}: {made['words']}")


@limits.command("change")
def change(
    limit_id: LimitId,
    most: Annotated[str, typer.Argument(help="How much from now on.")],
    as_json: AsJson = False,
) -> None:
    """Change how much a limit allows. What is used so far stays counted."""
    with output.told(json_wanted=as_json):
        made = ask("PUT", named("limits", limit_id), body={"most": most})
    if as_json:
        output.as_json(made)
    else:
        typer.echo(f"{made['limit_id']}: {made['words']}")


@limits.command("remove")
def remove(limit_id: LimitId, as_json: AsJson = False) -> None:
    """Remove a limit."""
    with output.told(json_wanted=as_json):
        answer = ask("DELETE", named("limits", limit_id))
    if as_json:
        output.as_json(answer)
