"""Connecting an account: find the authorization server, send the person there, and take what they bring back. As an OAuth 2.1 client must:

PKCE with S256, an exact redirect URI, the resource named (RFC 8707), the issuer checked in what comes back (RFC 9207), and a state that belongs to the
person who began, so that nobody can finish what another has begun.
"""

import hmac
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import quote

from ostiary import ids
from ostiary.actions import Actor, Write
from ostiary.clock import SECOND_US, Clock
from ostiary.db.database import Database
from ostiary.errors import AuthorizationServerRefused, NotFound
from ostiary.ids import PersonId, SubjectId, TenantId
from ostiary.oauth import _rfc7636, discovery
from ostiary.oauth.clients import plain_name
from ostiary.oauth.discovery import Challenge, Reach, Server
from ostiary.oauth.outward import Outward, Reply
from ostiary.oauth.redirects import with_answer
from ostiary.oauth.upstream import store
from ostiary.oauth.upstream.store import AccountRow, FlowRow, RegistrationRow
from ostiary.secret import Secret
from ostiary.vault.sealing import Place, Vault

FLOW_S = 600
PURPOSE = "oauth"
CALLBACK = "/oauth/callback"
PAGE = "/connected"
DOCUMENT = "/oauth/client.json"
TOKEN_CHARACTERS_MAX = 16_000
SCOPE_CHARACTERS_MAX = 1000
LIFE_S_MAX = 366 * 86_400
PROBE = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
"""Asked without a token, so that the system says where tokens come from."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A connected system that takes OAuth tokens: its address, as its tokens name it."""

    url: str
    ca_pem: str = ""


Find = Callable[[TenantId, str], Awaitable[Upstream]]
"""(tenant, connector) -> where it is. Raises NotFound for a connector that is none, or takes no tokens."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What we are at an authorization server. `secret` "" for a public client."""

    issuer: str
    client_id: str
    secret: str = ""
    method: str = "none"


@dataclass(frozen=True, slots=True)
class Way:
    """What is sealed of a flow: everything that its answer has to fit."""

    server: Server
    registration: Registration
    resource: str
    scope: str
    verifier: str
    widened: str = ""
    """Of the scope, what the system said was missing."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What is sealed of an account. `refresh` "" where the server gave none. `widened`: scopes that the person was asked for because the system wanted them:
    for these they are not asked again."""

    access: str
    refresh: str
    scope: str
    resource: str
    token_endpoint: str
    revocation_endpoint: str
    registration: Registration
    widened: str = ""


