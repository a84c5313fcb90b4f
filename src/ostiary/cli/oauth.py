"""`ostiary oauth`: the clients that were registered by hand, the issuers that are trusted, and what people allowed agents."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask, named

oauth = typer.Typer(no_args_is_help=True, help="OAuth: clients, trusted issuers, what agents were allowed.")
clients = typer.Typer(no_args_is_help=True, help="Clients that were registered by hand.")
issuers = typer.Typer(no_args_is_help=True, help="Authorization servers of others whose tokens count here.")
grants = typer.Typer(no_args_is_help=True, help="What people allowed agents to do for them.")
oauth.add_typer(clients, name="clients")
oauth.add_typer(issuers, name="issuers")
oauth.add_typer(grants, name="grants")

PEM_CHARACTERS_MAX = 20_000
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Several = list[str]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask once more.")]


@clients.command("list")
def list_clients(as_json: AsJson = False) -> None:
    """The registered clients. Others are known by the address of their own document."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", named("oauth", "clients"))
    if as_json:
        output.as_json(answer)
    else:
        output.table(answer["clients"], ("client", "name", "kind", "redirect_uris", "made_at"))


@clients.command("add")
def add_client(
    name: Annotated[str, typer.Argument(help="What people are shown when it asks them.")],
    redirect_uri: Annotated[
        Several,
        typer.Option(
            "--redirect-uri", help="Where answers may be sent, exactly; may be given more than once."
        ),
    ],
    confidential: Annotated[
        bool, typer.Option("--confidential", help="It runs on a server, and gets a secret.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Register a client. It may do nothing before a person allows it. A secret is printed, once."""
    kind = "confidential" if confidential else "public"
    body = {"name": name, "redirect_uris": redirect_uri, "kind": kind}
    with output.told(json_wanted=as_json):
        answer = ask("POST", named("oauth", "clients"), body=body)
    if as_json:
        output.as_json(answer)
        return
    sys.stdout.write(answer["client"] + "\n")
    if answer["secret"]:
        sys.stdout.write(f"secret, shown this once: {answer['secret']}\n")


@clients.command("remove")
def remove_client(
    client: Annotated[str, typer.Argument(help="The client's id, ocl_...")],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove a client. Everything that it was allowed ends."""
    _sure("Everything that people allowed this client ends, and it asks nobody any more.", yes=yes or as_json)
    with output.told(json_wanted=as_json):
        answer = ask("DELETE", named("oauth", "clients", client))
    output.as_json(answer) if as_json else sys.stdout.write("Removed.\n")


@issuers.command("list")
def list_issuers(as_json: AsJson = False) -> None:
    """The trusted issuers."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", named("oauth", "issuers"))
    if as_json:
        output.as_json(answer)
    else:
        output.table(answer["issuers"], ("issuer_id", "issuer", "audience", "domains", "scopes", "made_at"))


@issuers.command("add")
def add_issuer(
    issuer: Annotated[
        str, typer.Argument(help="Its address, spelled as in its metadata: https://sign-in.example.com")
    ],
    audience: Annotated[str, typer.Option(help="What its tokens for this gateway name.")],
    domain: Annotated[
        Several,
        typer.Option(
            "--domain",
            help="It speaks for members with an email address in this domain; may be given more than once.",
        ),
    ],
    scope: Annotated[
        Several | None,
        typer.Option("--scope", help="The most that its tokens carry; contracts:read where none is given."),
    ] = None,
    jwks_url: Annotated[str, typer.Option(help="Where its keys are, if its metadata does not say.")] = "",
    plain_jwt: Annotated[
        bool, typer.Option("--plain-jwt", help="It marks access tokens as JWT, not at+jwt (RFC 9068).")
    ] = False,
    ca_file: Annotated[
        Path | None,
        typer.Option(
            help="Certificates (PEM) to trust instead of the public ones.", exists=True, dir_okay=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Trust another authorization server: its tokens speak for members. It takes your second factor."""
    body = {
        "issuer": issuer, "audience": audience, "domains": domain, "jwks_url": jwks_url,
        "token_type": "jwt" if plain_jwt else "at+jwt", **({"scopes": scope} if scope else {}),
        **({"ca_pem": output.text_from(ca_file, characters_max=PEM_CHARACTERS_MAX)} if ca_file else {}),
    }  # fmt: skip
    with output.told(json_wanted=as_json):
        answer = ask("POST", named("oauth", "issuers"), body=body)
    if not output.waits(answer, json_wanted=as_json):
        output.as_json(answer) if as_json else sys.stdout.write(answer["issuer_id"] + "\n")


@issuers.command("remove")
def remove_issuer(
    issuer_id: Annotated[str, typer.Argument(help="The issuer's id, ois_...")],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Trust an issuer no more. Its tokens open nothing, everywhere, from the next call on."""
    _sure("Agents that come with this issuer's tokens are refused at their next call.", yes=yes or as_json)
    with output.told(json_wanted=as_json):
        answer = ask("DELETE", named("oauth", "issuers", issuer_id))
    output.as_json(answer) if as_json else sys.stdout.write("Forgotten.\n")


@grants.command("list")
def list_grants(
    mine: Annotated[bool, typer.Option("--mine", help="Only what you allowed yourself.")] = False,
    as_json: AsJson = False,
) -> None:
    """What agents were allowed, and for how long."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", named("oauth", "grants"), query={"whose": "mine" if mine else "all"})
    if as_json:
        output.as_json(answer)
    else:
        rows = [{**row, "client": row["client_name"], "for": row["person"]} for row in answer["grants"]]
        output.table(rows, ("grant", "client", "for", "scopes", "resource", "last_used_at", "expires_at"))


@grants.command("revoke")
def revoke_grant(
    grant: Annotated[str, typer.Argument(help="The grant's id, ogr_...")], as_json: AsJson = False
) -> None:
    """Withdraw a grant. Its tokens open nothing, everywhere, from the next call on."""
    with output.told(json_wanted=as_json):
        answer = ask("DELETE", named("oauth", "grants", grant))
    output.as_json(answer) if as_json else sys.stdout.write("Withdrawn.\n")


@oauth.command("upstream-client")
def upstream_client(
    connector: Annotated[str, typer.Argument(help="The connector of an upstream with accounts per person.")],
    issuer: Annotated[str, typer.Option(help="Its authorization server, spelled as in its metadata.")],
    client_id: Annotated[str, typer.Option(help="What this gateway is called there.")],
    client_secret: Annotated[
        bool, typer.Option("--client-secret", help="Set the client's secret: from standard input.")
    ] = False,
    client_secret_file: Annotated[
        Path | None,
        typer.Option(help="Read the client's secret from this file.", exists=True, dir_okay=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what this gateway is at an upstream's authorization server, where it registers no clients by itself."""
    body = {"issuer": issuer, "client_id": client_id}
    if client_secret or client_secret_file:
        body["client_secret"] = output.secret_from(client_secret_file, "Client secret")
    with output.told(json_wanted=as_json):
        answer = ask("PUT", named("oauth", "upstream-clients", connector), body=body)
    if not output.waits(answer, json_wanted=as_json):
        output.as_json(answer) if as_json else sys.stdout.write("Saved.\n")


def _sure(lost: str, *, yes: bool) -> None:
    if not yes:
        sys.stdout.write(lost + "\n")
        typer.confirm("Do it?", abort=True)
