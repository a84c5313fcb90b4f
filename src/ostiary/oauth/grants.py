"""Grants: what a person has allowed a client, as a code, then as short access tokens and refresh tokens that change at each use.

A code and a refresh token name their tenant and their row, and carry a secret of which a keyed hash is kept. Each is spent once, in a transaction of its
own, before anything else is looked at. One that comes a second time was stolen, from the client or by it: the whole grant ends, and with it every token
that came of it, in every process at its next call (RFC 6749 section 4.1.2, RFC 9700 section 4.14.2).
"""

import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from ostiary import ids
from ostiary.actions import Actor, Write
from ostiary.clock import DAY_US, SECOND_US, Clock
from ostiary.db.database import Database
from ostiary.errors import OAuthGrantRefused, OAuthScopeRefused, OAuthTargetRefused, TooMany
from ostiary.ids import PersonId, SubjectId, TenantId
from ostiary.oauth import _rfc7636, scopes, store
from ostiary.oauth._rfc9068 import signed
from ostiary.oauth.authorization import Request
from ostiary.oauth.keys import SigningKeys
from ostiary.oauth.resources import Resources
from ostiary.oauth.store import GrantRow, TokenRow
from ostiary.secret import Secret
from ostiary.vault.sealing import Place, Vault

CODE_S = 60
ACCESS_S = 600
REFRESH_S = 30 * 86_400
"""How long an agent may stay away; the grant's own end comes first where it is nearer."""
DAYS_MAX = 90
PER_PERSON_A_DAY_MAX = 200
PER_CLIENT_MAX = 20
"""Grants of one person to one client, for its installations on several machines; the oldest ends when there are more."""
FORGET_AFTER_US = 30 * DAY_US
PURPOSE = "oauth"
CODE, REFRESH = "oac", "ort"
TOKEN_CHARACTERS_MAX = 300