class Flows:
    """Lives on the event loop. `base` is our own public address."""

    def __init__(
        self, database: Database, vault: Vault, clock: Clock, outward: Outward, find: Find, *, base: str
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._outward = outward
        self._find = find
        self._base = base

    @property
    def redirect_uri(self) -> str:
        return self._base + CALLBACK

    @property
    def page(self) -> str:
        """Where a person connects, and sees what is wanted of their accounts."""
        return self._base + PAGE

    def document(self) -> Mapping[str, Any]:
        """What we are, for authorization servers that read it (client id metadata document)."""
        return {
            "client_id": self._base + DOCUMENT,
            "client_name": "Ostiary",
            "client_uri": self._base,
            "redirect_uris": [self.redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }

    async def begin(self, actor: Actor, connector: str, at_us: int) -> tuple[str, Write]:
        """The address to send the person to, and the rows of the flow. Raises NotFound, AuthorizationServerRefused, AddressRefused, the target errors."""
        upstream = await self._find(actor.tenant, connector)
        reach = self._reach(upstream)
        server, resource, scope = await self._discovered(reach, upstream)
        scope, widened = await self._widened(actor, connector, scope)
        registration, register = await self._registered(actor, connector, reach, server, at_us)
        await self._vault.prepare(actor.tenant, PURPOSE, [SubjectId(actor.id)])
        flow_id, secret, verifier = ids.new("ofl"), ids.token(), _rfc7636.new_verifier()
        way = Way(server, registration, resource, scope, verifier, widened)
        person = PersonId(actor.id)
        row = FlowRow(
            flow_id, connector, person, self._mac(actor.tenant, flow_id, secret), self._sealed_way(actor.tenant, flow_id, person, way),
            at_us + FLOW_S * SECOND_US,
        )  # fmt: skip
        asked = {
            "response_type": "code", "client_id": registration.client_id, "redirect_uri": self.redirect_uri, "scope": scope,
            "state": f"{flow_id}.{secret}", "code_challenge": _rfc7636.challenge_of(verifier), "code_challenge_method": _rfc7636.METHOD,
            "resource": resource,
        }  # fmt: skip

        def rows(connection: Any) -> None:
            store.add_flow(connection, actor.tenant, row)
            if register:
                register(connection)

        return with_answer(server.authorization_endpoint, asked), rows

    async def finish(
        self, actor: Actor, *, state: str, code: str, issuer: str, error: str, at_us: int
    ) -> tuple[str, Write]:
        """The connector, and the row with the person's tokens. Raises NotFound for a flow that is not theirs, or was used or is over;
        AuthorizationServerRefused."""
        tenant, person = actor.tenant, PersonId(actor.id)
        row = await self._flow(tenant, person, state, at_us)
        way = self._opened_way(tenant, row)
        if issuer != way.server.issuer and (issuer or way.server.says_issuer):
            raise AuthorizationServerRefused(
                "The answer comes from another authorization server than the one that was asked."
            )
        if error or not code:
            raise AuthorizationServerRefused(
                "The authorization server said no: " + (plain_name(error) or "no code")
            )
        upstream = await self._find(tenant, row.connector)
        fields = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri, "code_verifier": way.verifier,
            "resource": way.resource,
        }  # fmt: skip
        reply = await posted(self._reach(upstream), way.server.token_endpoint, way.registration, fields)
        blank = Tokens(
            "",
            "",
            way.scope,
            way.resource,
            way.server.token_endpoint,
            way.server.revocation_endpoint,
            way.registration,
            way.widened,
        )
        tokens, expires_us = read_tokens(reply, blank, at_us)
        await self._vault.prepare(tenant, PURPOSE, [SubjectId(person)])
        account = AccountRow(
            row.connector,
            person,
            1,
            seal_tokens(self._vault, tenant, row.connector, person, tokens),
            at_us,
            at_us,
            expires_us,
        )
        return row.connector, lambda connection: store.put_account(connection, tenant, account)

    async def register(self, actor: Actor, connector: str, registration: Registration, at_us: int) -> Write:
        """The row of a client that an admin was given by the authorization server's people. Raises NotFound."""
        await self._find(actor.tenant, connector)
        await self._vault.prepare(actor.tenant, PURPOSE, [])
        row = RegistrationRow(
            connector, self._sealed_registration(actor.tenant, connector, registration), at_us, actor.id
        )
        return lambda connection: store.put_registration(connection, actor.tenant, row)

    async def reach_of(self, tenant: TenantId, connector: str) -> Reach:
        """How to reach the authorization server of a connector. Raises NotFound."""
        return self._reach(await self._find(tenant, connector))

    def _reach(self, upstream: Upstream) -> Reach:
        return Reach(self._outward, secure=upstream.url.startswith("https://"), ca_pem=upstream.ca_pem)

    async def _discovered(self, reach: Reach, upstream: Upstream) -> tuple[Server, str, str]:
        """The server, the resource and the scope to ask for, by what the system says to a request without a token."""
        headers = {"Accept": "application/json, text/event-stream"}
        reply = await reach.outward.post_json(
            upstream.url, PROBE, headers=headers, secure=reach.secure, ca_pem=reach.ca_pem
        )
        challenge = (
            discovery.challenge_of(reply.headers.get("www-authenticate", ""))
            if reply.status == 401
            else Challenge()
        )
        found = await discovery.resource_of(reach, upstream.url, challenge)
        if found is None or not found.servers:
            raise AuthorizationServerRefused("The system does not say which authorization server is its own.")
        server = await discovery.server_of(reach, found.servers[0])
        discovery.must_authorize(server)
        scope = challenge.scope or " ".join(found.scopes)
        return server, found.resource, scope[:SCOPE_CHARACTERS_MAX]

    async def _widened(self, actor: Actor, connector: str, scope: str) -> tuple[str, str]:
        """The scope to ask for, with what the system wanted more the last time; and all that it has ever wanted more of this account."""
        row = await self._database.run(
            lambda c: store.find_account(c, actor.tenant, connector, PersonId(actor.id))
        )
        if row is None:
            return scope, ""
        before = open_tokens(self._vault, actor.tenant, row)
        widened = union(before.widened, open_wanted(self._vault, actor.tenant, row))
        return union(scope, before.scope, widened) if widened else scope, widened

    async def _registered(
        self, actor: Actor, connector: str, reach: Reach, server: Server, at_us: int
    ) -> tuple[Registration, Write | None]:
        """What we are there: as an admin registered it; by our document; or as the server registers us now (RFC 7591)."""
        row = await self._database.run(lambda c: store.find_registration(c, actor.tenant, connector))
        if row is not None:
            known = self._opened_registration(actor.tenant, row)
            if known.issuer == server.issuer:  # credentials of one server are never shown to another
                return known, None
        if server.takes_documents and self._base.startswith("https://"):
            return Registration(server.issuer, self._base + DOCUMENT), None
        if not server.registration_endpoint:
            raise AuthorizationServerRefused(
                "The authorization server must be told of this gateway first: register a client there, and enter it here."
            )
        about = {name: value for name, value in self.document().items() if name != "client_id"}
        asked = {**about, "application_type": "web"}
        reply = await reach.outward.post_json(
            server.registration_endpoint, asked, secure=reach.secure, ca_pem=reach.ca_pem
        )
        made = _read_registration(reply, server.issuer)
        await self._vault.prepare(actor.tenant, PURPOSE, [])
        kept = RegistrationRow(connector, self._sealed_registration(actor.tenant, connector, made), at_us, "")
        return made, lambda connection: store.put_registration(connection, actor.tenant, kept)

    async def _flow(self, tenant: TenantId, person: PersonId, state: str, at_us: int) -> FlowRow:
        flow_id, _, secret = state.partition(".")
        row = None
        if ids.is_id(flow_id, "ofl"):
            row = await self._database.run(lambda connection: store.find_flow(connection, tenant, flow_id))
        if row is None or row.person != person or at_us >= row.expires_us:
            raise NotFound
        if not hmac.compare_digest(row.mac, self._mac(tenant, flow_id, secret)):
            raise NotFound
        if not await self._database.change(lambda c: store.spend_flow(c, tenant, flow_id, at_us)):
            raise NotFound
        return row

    def _mac(self, tenant: TenantId, flow_id: str, secret: str) -> bytes:
        return self._vault.mac(tenant, "oauth-flow", f"{flow_id}|{secret}".encode())

    def _sealed_way(self, tenant: TenantId, flow_id: str, person: PersonId, way: Way) -> bytes:
        return self._vault.seal_json(
            Place(tenant, "oauth_flow", "details", flow_id),
            asdict(way),
            purpose=PURPOSE,
            subject=SubjectId(person),
        )

    def _opened_way(self, tenant: TenantId, row: FlowRow) -> Way:
        found = self._vault.open_json(Place(tenant, "oauth_flow", "details", row.id), row.details)
        server: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in found["server"].items()
        }
        return Way(
            **{**found, "server": Server(**server), "registration": Registration(**found["registration"])}
        )

    def _sealed_registration(self, tenant: TenantId, connector: str, registration: Registration) -> bytes:
        return self._vault.seal_json(
            _registration_place(tenant, connector), asdict(registration), purpose=PURPOSE
        )

    def _opened_registration(self, tenant: TenantId, row: RegistrationRow) -> Registration:
        return Registration(**self._vault.open_json(_registration_place(tenant, row.connector), row.details))


