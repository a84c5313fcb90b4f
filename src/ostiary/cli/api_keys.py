"""`ostiary api-keys`: the keys with which programs and agents come in. (`ostiary keys` is about the root key.)"""

import sys
from typing import Annotated, Any

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask, named

api_keys = typer.Typer(
    no_args_is_help=True, help="API keys of programs and agents. (The root key: `ostiary keys`.)"
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
KeyId = Annotated[str, typer.Argument(help="The key's id, twelve characters.")]
Several = list[str]


@api_keys.command("list")
def listed(as_json: AsJson = False) -> None:
    """The keys, without their secrets."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", named("keys"))
    if as_json:
        output.as_json(answer)
    else:
        output.table(
            answer["keys"],
            ("key_id", "name", "kind", "roles", "scopes", "state", "expires_at", "last_used_at"),
        )


@api_keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    kind: Annotated[str, typer.Option(help="program, agent or publishable.")] = "agent",
    role: Annotated[Several | None, typer.Option(help="A role; repeat it for several.")] = None,
    scope: Annotated[
        Several | None, typer.Option(help="Narrow it to this action, or invoice.*; repeat it for several.")
    ] = None,
    contract: Annotated[Several | None, typer.Option(help="For a publishable key: what it may call.")] = None,
    surface: Annotated[str, typer.Option(help="admin, customer or write_only.")] = "admin",
    expires_days: Annotated[int, typer.Option(help="Valid for this many days.")] = 365,
    signature_required: Annotated[
        bool, typer.Option("--signature-required", help="Requests must be signed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is printed, once."""
    body: dict[str, Any] = {
        "name": name, "kind": kind, "roles": role or [], "scopes": scope or None, "contracts": contract or [],
        "surface": surface, "expires_days": expires_days, "signature_required": signature_required,
    }  # fmt: skip
    with output.told(json_wanted=as_json):
        answer = ask("POST", named("keys"), body=body)
    output.as_json(answer) if as_json else sys.stdout.write(answer["secret"] + "\n")


@api_keys.command("rotate")
def rotate(
    key_id: KeyId,
    overlap_s: Annotated[
        int, typer.Option(help="How long the old one stays valid, in seconds; 0 ends it at once.")
    ] = 86400,
    as_json: AsJson = False,
) -> None:
    """Make a new secret for a key. It is printed, once."""
    with output.told(json_wanted=as_json):
        answer = ask("POST", named("keys", key_id, "rotate"), body={"overlap_s": overlap_s})
    output.as_json(answer) if as_json else sys.stdout.write(answer["secret"] + "\n")


@api_keys.command("revoke")
def revoke(key_id: KeyId, as_json: AsJson = False) -> None:
    """End a key, at once and for good."""
    with output.told(json_wanted=as_json):
        answer = ask("POST", named("keys", key_id, "revoke"))
    output.as_json(answer) if as_json else sys.stdout.write("Revoked.\n")
