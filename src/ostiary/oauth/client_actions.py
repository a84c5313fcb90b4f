"""Clients that an admin registers by hand, and the issuers that an owner trusts."""

from functools import partial
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field
from sqlalchemy import Connection

from ostiary import ids
from ostiary.actions import Action, Call, Risk, Route
from ostiary.errors import Conflict, Fault, InvalidParameters, NotFound
from ostiary.identity.services import Name, change, look, shown
from ostiary.oauth import redirects, scopes, store
from ostiary.oauth.clients import PURPOSE as CLIENT_PURPOSE
from ostiary.oauth.clients import Registered, hashed, opened, sealed
from ostiary.oauth.grants import PURPOSE, client_index
from ostiary.oauth.issuers import store as issuers
from ostiary.oauth.issuers import trust
from ostiary.oauth.issuers.store import IssuerRow
from ostiary.oauth.issuers.trust import Issuer
from ostiary.oauth.outward import located
from ostiary.oauth.scopes import LEAST, SCOPES_MAX
from ostiary.oauth.services import OAuth
from ostiary.oauth.store import ClientRow
from ostiary.secret import Secret
from ostiary.shapes import Answer, Empty, Nothing, Params

CLIENTS_MAX = 200
ISSUERS_MAX = 20
Uri = Annotated[str, Field(min_length=4, max_length=redirects.URI_CHARACTERS_MAX)]
Https = Annotated[str, Field(pattern=r"^https://[!-~]{1,500}$")]
Domain = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){1,8}$")]

ScopeList = Annotated[list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=SCOPES_MAX)]


class Register(Params):
    """`kind`: a public client (an app on somebody's machine) has no secret; a confidential one (a server) gets one."""

    name: Name
    redirect_uris: Annotated[list[Uri], Field(min_length=1, max_length=redirects.URIS_MAX)]
    kind: Literal["public", "confidential"] = "public"


class RegisteredClient(Answer):
    """`secret` is shown this once; empty for a public client."""

    client: str
    secret: str


class ClientShown(Answer):
    client: str
    name: str
    redirect_uris: list[str]
    kind: str
    made_at: str
    made_by: str


class ClientList(Answer):
    clients: list[ClientShown]


class OneClient(Params):
    client: Annotated[str, Field(pattern="^ocl_[0-9a-f]{32}$")]


class TrustIssuer(Params):
    """An authorization server of one's own, such as the company's sign-in. `audience` is what its tokens for this gateway name; `domains` whose email
    addresses it may speak for; `scopes` the most that its tokens may carry. `token_type` jwt: it marks access tokens as plain JWTs."""

    issuer: Https
    audience: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[!-~]+$")]
    domains: Annotated[list[Domain], Field(min_length=1, max_length=20)]
    scopes: ScopeList = Field(default_factory=lambda: [LEAST])
    jwks_url: Annotated[str, Field(pattern=r"^(https://[!-~]{1,500})?$")] = ""
    token_type: Literal["at+jwt", "jwt"] = "at+jwt"  # noqa: S105 - a media type
    ca_pem: Annotated[str, Field(max_length=20_000)] = ""


class IssuerMade(Answer):
    issuer_id: str


class IssuerShown(Answer):
    issuer_id: str
    issuer: str
    audience: str
    domains: list[str]
    scopes: list[str]
    made_at: str
    made_by: str


class IssuerList(Answer):
    issuers: list[IssuerShown]


class OneIssuer(Params):
    issuer_id: Annotated[str, Field(pattern="^ois_[0-9a-f]{32}$")]


def actions(services: OAuth) -> list[Action]:
    return [
        look("oauth.clients", "List OAuth clients", "The clients that were registered here by hand. Others are known by the address of their own document.",
             "key.read", Empty, ClientList, partial(clients, services), "/v1/oauth/clients"),
        change("oauth.client_register", "Register an OAuth client", "For a client that has no document of its own. It may do nothing before a person allows it.",
               "key.manage", Register, RegisteredClient, partial(register, services), Route("POST", "/v1/oauth/clients"), risk=Risk.MEDIUM,
               sentence="Register the client {name}"),
        change("oauth.client_remove", "Remove an OAuth client", "It asks nobody any more, and everything that it was allowed ends.",
               "key.manage", OneClient, Nothing, partial(remove, services), Route("DELETE", "/v1/oauth/clients/{client}"),
               sentence="Remove the client {client}"),
        look("oauth.issuers", "List trusted issuers", "The authorization servers of others whose tokens count here.",
             "tenant.manage", Empty, IssuerList, partial(listed, services), "/v1/oauth/issuers"),
        change("oauth.issuer_trust", "Trust an issuer", "Tokens of this authorization server speak for members whose email address it states.",
               "tenant.manage", TrustIssuer, IssuerMade, partial(trusted, services), Route("POST", "/v1/oauth/issuers"), risk=Risk.HIGH, step_up=True,
               sentence="Trust the issuer {issuer} for {domains}"),
        change("oauth.issuer_forget", "Forget an issuer", "Its tokens open nothing any more, everywhere, at the next call.",
               "tenant.manage", OneIssuer, Nothing, partial(forgotten, services), Route("DELETE", "/v1/oauth/issuers/{issuer_id}"),
               sentence="Forget the issuer {issuer_id}"),
    ]  # fmt: skip