async def posted(reach: Reach, url: str, registration: Registration, fields: Mapping[str, str]) -> Reply:
    """A request at a token or revocation endpoint, as the client that we are there (RFC 6749 section 2.3)."""
    form, headers = dict(fields), {}
    if registration.method == "client_secret_basic":
        pair = f"{quote(registration.client_id, safe='')}:{quote(registration.secret, safe='')}"
        headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()
    else:
        form["client_id"] = registration.client_id
        if registration.method == "client_secret_post":
            form["client_secret"] = registration.secret
    return await reach.outward.post_form(url, form, headers=headers, secure=reach.secure, ca_pem=reach.ca_pem)


def read_tokens(reply: Reply, before: Tokens, at_us: int) -> tuple[Tokens, int]:
    """The tokens of an answer, and when the access token is over; what is not told stays as before. Raises AuthorizationServerRefused."""
    found = reply.body
    if reply.status != 200 or found is None:
        raise AuthorizationServerRefused("The authorization server gave no token: " + error_of(reply))
    access: Any = found.get("access_token")
    refresh: Any = found.get("refresh_token", before.refresh)
    if not _is_token(access) or str(found.get("token_type", "")).lower() != "bearer":
        raise AuthorizationServerRefused("The authorization server gave no bearer token.")
    scope, seconds = found.get("scope", before.scope), found.get("expires_in", 0)
    known = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds <= LIFE_S_MAX
    tokens = replace(
        before, access=access, refresh=refresh if _is_token(refresh) else "",
        scope=scope[:SCOPE_CHARACTERS_MAX] if isinstance(scope, str) else before.scope,
    )  # fmt: skip
    return tokens, at_us + int(seconds * SECOND_US) if known else 0


