"""`ostiary webhooks`: where notices of the running gateway go."""

import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask, named
from ostiary.clock import SECOND_US, SystemClock

webhooks = typer.Typer(no_args_is_help=True, help="Webhooks: signed notices of what happens.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SIGNING = "symmetric (a shared secret, v1) or asymmetric (a key of ours, v1a)."
_SPAN = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400}
EndpointId = Annotated[str, typer.Argument(help="The webhook's id, whk_...")]
DeliveryId = Annotated[str, typer.Argument(help="The delivery's id, dlv_...")]
_of_the_installation = ContextVar("_of_the_installation", default=False)
_SHOWN = ("id", "url", "state", "types", "waiting", "dead", "last_done_at")
_DELIVERED = ("id", "type", "state", "attempts", "status", "code", "created_at", "next_at")


@webhooks.callback()
def whose(
    installation: Annotated[
        bool, typer.Option("--installation", help="The installation's webhooks, which only its operator has.")
    ] = False,
) -> None:
    """Webhooks: signed notices of what happens."""
    _of_the_installation.set(installation)


def _path(*parts: str) -> str:
    """Below the tenant's or, where `--installation` stands before the command, the installation's."""
    return named("install", *parts) if _of_the_installation.get() else named(*parts)


@webhooks.command("list")
def listed(as_json: AsJson = False) -> None:
    """The webhooks, and how deliveries to each stand."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", _path("webhooks"))
    if as_json:
        output.as_json(answer)
    else:
        output.table([_row(each) for each in answer["webhooks"]], _SHOWN)


@webhooks.command("types")
def types(as_json: AsJson = False) -> None:
    """What a webhook can be told of."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", _path("webhook-types"))
    if as_json:
        output.as_json(answer)
    else:
        output.table(answer["types"], ("name", "description", "permission"))


@webhooks.command("add")
def add(
    url: Annotated[str, typer.Argument(help="Where notices are posted.")],
    told: Annotated[
        list[str],
        typer.Option(
            "--type", help="A type, a family such as `approval.*`, or `*`; may be given more than once."
        ),
    ],
    kind: Annotated[
        str, typer.Option("--format", help="standard (Standard Webhooks) or slack.")
    ] = "standard",
    signing: Annotated[str, typer.Option(help=SIGNING)] = "symmetric",
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: AsJson = False,
) -> None:
    """Add a webhook. Its signing secret is printed, once; or its public key."""
    body = {"url": url, "types": told, "format": kind, "signing": signing, "description": description}
    with output.told(json_wanted=as_json):
        answer = ask("POST", _path("webhooks"), body=body)
    if as_json:
        output.as_json(answer)
        return
    made = answer["webhook"]
    signs = f"signing secret, shown this once: {answer['secret']}" if answer["secret"] else f"public key: {made['public_keys'][0]['key']}"  # fmt: skip
    sys.stdout.write(f"{made['id']}\n{signs}\n")


@webhooks.command("pause")
def pause(endpoint_id: EndpointId, as_json: AsJson = False) -> None:
    """Tell it nothing until it is resumed. What waits for it goes on waiting."""
    _put(endpoint_id, paused=True, as_json=as_json)


@webhooks.command("resume")
def resume(endpoint_id: EndpointId, as_json: AsJson = False) -> None:
    """Let it go on, also one that was switched off because it failed."""
    _put(endpoint_id, paused=False, as_json=as_json)


