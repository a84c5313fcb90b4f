"""What can be asked of the authorization server: a person looks at what a client asks for, allows it, and withdraws it; a client exchanges what it got.

`oauth.token` and `oauth.revoke` are the protocol's endpoints, which `oauth_server` speaks with clients. Tokens stand in fields named `secret`, so no record
keeps them.
"""

from dataclasses import replace
from functools import partial
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from ostiary.actions import Action, Actor, ActorKind, Call, Effect, Risk, Route, Trace
from ostiary.errors import Forbidden, NotFound, OAuthClientRefused, OAuthGrantRefused, OAuthUnsupported
from ostiary.identity import people
from ostiary.identity.services import change, look, shown
from ostiary.ids import TenantId
from ostiary.oauth import account_actions, authorization, client_actions, redirects, scopes, store
from ostiary.oauth.authorization import Asked, Request, error_name
from ostiary.oauth.clients import CLIENT_ID_CHARACTERS_MAX, Registered
from ostiary.oauth.grants import ACCESS_S, DAYS_MAX, Issued, Shown
from ostiary.oauth.redirects import URI_CHARACTERS_MAX
from ostiary.oauth.services import OAuth
from ostiary.oauth.store import GrantRow
from ostiary.secret import Secret
from ostiary.shapes import Answer, Nothing, Params

DAYS = 30
LISTED_MAX = 500
CONTRACTS_SHOWN_MAX = 50
TEXT_MAX = 4000

ClientId = Annotated[str, Field(max_length=CLIENT_ID_CHARACTERS_MAX)]
Text = Annotated[str, Field(max_length=TEXT_MAX)]
Hidden = Annotated[SecretStr, Field(max_length=TEXT_MAX)]
_NONE = SecretStr("")


class Ask(Params):
    """An authorization request, as the client sent it (RFC 6749 section 4.1.1)."""

    response_type: Text = ""
    client_id: Text = ""
    redirect_uri: Text = ""
    scope: Text = ""
    state: Text = ""
    resource: Text = ""
    code_challenge: Text = ""
    code_challenge_method: Text = ""


class Allow(Ask):
    """What a person answers: `allowed` is a part of the scopes that were asked for, `days` how long it lasts."""

    allowed: Annotated[
        list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=scopes.SCOPES_MAX)
    ]
    days: Annotated[int, Field(ge=1, le=DAYS_MAX)] = DAYS


class ScopeShown(Answer):
    """A scope and the contracts that it reaches today; `writes` of them change something, or carry something outward."""

    scope: str
    contracts: list[str]
    count: int
    writes: int


class AskShown(Answer):
    """`refused` is empty for a request that may be allowed, else what the client is told at `back`."""

    client: str
    client_name: str
    client_host: str
    redirect: str
    redirect_local: bool
    form_source: str
    resource: str
    scopes: list[ScopeShown]
    refused: str
    back: str
    denied: str


class Allowed(Answer):
    """`secret` is the address to send the person to, with the code in it."""

    secret: str


class AskToken(Params):
    """A token request (RFC 6749 section 4.1.3 and 6), with what the client proved itself by."""

    grant_type: Text
    client_id: ClientId = ""
    client_secret: Hidden | None = None
    code: Hidden = _NONE
    code_verifier: Hidden = _NONE
    redirect_uri: Annotated[str, Field(max_length=URI_CHARACTERS_MAX)] = ""
    refresh_token: Hidden = _NONE
    scope: Text = ""
    resource: Text = ""


class Hold(Answer):
    secret: str


class TokensShown(Answer):
    access: Hold
    refresh: Hold
    expires_in: int
    scope: str


class AskRevoke(Params):
    token: Hidden
    client_id: ClientId = ""
    client_secret: Hidden | None = None


class ListGrants(Params):
    """`whose`: all takes the permission to see API keys."""

    whose: Literal["mine", "all"] = "mine"


class GrantShown(Answer):
    grant: str
    person: str
    client: str
    client_name: str
    client_host: str
    scopes: list[str]
    resource: str
    allowed_at: str
    last_used_at: str
    expires_at: str


class GrantList(Answer):
    grants: list[GrantShown]


class Withdraw(Params):
    grant: Annotated[str, Field(pattern="^ogr_[0-9a-f]{32}$")]


