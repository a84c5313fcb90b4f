"""A token of another authorization server: whose tenant, which person, and nothing more than that tenant's owner agreed to.

Issuer and audience say which tenant. The person is found by the email that the issuer states, and must be a member already, with an address in one of the
domains that the issuer may speak for. From then on the agent is a grant like our own: it is listed, can be withdrawn, and stays withdrawn.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from sqlalchemy import Connection

from ostiary.actions import Actor, ActorKind
from ostiary.cells.pins import Pins
from ostiary.clock import DAY_US, SECOND_US, Clock
from ostiary.db.database import Database
from ostiary.errors import AuthorizationServerRefused, CredentialRefused, OAuthScopeRefused
from ostiary.identity import store as identity_store
from ostiary.identity.services import EMAIL_CHARACTERS_MAX, EMAIL_COLUMN
from ostiary.ids import INSTALL, PersonId, SubjectId, TenantId
from ostiary.oauth import scopes
from ostiary.oauth import store as grants_store
from ostiary.oauth._rfc9068 import ISSUER_ALGORITHMS, Claimed, audiences, verified
from ostiary.oauth.clients import plain_name
from ostiary.oauth.discovery import Reach, server_of
from ostiary.oauth.grants import PURPOSE, Terms, client_index, seal_terms
from ostiary.oauth.issuers import store
from ostiary.oauth.issuers.store import IssuerRow
from ostiary.oauth.outward import Outward
from ostiary.oauth.resources import Resources
from ostiary.oauth.rights import rights_of
from ostiary.oauth.store import GrantRow
from ostiary.vault.sealing import Place, Vault

KEYS_KEPT_US = 600 * SECOND_US
LOOK_AGAIN_US = 30 * SECOND_US
"""A token that names a key which we do not know makes us look for it, this often at most."""
ISSUERS_HELD_MAX = 500
KEYS_MAX = 50
LASTING_US = 3650 * DAY_US


@dataclass(frozen=True, slots=True)
class Issuer:
    """What is sealed of an issuer. `scopes` is the most that its tokens may carry; `domains` whose people it may speak for; `plain_type`: it marks its
    access tokens as `JWT`, as older servers do."""

    issuer: str
    audience: str
    jwks_url: str
    domains: tuple[str, ...]
    scopes: tuple[str, ...]
    plain_type: bool
    ca_pem: str = ""


class Trust:
    """Lives on the event loop."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        outward: Outward,
        resources: Resources,
        pins: Pins,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._outward = outward
        self._resources = resources
        self._pins = pins
        self._keys: OrderedDict[str, tuple[int, KeySet]] = OrderedDict()

    async def check(self, text: str, said: Claimed, wanted: str) -> Actor:
        """Raises CredentialRefused, whatever the reason; AuthorizationServerRefused or a target error where the issuer's keys cannot be had."""
        tenant, row = await self._database.run(lambda connection: self._home(connection, said))
        issuer = opened(self._vault, tenant, row)
        keys = await self._keys_of(row.id, issuer, said.kid)
        now_us = self._clock.now_us()
        claims = verified(
            text, keys, algorithms=ISSUER_ALGORITHMS, issuer=issuer.issuer, now_s=now_us // SECOND_US, strict_type=not issuer.plain_type,
        )  # fmt: skip
        self._check_audience(issuer, claims, wanted)
        email = _email(claims, issuer.domains)
        person = await self._database.run(lambda connection: self._person(connection, tenant, email))
        await self._vault.prepare(tenant, PURPOSE, [SubjectId(person)])
        fresh = self._grant(tenant, row, issuer, claims, person, now_us)
        held = await self._database.run(lambda c: self._actor(c, tenant, fresh.id, person))
        if held is None:
            await self._database.change(lambda c: grants_store.add_once(c, tenant, fresh))
            held = await self._database.run(lambda c: self._actor(c, tenant, fresh.id, person))
        if held is None:
            raise CredentialRefused
        actor = held
        return Actor(
            tenant, ActorKind.AGENT, actor.id, permissions=actor.permissions, roles=actor.roles, scopes=_scopes(claims, issuer.scopes),
            name=_client(claims), acts_for=person,
        )  # fmt: skip

    def place(self, issuer: str, audience: str) -> bytes:
        """The keyed hash by which a token's tenant is found."""
        return self._vault.mac(INSTALL, "oauth-issuer", f"{issuer}\n{audience}".encode())

    def _home(self, connection: Connection, said: Claimed) -> tuple[TenantId, IssuerRow]:
        places = [self.place(said.issuer, audience) for audience in said.audiences]
        found = store.homes(connection, INSTALL, places) if places else []
        if len({tenant for tenant, _ in found}) != 1:
            raise CredentialRefused
        tenant, issuer_id = found[0]
        self._pins.check(connection, tenant)
        row = store.find(connection, tenant, issuer_id)
        if row is None:
            raise CredentialRefused
        return tenant, row

    def _check_audience(self, issuer: Issuer, claims: Mapping[str, Any], wanted: str) -> None:
        said = audiences(claims)
        if issuer.audience not in said:
            raise CredentialRefused
        ours = issuer.audience.startswith(self._resources.base)
        if ours and not self._resources.covers(issuer.audience, wanted):
            raise CredentialRefused

    def _person(self, connection: Connection, tenant: TenantId, email: str) -> PersonId:
        index = self._vault.blind(INSTALL, EMAIL_COLUMN, email)
        person = identity_store.find_person_by_email(connection, INSTALL, index)
        if person is None or identity_store.find_member(connection, tenant, person.id) is None:
            raise CredentialRefused
        return person.id

    def _grant(
        self,
        tenant: TenantId,
        row: IssuerRow,
        issuer: Issuer,
        claims: Mapping[str, Any],
        person: PersonId,
        now_us: int,
    ) -> GrantRow:
        """The row for this person and this client of this issuer: always the same one."""
        client = _client(claims)
        name = self._vault.mac(tenant, PURPOSE, f"{row.id}|{person}|{client}".encode())
        grant_id = f"ogr_{name[:16].hex()}"
        terms = Terms(client, client, issuer.issuer, "", issuer.scopes, issuer.audience, "")
        sealed_terms = seal_terms(self._vault, tenant, grant_id, person, terms)
        index = client_index(self._vault, tenant, client)
        return GrantRow(
            grant_id, person, index, sealed_terms, now_us, now_us, now_us, now_us + LASTING_US, issuer=row.id
        )

    def _actor(
        self, connection: Connection, tenant: TenantId, grant_id: str, person: PersonId
    ) -> Actor | None:
        """Raises CredentialRefused where the grant was withdrawn."""
        row = grants_store.find_grant(connection, tenant, grant_id)
        if row is None:
            return None
        rights = rights_of(connection, tenant, person)
        if row.ended_us or row.person != person or rights is None:
            raise CredentialRefused
        return Actor(tenant, ActorKind.AGENT, grant_id, permissions=rights[0], roles=rights[1])

    async def _keys_of(self, issuer_id: str, issuer: Issuer, kid: str) -> KeySet:
        now_us = self._clock.now_us()
        held = self._keys.get(issuer_id)
        if held is not None:
            known = any(key.kid == kid for key in held[1].keys) or not kid
            if now_us - held[0] < (KEYS_KEPT_US if known else LOOK_AGAIN_US):
                return held[1]
        reach = Reach(self._outward, ca_pem=issuer.ca_pem)
        url = issuer.jwks_url or (await server_of(reach, issuer.issuer)).jwks_uri
        if not url:
            raise AuthorizationServerRefused("The issuer publishes no keys.")
        found = read_keys((await reach.get(url)).body)
        self._keys[issuer_id] = (now_us, found)
        self._keys.move_to_end(issuer_id)
        if len(self._keys) > ISSUERS_HELD_MAX:
            self._keys.popitem(last=False)
        return found


