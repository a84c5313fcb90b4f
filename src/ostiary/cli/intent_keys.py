"""`ostiary intent-keys`: whose signatures count as a person's own words. Only public halves are ever read here."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask, named

intent_keys = typer.Typer(
    no_args_is_help=True, help="Intent keys: whose signatures count as a person's own words."
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@intent_keys.command("list")
def listed(as_json: AsJson = False) -> None:
    """The registered keys, revoked ones too."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", named("intent-keys"))
    if as_json:
        output.as_json(answer)
        return
    rows = [
        {
            **row,
            "state": "revoked" if row["revoked_at"] else "counts",
            "speaks for": row["roles"] or "everybody",
        }
        for row in answer["keys"]
    ]
    output.table(rows, ("key_id", "title", "speaks for", "state", "created_by", "created_at", "revoked_at"))


@intent_keys.command("add")
def add(
    title: Annotated[str, typer.Argument(help="Which application signs with it.")],
    file: Annotated[
        Path,
        typer.Argument(
            help="The public half: PEM, as `openssl pkey -pubout` writes it, or 43 characters of base64url. - reads standard input.",
            dir_okay=False,
            allow_dash=True,
        ),
    ],
    role: Annotated[
        list[str] | None, typer.Option(help="It speaks for people with this role; repeat it for several.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let statements count that this key signs. The private half has to be where no agent reads it. It takes your second factor."""
    body = {"title": title, "public_key": _public(file), "roles": role or []}
    with output.told(json_wanted=as_json):
        answer = ask("POST", named("intent-keys"), body=body)
    if not output.waits(answer, json_wanted=as_json):
        output.as_json(answer) if as_json else sys.stdout.write(answer["key_id"] + "\n")


@intent_keys.command("remove")
def remove(
    key_id: Annotated[str, typer.Argument(help="The key's id, ink_...")], as_json: AsJson = False
) -> None:
    """Revoke a key: nothing that it signs counts any more. Sessions that it opened stay open until they are closed."""
    with output.told(json_wanted=as_json):
        answer = ask("DELETE", named("intent-keys", key_id))
    output.as_json(answer) if as_json else sys.stdout.write("Revoked.\n")


def _public(file: Path) -> str:
    from ostiary.provenance import public_key

    text = output.text_from(file, characters_max=public_key.TEXT_CHARACTERS_MAX)
    try:
        return public_key.read(text)
    except public_key.NoPublicKey as error:
        output.fail(str(error), code=2)