@dataclass(frozen=True, slots=True)
class Terms:
    """What is sealed of a grant. `scopes` is what was allowed; `days` how long."""

    client_id: str
    client_name: str
    client_host: str
    redirect_uri: str
    scopes: tuple[str, ...]
    resource: str
    challenge: str
    confidential: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What a client shows at the token endpoint; "" for what is absent. `client_id` is proven already where the client has a secret."""

    client_id: str
    redirect_uri: str = ""
    verifier: str = ""
    resource: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Issued:
    """Tokens, and the rows that make them count: commit those with the record of the call."""

    access: Secret
    refresh: Secret
    scopes: tuple[str, ...]
    person: PersonId
    grant: str
    rows: Write


@dataclass(frozen=True, slots=True)
class _Named:
    kind: str
    tenant: TenantId
    id: str
    secret: str


class Grants:
    """Lives on the event loop."""

    def __init__(
        self, database: Database, vault: Vault, clock: Clock, keys: SigningKeys, resources: Resources
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._keys = keys
        self._resources = resources

    async def allow(
        self, actor: Actor, request: Request, allowed: tuple[str, ...], days: int, at_us: int
    ) -> tuple[Secret, Write]:
        """A code for the client, and the rows to commit with the person's consent. `allowed` is a part of what was asked. Raises OAuthScopeRefused, TooMany."""
        if not allowed or not set(allowed) <= set(request.scopes):
            raise OAuthScopeRefused("Allow at least one of the scopes that were asked for, and no other.")
        tenant, person = actor.tenant, PersonId(actor.id)
        await self._vault.prepare(tenant, PURPOSE, [SubjectId(person)])
        digits = ids.new(CODE).partition("_")[2]
        grant_id, code_id = f"ogr_{digits}", f"{CODE}_{digits}"
        client = request.client
        terms = Terms(
            client.id, client.name, client.host, request.redirect_uri, allowed, request.resource, request.challenge,
            client.secret is not None,
        )  # fmt: skip
        grant = GrantRow(
            grant_id, person, client_index(self._vault, tenant, client.id), seal_terms(self._vault, tenant, grant_id, person, terms),
            at_us, 0, 0, at_us + min(days, DAYS_MAX) * DAY_US,
        )  # fmt: skip
        text, mac = self._secret(CODE, tenant, code_id)
        code = TokenRow(code_id, grant_id, False, mac, at_us, at_us + CODE_S * SECOND_US)

        def rows(connection: Connection) -> None:
            if store.count_asked(connection, tenant, person, at_us - DAY_US) >= PER_PERSON_A_DAY_MAX:
                raise TooMany(retry_after_s=3600)
            store.add(connection, tenant, grant)
            store.add(connection, tenant, code)

        return text, rows

    def tenant_of(self, text: Secret) -> TenantId:
        """Whose code or refresh token it says it is. Raises OAuthGrantRefused."""
        return _named(text).tenant

    async def exchange(self, text: Secret, shown: Shown, at_us: int) -> Issued:
        """The first tokens of a grant, for its code. Raises OAuthGrantRefused, OAuthTargetRefused."""
        named = _named(text, CODE)
        row, terms = await self._spent(named, at_us)
        fits = (
            terms.client_id == shown.client_id
            and terms.redirect_uri == shown.redirect_uri
            and _rfc7636.fits(shown.verifier, terms.challenge)
        )
        if not fits:  # the right code in the wrong hands
            await self._end(named.tenant, row.id, at_us, "misused")
            raise OAuthGrantRefused
        self._check_resource(terms, shown)
        return await self._issued(named.tenant, row, terms, terms.scopes, at_us, first=True)

    async def refresh(self, text: Secret, shown: Shown, at_us: int) -> Issued:
        """The next tokens. The scope may be narrowed, never widened (RFC 6749 section 6). Raises OAuthGrantRefused, OAuthScopeRefused, OAuthTargetRefused."""
        named = _named(text, REFRESH)
        row, terms = await self._spent(named, at_us)
        if terms.client_id != shown.client_id:
            await self._end(named.tenant, row.id, at_us, "misused")
            raise OAuthGrantRefused
        self._check_resource(terms, shown)
        wanted = scopes.read(shown.scope) or terms.scopes
        if not set(wanted) <= set(terms.scopes):
            raise OAuthScopeRefused("The grant does not hold that scope.")
        return await self._issued(named.tenant, row, terms, wanted, at_us, first=False)

    async def revoke(self, text: Secret, client_id: str, at_us: int) -> tuple[TenantId, Write] | None:
        """The rows that end a grant by its refresh token (RFC 7009); None for a token that is not one, which is no error there."""
        try:
            named = _named(text, REFRESH)
        except OAuthGrantRefused:
            return None
        row, grant = await self._database.run(lambda connection: self._look(connection, named))
        if row is None or grant is None or not self._fits(row, named):
            return None
        if self.terms(named.tenant, grant).client_id != client_id:
            return None
        return named.tenant, lambda c: _ended(c, named.tenant, grant.id, at_us)

    def terms(self, tenant: TenantId, row: GrantRow) -> Terms:
        found = self._vault.open_json(_place(tenant, row.id), row.details)
        return Terms(**{**found, "scopes": tuple(found["scopes"])})

    def _check_resource(self, terms: Terms, shown: Shown) -> None:
        if shown.resource and self._resources.known(shown.resource) != terms.resource:
            raise OAuthTargetRefused("The grant is for another resource.")

    async def _spent(self, named: _Named, at_us: int) -> tuple[GrantRow, Terms]:
        """The grant behind a code or refresh token that is good and now used up. Raises OAuthGrantRefused."""
        row, grant = await self._database.run(lambda connection: self._look(connection, named))
        fits = self._fits(row, named)
        if row is None or grant is None or not fits or row.refreshes is not (named.kind == REFRESH):
            raise OAuthGrantRefused
        if at_us >= row.expires_us or grant.ended_us or at_us >= grant.expires_us:
            raise OAuthGrantRefused
        first = await self._database.change(lambda c: store.spend(c, named.tenant, row.id, at_us))
        if not first:
            await self._end(named.tenant, grant.id, at_us, "replayed")
            raise OAuthGrantRefused
        return grant, self.terms(named.tenant, grant)

    def _look(self, connection: Connection, named: _Named) -> tuple[TokenRow | None, GrantRow | None]:
        row = store.find_token(connection, named.tenant, named.id)
        return row, store.find_grant(connection, named.tenant, row.grant_id) if row else None

    def _fits(self, row: TokenRow | None, named: _Named) -> bool:
        if row is None:
            return False
        return hmac.compare_digest(row.mac, _hashed(self._vault, named.tenant, named.id, named.secret))

    async def _end(self, tenant: TenantId, grant_id: str, at_us: int, because: str) -> None:
        """In a transaction of its own: the refusal that comes of it undoes its call's rows."""
        await self._database.change(lambda c: store.end_grants(c, tenant, [grant_id], at_us, because))

    async def _issued(
        self,
        tenant: TenantId,
        row: GrantRow,
        terms: Terms,
        wanted: tuple[str, ...],
        at_us: int,
        *,
        first: bool,
    ) -> Issued:
        signer = await self._keys.signer()
        claims = self._claims(tenant, row, terms, wanted, at_us)
        text = signed(signer.key, signer.id, claims)
        refresh_id = ids.new(REFRESH)
        refresh, mac = self._secret(REFRESH, tenant, refresh_id)
        until_us = min(at_us + REFRESH_S * SECOND_US, row.expires_us)
        next_one = TokenRow(refresh_id, row.id, True, mac, at_us, until_us)

        def rows(connection: Connection) -> None:
            stands = store.begin_grant if first else store.hold_grant
            if not stands(connection, tenant, row.id, at_us):
                raise OAuthGrantRefused  # ended in the meantime
            store.add(connection, tenant, next_one)
            if first:
                mine = store.standing(
                    connection,
                    tenant,
                    at_us,
                    PER_CLIENT_MAX * 2,
                    person=row.person,
                    client_index=row.client_index,
                )
                older = [each.id for each in mine[PER_CLIENT_MAX:]]
                store.end_grants(connection, tenant, older, at_us, "too_many")

        return Issued(Secret(text), refresh, wanted, row.person, row.id, rows)

    def _claims(
        self, tenant: TenantId, row: GrantRow, terms: Terms, wanted: tuple[str, ...], at_us: int
    ) -> Mapping[str, Any]:
        """RFC 9068 section 2.2, and where our rows are."""
        now_s = at_us // SECOND_US
        return {
            "iss": self._resources.base,
            "sub": row.person,
            "aud": [terms.resource],
            "client_id": terms.client_id,
            "scope": scopes.joined(wanted),
            "iat": now_s,
            "exp": min(now_s + ACCESS_S, row.expires_us // SECOND_US),
            "jti": ids.token(22),
            "tenant": tenant,
            "grant": row.id,
        }

    def _secret(self, kind: str, tenant: TenantId, token_id: str) -> tuple[Secret, bytes]:
        secret = ids.token()
        text = Secret(f"{kind}.{tenant}.{token_id}.{secret}")
        return text, _hashed(self._vault, tenant, token_id, secret)


def _ended(connection: Connection, tenant: TenantId, grant_id: str, at_us: int) -> None:
    store.end_grants(connection, tenant, [grant_id], at_us, "revoked")


def _named(text: Secret, kind: str = "") -> _Named:
    parts = text.reveal().split(".")
    if len(parts) != 4 or len(text.reveal()) > TOKEN_CHARACTERS_MAX or not text.reveal().isascii():
        raise OAuthGrantRefused
    found = _Named(parts[0], TenantId(parts[1]), parts[2], parts[3])
    if found.kind not in ((kind,) if kind else (CODE, REFRESH)) or not ids.is_id(found.id, found.kind):
        raise OAuthGrantRefused
    if not ids.is_id(found.tenant, "ten"):
        raise OAuthGrantRefused
    return found


def _hashed(vault: Vault, tenant: TenantId, token_id: str, secret: str) -> bytes:
    return vault.mac(tenant, PURPOSE, f"{token_id}|{secret}".encode())


def client_index(vault: Vault, tenant: TenantId, client_id: str) -> bytes:
    return vault.mac(tenant, PURPOSE, f"client|{client_id}".encode())


def seal_terms(vault: Vault, tenant: TenantId, grant_id: str, person: PersonId, terms: Terms) -> bytes:
    return vault.seal_json(
        _place(tenant, grant_id), asdict(terms), purpose=PURPOSE, subject=SubjectId(person)
    )


def _place(tenant: TenantId, grant_id: str) -> Place:
    return Place(tenant, "oauth_grant", "details", grant_id)