def actions(services: OAuth) -> list[Action]:
    return [
        look("oauth.ask", "Look at what a client asks for", "An authorization request, checked: who asks, what for, and which contracts that would reach.",
             "me.own", Ask, AskShown, partial(ask, services), "/v1/oauth/authorization"),
        change("oauth.allow", "Allow a client to act for one", "Gives the client a code, with which it gets tokens for a part of one's own rights, for a time.",
               "me.own", Allow, Allowed, partial(allow, services), Route("POST", "/v1/oauth/authorization"), risk=Risk.MEDIUM,
               sentence="Let {client_id} act with the scopes {allowed} for {days} days"),
        change("oauth.token", "Exchange a code or refresh token", "The token endpoint. Clients speak with /oauth/token, which takes and gives the protocol's own form.",
               "", AskToken, TokensShown, partial(token, services), Route("POST", "/v1/oauth/token"), public=True),
        change("oauth.revoke", "Revoke a refresh token", "The revocation endpoint. Clients speak with /oauth/revoke. The whole grant ends.",
               "", AskRevoke, Nothing, partial(revoke, services), Route("POST", "/v1/oauth/revoke"), public=True),
        look("oauth.grants", "List connected agents", "What agents have been allowed to do for one, or for everybody here.",
             "me.own", ListGrants, GrantList, partial(grants, services), "/v1/oauth/grants"),
        change("oauth.withdraw", "Withdraw a grant", "The agent's tokens open nothing any more, everywhere, at its next call.",
               "me.own", Withdraw, Nothing, partial(withdraw, services), Route("DELETE", "/v1/oauth/grants/{grant}"),
               sentence="Withdraw the grant {grant}"),
        *client_actions.actions(services),
        *account_actions.actions(services),
    ]  # fmt: skip


async def ask(services: OAuth, call: Call, params: Ask) -> AskShown:
    people.in_session(call.actor)
    request = await authorization.read(services.clients, services.resources, call.tenant, _asked(params))
    found = [await _scope(services, call.actor, scope) for scope in request.scopes]
    denied = _back(services, request, "access_denied")
    refused = error_name(request.error) if request.error else ""
    return AskShown(
        client=request.client.id, client_name=request.client.name, client_host=request.client.host,
        redirect=redirects.shown(request.redirect_uri), redirect_local=redirects.is_local(request.redirect_uri),
        form_source=redirects.form_source(request.redirect_uri), resource=request.resource, scopes=found, refused=refused,
        back=_back(services, request, refused, request.error.detail or request.error.title() if request.error else ""), denied=denied,
    )  # fmt: skip


async def allow(services: OAuth, call: Call, params: Allow) -> Allowed:
    people.in_session(call.actor)
    request = await authorization.read(services.clients, services.resources, call.tenant, _asked(params))
    if request.error:
        raise request.error
    if "contract.call" not in call.actor.permissions:
        raise Forbidden("Your role calls no contracts, so there is nothing that an agent could do for you.")
    allowed = tuple(scope for scope in request.scopes if scope in params.allowed)
    if len(allowed) != len(set(params.allowed)):
        allowed = ()
    code, rows = await services.grants.allow(call.actor, request, allowed, params.days, call.at_us)
    call.write(rows)
    answer = {"code": code.reveal(), "state": request.state, "iss": services.resources.base}
    return Allowed(secret=redirects.with_answer(request.redirect_uri, answer))


async def token(services: OAuth, call: Call, params: AskToken) -> TokensShown:
    if params.grant_type == "authorization_code":
        issued = await _exchanged(services, call, params)
    elif params.grant_type == "refresh_token":
        issued = await _refreshed(services, call, params)
    else:
        raise OAuthUnsupported
    call.write(issued.rows)
    return TokensShown(
        access=Hold(secret=issued.access.reveal()),
        refresh=Hold(secret=issued.refresh.reveal()),
        expires_in=ACCESS_S,
        scope=scopes.joined(issued.scopes),
    )


async def revoke(services: OAuth, call: Call, params: AskRevoke) -> Nothing:
    """An unknown token is no error (RFC 7009 section 2.2)."""
    text = _secret(params.token)
    try:
        tenant = services.grants.tenant_of(text)
    except OAuthGrantRefused:
        return Nothing()
    client = await _proven(services, tenant, params.client_id, params.client_secret)
    if found := await services.grants.revoke(text, client.id, call.at_us):
        call.write(found[1])
    return Nothing()