def read_keys(body: Mapping[str, Any] | None) -> KeySet:
    """The public keys for signatures in a JWK set, of kinds that we take; others are passed over. Raises AuthorizationServerRefused where none is left."""
    listed = body.get("keys") if body else None
    found: list[RSAKey | ECKey | OKPKey] = []
    for each in listed[:KEYS_MAX] if isinstance(listed, list) else []:
        if isinstance(each, dict) and each.get("use", "sig") == "sig" and "d" not in each and "k" not in each:
            found += _key(each)
    if not found:
        raise AuthorizationServerRefused("The issuer publishes no keys that we take.")
    return KeySet(list(found))


def _key(told: dict[str, Any]) -> list[RSAKey | ECKey | OKPKey]:
    try:
        if told.get("kty") == "RSA":
            rsa = RSAKey.import_key(told)
            return [rsa] if rsa.public_key.key_size >= 2048 else []
        if told.get("kty") == "EC" and told.get("crv") == "P-256":
            return [ECKey.import_key(told)]
        if told.get("kty") == "OKP" and told.get("crv") == "Ed25519":
            return [OKPKey.import_key(told)]
    except (JoseError, ValueError, TypeError, KeyError):
        return []
    return []


def _email(claims: Mapping[str, Any], domains: tuple[str, ...]) -> str:
    email = claims.get("email")
    if (
        not isinstance(email, str)
        or len(email) > EMAIL_CHARACTERS_MAX
        or claims.get("email_verified", True) is not True
    ):
        raise CredentialRefused
    if email.rpartition("@")[2].lower() not in domains:
        raise CredentialRefused
    return email


def _client(claims: Mapping[str, Any]) -> str:
    named = claims.get("client_id") or claims.get("azp")
    if not isinstance(named, str) or not plain_name(named):
        raise CredentialRefused
    return plain_name(named)


def _scopes(claims: Mapping[str, Any], most: tuple[str, ...]) -> frozenset[str]:
    """The scopes of ours among the token's: other resources' scopes in it mean nothing here."""
    said = claims.get("scope", claims.get("scp", ""))
    listed = said.split() if isinstance(said, str) else said if isinstance(said, list) else []
    found: set[str] = set()
    for each in listed[: scopes.SCOPES_MAX]:
        try:
            found.update(scopes.read(str(each)))
        except OAuthScopeRefused:
            continue
    return frozenset(found & set(most))


def opened(vault: Vault, tenant: TenantId, row: IssuerRow) -> Issuer:
    found = vault.open_json(_place(tenant, row.id), row.details)
    return Issuer(**{**found, "domains": tuple(found["domains"]), "scopes": tuple(found["scopes"])})


def sealed(vault: Vault, tenant: TenantId, issuer_id: str, issuer: Issuer) -> bytes:
    """Prepare the key of purpose "oauth" before."""
    return vault.seal_json(_place(tenant, issuer_id), asdict(issuer), purpose=PURPOSE)


def _place(tenant: TenantId, issuer_id: str) -> Place:
    return Place(tenant, "oauth_issuer", "details", issuer_id)