@webhooks.command("rotate")
def rotate(
    endpoint_id: EndpointId,
    overlap_s: Annotated[
        int, typer.Option(help="How long notices are signed with the old one too, in seconds.", min=0)
    ] = 86400,
    signing: Annotated[str, typer.Option(help=SIGNING + " As before if it is not given.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a new signing secret, which is printed, once; or a new key, whose public half is printed."""
    body = {"overlap_s": overlap_s, **({"signing": signing} if signing else {})}
    with output.told(json_wanted=as_json):
        answer = ask("POST", _path("webhooks", endpoint_id, "rotate"), body=body)
    output.as_json(answer) if as_json else sys.stdout.write((answer["secret"] or answer["public_key"]) + "\n")


@webhooks.command("keys")
def keys(endpoint_id: EndpointId, as_json: AsJson = False) -> None:
    """The public keys that verify what it is sent (v1a), the newest first."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", _path("webhooks", endpoint_id))["public_keys"]
    output.as_json(answer) if as_json else output.table(answer, ("key", "until"))


@webhooks.command("test")
def probe(endpoint_id: EndpointId, as_json: AsJson = False) -> None:
    """Send it a notice of type webhook.test; `deliveries` says how it was answered."""
    with output.told(json_wanted=as_json):
        answer = ask("POST", _path("webhooks", endpoint_id, "test"))
    output.as_json(answer) if as_json else sys.stdout.write("on its way\n")


@webhooks.command("deliveries")
def deliveries(
    endpoint_id: EndpointId,
    state: Annotated[str, typer.Option(help="waiting, done, dead or any.")] = "any",
    limit: Annotated[int, typer.Option(help="At most so many, the newest first.", min=1, max=200)] = 50,
    as_json: AsJson = False,
) -> None:
    """What was sent to it, and how it answered."""
    with output.told(json_wanted=as_json):
        answer = ask(
            "GET", _path("webhooks", endpoint_id, "deliveries"), query={"state": state, "limit": str(limit)}
        )
    if as_json:
        output.as_json(answer)
    else:
        output.table(answer["deliveries"], _DELIVERED)


@webhooks.command("delivery")
def delivery(delivery_id: DeliveryId, as_json: AsJson = False) -> None:
    """One delivery: what was posted, and each try."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", _path("webhook-deliveries", delivery_id))
    if as_json:
        output.as_json(answer)
        return
    output.as_json(answer["body"])
    output.table(answer["tried"], ("number", "at", "status", "code", "took_ms"))


@webhooks.command("replay")
def replay(
    which: Annotated[
        str,
        typer.Argument(
            help="A delivery's id (dlv_...), or a webhook's (whk_...): then its dead letters of a time."
        ),
    ],
    since: Annotated[
        str,
        typer.Option(help="Of a webhook: from then on, 2026-11-22T09:00:00Z, or so long ago: 90m, 24h, 7d."),
    ] = "",
    until: Annotated[str, typer.Option(help="Of a webhook: before then, in the same way.")] = "",
    delivered: Annotated[
        bool, typer.Option("--delivered", help="Of a webhook: what was delivered, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send again, with the id that it had."""
    one = not which.startswith("whk_")
    if one and (since or until or delivered):
        raise typer.BadParameter("a single delivery has no time to choose")
    path = _path("webhook-deliveries", which, "replay") if one else _path("webhooks", which, "replay")
    span = {"since_us": _instant_us(since), "until_us": _instant_us(until), "only_failed": not delivered}
    with output.told(json_wanted=as_json):
        answer = ask("POST", path, body=None if one else span)
    output.as_json(answer) if as_json else sys.stdout.write(f"{answer['count']} sent again\n")


def _instant_us(text: str) -> int:
    """0 for none."""
    if not text:
        return 0
    if found := _SPAN.fullmatch(text):
        return SystemClock().now_us() - int(found[1]) * _SECONDS[found[2]] * SECOND_US
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no time: 2026-11-22T09:00:00Z, 90m, 24h, 7d") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * SECOND_US


@webhooks.command("remove")
def remove(endpoint_id: EndpointId, as_json: AsJson = False) -> None:
    """Remove a webhook with its deliveries."""
    with output.told(json_wanted=as_json):
        answer = ask("DELETE", _path("webhooks", endpoint_id))
    output.as_json(answer) if as_json else sys.stdout.write("removed\n")


def _put(endpoint_id: str, *, paused: bool, as_json: bool) -> None:
    with output.told(json_wanted=as_json):
        answer = ask("PUT", _path("webhooks", endpoint_id), body={"paused": paused})
    if as_json:
        output.as_json(answer)
    else:
        output.table([_row(answer)], _SHOWN)


def _row(webhook: dict[str, Any]) -> dict[str, Any]:
    return {**webhook, "types": " ".join(webhook["types"])}