def error_of(reply: Reply) -> str:
    """The error's name as RFC 6749 section 5.2 has it; only what is one."""
    told = reply.body.get("error") if reply.body else None
    return (
        told
        if isinstance(told, str) and told.isascii() and told.replace("_", "").isalpha() and len(told) < 50
        else str(reply.status)
    )


def seal_tokens(vault: Vault, tenant: TenantId, connector: str, person: PersonId, tokens: Tokens) -> bytes:
    place = _tokens_place(tenant, connector, person)
    return vault.seal_json(place, asdict(tokens), purpose=PURPOSE, subject=SubjectId(person))


def open_tokens(vault: Vault, tenant: TenantId, row: AccountRow) -> Tokens:
    found = vault.open_json(_tokens_place(tenant, row.connector, row.person), row.tokens)
    return Tokens(**{**found, "registration": Registration(**found["registration"])})


def seal_wanted(vault: Vault, tenant: TenantId, row: AccountRow, wanted: str) -> bytes:
    """The scopes that a system says are missing; `Vault.prepare` comes first."""
    place = _wanted_place(tenant, row.connector, row.person)
    return vault.seal(place, wanted.encode(), purpose=PURPOSE, subject=SubjectId(row.person))


def open_wanted(vault: Vault, tenant: TenantId, row: AccountRow) -> str:
    """What the system says is missing; "" where it says nothing."""
    if row.wanted is None:
        return ""
    return vault.open(_wanted_place(tenant, row.connector, row.person), row.wanted).decode()


def union(*scopes: str) -> str:
    """Scopes in the order in which they were first named, each once."""
    return " ".join(dict.fromkeys(name for scope in scopes for name in scope.split()))


def secret_of(tokens: Tokens) -> Secret:
    return Secret(tokens.access)


def _is_token(value: Any) -> bool:
    """RFC 6749 appendix A.12: visible ASCII; and a bound."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= TOKEN_CHARACTERS_MAX
        and all(32 <= ord(each) < 127 for each in value)
    )


def _read_registration(reply: Reply, issuer: str) -> Registration:
    found = reply.body
    client_id = found.get("client_id") if found else None
    if (
        reply.status not in (200, 201)
        or found is None
        or not isinstance(client_id, str)
        or not _is_token(client_id)
    ):
        raise AuthorizationServerRefused(
            "The authorization server did not register this gateway: " + error_of(reply)
        )
    method, secret = found.get("token_endpoint_auth_method", "none"), found.get("client_secret", "")
    if method not in ("none", "client_secret_basic", "client_secret_post") or (
        method != "none" and not _is_token(secret)
    ):
        raise AuthorizationServerRefused(
            "The authorization server wants a proof that this gateway does not give."
        )
    return Registration(issuer, client_id, secret if method != "none" else "", method)


def _tokens_place(tenant: TenantId, connector: str, person: PersonId) -> Place:
    return Place(tenant, "oauth_account", "tokens", f"{connector}/{person}")


def _wanted_place(tenant: TenantId, connector: str, person: PersonId) -> Place:
    return Place(tenant, "oauth_account", "wanted", f"{connector}/{person}")


def _registration_place(tenant: TenantId, connector: str) -> Place:
    return Place(tenant, "oauth_registration", "details", connector)