async def grants(services: OAuth, call: Call, params: ListGrants) -> GrantList:
    everybody = params.whose == "all"
    if everybody and "key.read" not in call.actor.permissions:
        raise Forbidden
    person = "" if everybody else people.in_session(call.actor)
    rows = await services.database.run(
        lambda c: store.standing(c, call.tenant, call.at_us, LISTED_MAX, person=person)
    )
    return GrantList(grants=[_shown(services, call.tenant, row) for row in rows])


async def withdraw(services: OAuth, call: Call, params: Withdraw) -> Nothing:
    row = await services.database.run(lambda c: store.find_grant(c, call.tenant, params.grant))
    mine = call.actor.kind is ActorKind.PERSON and row is not None and row.person == call.actor.id
    if row is None or row.ended_us or not (mine or "key.manage" in call.actor.permissions):
        raise NotFound
    found = row.id
    call.write(lambda c: _must_end(store.end_grants(c, call.tenant, [found], call.at_us, "withdrawn")))
    return Nothing()


def _must_end(count: int) -> None:
    if not count:
        raise NotFound


async def _exchanged(services: OAuth, call: Call, params: AskToken) -> Issued:
    text = _secret(params.code)
    tenant = services.grants.tenant_of(text)
    client = await _proven(services, tenant, params.client_id, params.client_secret)
    shown = Shown(client.id, params.redirect_uri, params.code_verifier.get_secret_value(), params.resource)
    issued = await services.grants.exchange(text, shown, call.at_us)
    call.traces.append(Trace(call.id, "oauth.token", "ran", tenant=tenant, person=issued.person))
    return issued


async def _refreshed(services: OAuth, call: Call, params: AskToken) -> Issued:
    text = _secret(params.refresh_token)
    tenant = services.grants.tenant_of(text)
    client = await _proven(services, tenant, params.client_id, params.client_secret)
    shown = Shown(client.id, resource=params.resource, scope=params.scope)
    return await services.grants.refresh(text, shown, call.at_us)


async def _proven(services: OAuth, tenant: TenantId, client_id: str, secret: SecretStr | None) -> Registered:
    """The client at the token endpoint. One that is known by its document needs no fetch here: its grant says which it is, and it has no secret to check.
    Raises OAuthClientRefused, Elsewhere."""
    await services.database.run(lambda connection: services.pins.check(connection, tenant))
    if client_id.startswith("https://"):
        if secret is not None:
            raise OAuthClientRefused
        return Registered(client_id, "", ())
    client = await services.clients.find(tenant, client_id)
    services.clients.prove(tenant, client, _secret(secret) if secret is not None else None)
    return client


async def _scope(services: OAuth, actor: Actor, scope: str) -> ScopeShown:
    """What the scope reaches of what this person may call today."""
    agent = replace(
        actor,
        kind=ActorKind.AGENT,
        permissions=actor.permissions & {"contract.call"},
        scopes=frozenset({scope}),
    )
    found = [action for action in await services.visible(agent) if action.contract]
    writes = [action for action in found if action.effect is not Effect.NONE or action.egress]
    titles = sorted(action.title for action in found)
    return ScopeShown(
        scope=scope, contracts=titles[:CONTRACTS_SHOWN_MAX], count=len(found), writes=len(writes)
    )


def _asked(params: Ask) -> Asked:
    return Asked(
        params.response_type, params.client_id, params.redirect_uri, params.scope, params.state, params.resource, params.code_challenge,
        params.code_challenge_method,
    )  # fmt: skip


def _back(services: OAuth, request: Request, error: str, description: str = "") -> str:
    """Where the client is told no (RFC 6749 section 4.1.2.1), with our name (RFC 9207); "" where there is nothing to tell."""
    answer = {
        "error": error,
        "error_description": description,
        "state": request.state,
        "iss": services.resources.base,
    }
    return redirects.with_answer(request.redirect_uri, answer) if error else ""


def _secret(text: SecretStr) -> Secret:
    return Secret(text.get_secret_value())


def _shown(services: OAuth, tenant: TenantId, row: GrantRow) -> GrantShown:
    terms = services.grants.terms(tenant, row)
    return GrantShown(
        grant=row.id, person=row.person, client=terms.client_id, client_name=terms.client_name, client_host=terms.client_host,
        scopes=sorted(terms.scopes), resource=terms.resource, allowed_at=shown(row.allowed_us), last_used_at=shown(row.seen_us),
        expires_at=shown(row.expires_us),
    )  # fmt: skip