async def clients(services: OAuth, call: Call, _params: Empty) -> ClientList:
    rows = await services.database.run(lambda c: store.clients(c, call.tenant, CLIENTS_MAX))
    found = [(row, opened(services.vault, call.tenant, row)) for row in rows]
    return ClientList(clients=[_client(row, client) for row, client in found])


async def register(services: OAuth, call: Call, params: Register) -> RegisteredClient:
    wrong = [place for place, uri in enumerate(params.redirect_uris) if not redirects.acceptable(uri)]
    if wrong:
        said = "an address over https, of this machine, or of an app's own scheme"
        raise InvalidParameters(faults=tuple(Fault(f"/redirect_uris/{place}", said) for place in wrong))
    await services.vault.prepare(call.tenant, CLIENT_PURPOSE, [])
    client = Registered(ids.new("ocl"), params.name, tuple(params.redirect_uris))
    secret = Secret(ids.token()) if params.kind == "confidential" else None
    mac = hashed(services.vault, call.tenant, client.id, secret) if secret else None
    row = ClientRow(client.id, sealed(services.vault, call.tenant, client), mac, call.at_us, call.actor.id)

    def rows(connection: Connection) -> None:
        if len(store.clients(connection, call.tenant, CLIENTS_MAX)) >= CLIENTS_MAX:
            raise Conflict(f"A tenant has {CLIENTS_MAX} clients at most.")
        store.add(connection, call.tenant, row)

    call.write(rows)
    return RegisteredClient(client=client.id, secret=secret.reveal() if secret else "")


async def remove(services: OAuth, call: Call, params: OneClient) -> Nothing:
    index = client_index(services.vault, call.tenant, params.client)

    def rows(connection: Connection) -> None:
        if not store.remove_client(connection, call.tenant, params.client):
            raise NotFound
        store.end_grants_of(connection, call.tenant, index, call.at_us, "client_removed")

    call.write(rows)
    return Nothing()


async def listed(services: OAuth, call: Call, _params: Empty) -> IssuerList:
    rows = await services.database.run(lambda c: issuers.listed(c, call.tenant, ISSUERS_MAX))
    found = [(row, trust.opened(services.vault, call.tenant, row)) for row in rows]
    return IssuerList(issuers=[_issuer(row, issuer) for row, issuer in found])


async def trusted(services: OAuth, call: Call, params: TrustIssuer) -> IssuerMade:
    """Raises AddressRefused for an address that is not plainly spelled, Conflict where the audience is taken."""
    for url in filter(None, (params.issuer, params.jwks_url)):
        located(url, secure=True)
    if urlsplit(params.issuer).query or params.issuer == services.resources.base:
        raise InvalidParameters(faults=(Fault("/issuer", "another server's address, without a query"),))
    for scope in params.scopes:
        scopes.read(scope)
    await services.vault.prepare(call.tenant, PURPOSE, [])
    issuer = Issuer(
        params.issuer, params.audience, params.jwks_url, tuple(params.domains), tuple(params.scopes), params.token_type == "jwt",  # noqa: S105 - a media type
        params.ca_pem,
    )  # fmt: skip
    issuer_id = ids.new("ois")
    row = IssuerRow(
        issuer_id, trust.sealed(services.vault, call.tenant, issuer_id, issuer), services.trust.place(issuer.issuer, issuer.audience),
        call.at_us, call.actor.id,
    )  # fmt: skip

    def rows(connection: Connection) -> None:
        if len(issuers.listed(connection, call.tenant, ISSUERS_MAX)) >= ISSUERS_MAX:
            raise Conflict(f"A tenant trusts {ISSUERS_MAX} issuers at most.")
        issuers.add(connection, call.tenant, row)

    call.write(rows)
    return IssuerMade(issuer_id=issuer_id)


async def forgotten(services: OAuth, call: Call, params: OneIssuer) -> Nothing:
    def rows(connection: Connection) -> None:
        if not issuers.remove(connection, call.tenant, params.issuer_id):
            raise NotFound

    call.write(rows)
    return Nothing()


def _client(row: ClientRow, client: Registered) -> ClientShown:
    return ClientShown(
        client=row.id, name=client.name, redirect_uris=list(client.redirect_uris), kind="confidential" if row.secret else "public",
        made_at=shown(row.made_us), made_by=row.made_by,
    )  # fmt: skip


def _issuer(row: IssuerRow, issuer: Issuer) -> IssuerShown:
    return IssuerShown(
        issuer_id=row.id, issuer=issuer.issuer, audience=issuer.audience, domains=list(issuer.domains), scopes=list(issuer.scopes),
        made_at=shown(row.made_us), made_by=row.made_by,
    )  # fmt: skip
