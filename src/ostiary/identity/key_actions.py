"""API keys and signing secrets, as actions. Nobody makes or renews a key that holds more than they do."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import Connection

from ostiary import ids
from ostiary.access import store as access_store
from ostiary.access.authorise import within
from ostiary.access.roles import BUILT_IN, held_by, must_hold
from ostiary.actions import Action, Actor, Call, Risk, Route, Surface
from ostiary.clock import DAY_US, SECOND_US, rfc3339
from ostiary.errors import Conflict, Fault, Forbidden, InvalidParameters, NotFound, OutOfScope
from ostiary.identity.api_keys import key_text, store
from ostiary.identity.api_keys.keys import (
    KINDS,
    PURPOSE,
    KeyDetails,
    open_details,
    seal_details,
    secret_place,
)
from ostiary.identity.api_keys.store import OF_TENANT, KeyRow, SecretRow, VersionRow
from ostiary.identity.member_actions import RoleName
from ostiary.identity.services import Name, Services, change, look, shown
from ostiary.ids import INSTALL, SubjectId, TenantId
from ostiary.secret import Secret
from ostiary.shapes import Answer, Empty, Nothing, Params

KEYS_MAX = 1000
KEYS_LISTED_MAX = 2000
ROLES_PER_KEY_MAX = 20
SCOPES_PER_KEY_MAX = 200
OVERLAP_S = 86_400
OVERLAP_S_MAX = 30 * 86_400
EXPIRES_DAYS = 365
EXPIRES_DAYS_MAX = 3650
SIGNING_SECRET_LENGTH = 43

KeyId = Annotated[str, Field(pattern="^[0-9A-Za-z]{12}$")]
Pattern = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*(\.\*)?$", max_length=200)]
Overlap = Annotated[int, Field(ge=0, le=OVERLAP_S_MAX)]


class KeyCreate(Params):
    """A program or agent gets roles, and scopes that narrow them (action names, or prefixes such as `invoice.*`; none: not narrowed). A publishable key
    gets a surface and the contracts that it may call."""

    name: Name
    kind: Literal["program", "agent", "publishable"]
    roles: Annotated[tuple[RoleName, ...], Field(max_length=ROLES_PER_KEY_MAX)] = ()
    scopes: Annotated[list[Pattern], Field(max_length=SCOPES_PER_KEY_MAX)] | None = None
    surface: Literal["admin", "customer", "write_only"] = "admin"
    contracts: Annotated[tuple[Pattern, ...], Field(max_length=SCOPES_PER_KEY_MAX)] = ()
    expires_days: Annotated[int, Field(ge=1, le=EXPIRES_DAYS_MAX)] = EXPIRES_DAYS
    signature_required: bool = False


class KeyShown(Answer):
    """`state` is live, expired or revoked."""

    key_id: str
    name: str
    kind: str
    environment: str
    surface: str
    roles: list[str]
    scopes: list[str] | None
    contracts: list[str]
    signature_required: bool
    state: str
    created_by: str
    created_at: str
    expires_at: str
    revoked_at: str
    last_used_at: str


class KeyList(Answer):
    keys: list[KeyShown]


class KeyCreated(Answer):
    """`secret` is the key itself; it is shown this once."""

    secret: str
    key: KeyShown


class KeyNamed(Params):
    key_id: KeyId


class KeyRotate(Params):
    """The old key stays valid for `overlap_s` seconds; 0 ends it at once."""

    key_id: KeyId
    overlap_s: Overlap = OVERLAP_S


class KeyRotated(Answer):
    secret: str
    key_id: str
    previous_valid_until: str


class TenantSecret(Params):
    overlap_s: Overlap = OVERLAP_S


class SigningSecret(Answer):
    """`secret` signs requests (a key's), or customer tokens (the tenant's); it is shown this once. The one before it stays valid for the overlap."""

    secret: str
    version: int
    previous_valid_until: str


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A new key text and what is stored of it."""

    text: Secret
    mac: bytes


def actions(services: Services) -> list[Action]:
    return [
        look("key.list", "List API keys", "The tenant's keys, without their secrets.",
             "key.read", Empty, KeyList, partial(list_keys, services), "/v1/keys"),
        change("key.create", "Create an API key", "The key is shown once. It cannot hold more than you do.",
               "key.manage", KeyCreate, KeyCreated, partial(create, services), Route("POST", "/v1/keys", 201), risk=Risk.MEDIUM, sentence="Create the {kind} key {name}"),
        change("key.rotate", "Rotate an API key", "The same key id with a new secret, shown once; the old one stays valid for the overlap.",
               "key.manage", KeyRotate, KeyRotated, partial(rotate, services), Route("POST", "/v1/keys/{key_id}/rotate"), risk=Risk.MEDIUM, sentence="Rotate the key {key_id}"),
        change("key.revoke", "Revoke an API key", "Counts at once, and for good.",
               "key.manage", KeyNamed, Nothing, partial(revoke, services), Route("POST", "/v1/keys/{key_id}/revoke"), risk=Risk.MEDIUM, sentence="Revoke the key {key_id}"),
        change("key.signing_secret", "Make a key's signing secret", "A new secret for signing requests (Ostiary-Signature), shown once; the one before stays valid for the overlap.",
               "key.manage", KeyRotate, SigningSecret, partial(key_secret, services), Route("POST", "/v1/keys/{key_id}/signing-secret"), risk=Risk.MEDIUM,
               sentence="Make a signing secret for the key {key_id}"),
        change("tenant.signing_secret", "Make the tenant's signing secret", "A new secret for signing customer tokens (Ostiary-Customer), shown once; the one before stays valid for the overlap.",
               "tenant.manage", TenantSecret, SigningSecret, partial(tenant_secret, services), Route("POST", "/v1/tenants/signing-secret"), risk=Risk.MEDIUM),
    ]  # fmt: skip


async def list_keys(services: Services, call: Call, _params: Empty) -> KeyList:
    rows = await services.database.run(
        lambda connection: store.list_keys(connection, call.tenant, KEYS_LISTED_MAX)
    )
    return KeyList(keys=[_shown(services, call.tenant, row, call.at_us) for row in rows])


async def create(services: Services, call: Call, params: KeyCreate) -> KeyCreated:
    _must_fit(params)
    tenant = call.tenant
    await services.database.run(lambda connection: _may_make(connection, call, params))
    await services.vault.prepare(tenant, "key", [SubjectId("")])
    key_id = ids.token(key_text.ID_LENGTH)
    fresh = _fresh(services, key_id, publishable=params.kind == "publishable")
    row = _row(services, call, key_id, params)

    def rows(connection: Connection) -> None:
        _may_make(connection, call, params)
        if store.count_keys(connection, tenant) >= KEYS_MAX:
            raise Conflict(f"A tenant has at most {KEYS_MAX} keys that stand.")
        store.add(connection, tenant, row)
        store.add(connection, INSTALL, VersionRow(key_id, 1, tenant, fresh.mac, call.at_us, 0))

    call.write(rows)
    shown_key = _shown(services, tenant, row, call.at_us)
    return KeyCreated(secret=fresh.text.reveal(), key=shown_key)


async def rotate(services: Services, call: Call, params: KeyRotate) -> KeyRotated:
    tenant, key_id = call.tenant, params.key_id
    row = await services.database.run(lambda connection: _may_renew(services, connection, call, key_id))
    fresh = _fresh(services, key_id, publishable=row.kind == "publishable", environment=row.environment)
    until_us = call.at_us + params.overlap_s * SECOND_US

    def rows(connection: Connection) -> None:
        _may_renew(services, connection, call, key_id)
        newest = store.find_versions(connection, INSTALL, key_id)[0].version
        store.expire_versions(connection, INSTALL, key_id, until_us)
        store.drop_versions(connection, INSTALL, key_id, newest)
        version = VersionRow(key_id, newest + 1, tenant, fresh.mac, call.at_us, 0)
        store.add(connection, INSTALL, version)

    call.write(rows)
    return KeyRotated(secret=fresh.text.reveal(), key_id=key_id, previous_valid_until=rfc3339(until_us))


async def revoke(services: Services, call: Call, params: KeyNamed) -> Nothing:
    tenant, key_id = call.tenant, params.key_id

    def rows(connection: Connection) -> None:
        _standing_key(connection, tenant, key_id)
        store.revoke_key(connection, tenant, key_id, call.at_us)

    await services.database.run(lambda connection: _standing_key(connection, tenant, key_id))
    call.write(rows)
    return Nothing()


async def key_secret(services: Services, call: Call, params: KeyRotate) -> SigningSecret:
    row = await services.database.run(
        lambda connection: _may_renew(services, connection, call, params.key_id)
    )
    if row.kind == "publishable":
        raise Conflict(
            "A publishable key does not sign: its customers come with tokens signed with the tenant's secret."
        )
    return await _new_secret(services, call, params.key_id, params.overlap_s)


async def tenant_secret(services: Services, call: Call, params: TenantSecret) -> SigningSecret:
    return await _new_secret(services, call, OF_TENANT, params.overlap_s)


def _must_fit(params: KeyCreate) -> None:
    """What a kind of key has, and what it has not. Raises InvalidParameters."""
    publishable = params.kind == "publishable"
    faults = [
        Fault(f"/{name}", said)
        for name, wrong, said in (
            ("surface", publishable == (params.surface == "admin"), "publishable keys, and only they, have a customer or write_only surface"),
            ("contracts", publishable != bool(params.contracts), "publishable keys, and only they, are bound to contracts"),
            ("roles", publishable == bool(params.roles), "programs and agents, and only they, have roles"),
            ("scopes", publishable and params.scopes is not None, "a publishable key has no scopes but its contracts"),
        )
        if wrong
    ]  # fmt: skip
    if faults:
        raise InvalidParameters(faults=tuple(faults))


def _may_make(connection: Connection, call: Call, params: KeyCreate) -> None:
    """Raises InvalidParameters for an unknown role, Forbidden or OutOfScope for a key that would hold more than the actor."""
    unknown = [
        Fault(f"/roles/{index}", "there is no such role")
        for index, role in enumerate(params.roles)
        if not access_store.known(connection, call.tenant, role)
    ]
    if unknown:
        raise InvalidParameters(faults=tuple(unknown))
    granted = _granted(connection, call.tenant, params.kind, list(params.roles))
    _must_reach(connection, call.actor, params.roles)
    _must_cover(
        call.actor, granted, list(params.contracts) if params.kind == "publishable" else params.scopes
    )


def _may_renew(services: Services, connection: Connection, call: Call, key_id: str) -> KeyRow:
    """The key. Who renews a key holds its secret, so it may not hold more than they do."""
    row = _standing_key(connection, call.tenant, key_id)
    details = open_details(services.vault, call.tenant, row)
    granted = _granted(connection, call.tenant, row.kind, row.roles.split())
    _must_reach(connection, call.actor, row.roles.split())
    _must_cover(call.actor, granted, details.contracts if row.kind == "publishable" else details.scopes)
    return row


def _granted(connection: Connection, tenant: TenantId, kind: str, roles: list[str]) -> frozenset[str]:
    if kind == "publishable":
        return frozenset({"contract.call"})
    return held_by(KINDS[kind], access_store.granted(connection, tenant, roles))


def _must_reach(connection: Connection, actor: Actor, roles: Iterable[str]) -> None:
    """Contracts and the masking policy go by a role's name, so its name is worth something beside its permissions, and an agent has the name though it
    holds less: it is for who has the role, hands roles out, or holds all of a built-in one. Raises Forbidden."""
    for role in roles:
        if role in actor.roles or "member.manage" in actor.permissions:
            continue
        if role not in BUILT_IN:
            raise Forbidden("A role of the tenant's own is given by who has it, or may change members.")
        must_hold(actor, access_store.granted(connection, actor.tenant, [role]))


def _must_cover(actor: Actor, granted: frozenset[str], scopes: list[str] | None) -> None:
    must_hold(actor, granted)
    if actor.scopes is not None and (scopes is None or not within(scopes, actor.scopes)):
        raise OutOfScope("You cannot give a key wider scopes than your own.")


def _standing_key(connection: Connection, tenant: TenantId, key_id: str) -> KeyRow:
    row = store.find_key(connection, tenant, key_id)
    if row is None:
        raise NotFound
    if row.revoked_us:
        raise Conflict("This key is revoked.")
    return row


def _fresh(services: Services, key_id: str, *, publishable: bool, environment: str = "") -> _Fresh:
    text = key_text.mint(key_id, environment=environment or services.environment, publishable=publishable)
    return _Fresh(text, services.vault.mac(INSTALL, PURPOSE, key_text.parse(text).message))


def _row(services: Services, call: Call, key_id: str, params: KeyCreate) -> KeyRow:
    details = KeyDetails(params.name, params.scopes, list(params.contracts))
    return KeyRow(
        id=key_id,
        kind=params.kind,
        surface=Surface(params.surface).value,
        environment=services.environment,
        roles=" ".join(dict.fromkeys(params.roles)),
        signature_required=params.signature_required,
        created_by=call.actor.id,
        created_us=call.at_us,
        expires_us=call.at_us + params.expires_days * DAY_US,
        revoked_us=0,
        last_used_us=0,
        details=seal_details(services.vault, call.tenant, key_id, details),
    )


async def _new_secret(services: Services, call: Call, owner: str, overlap_s: int) -> SigningSecret:
    tenant, until_us = call.tenant, call.at_us + overlap_s * SECOND_US
    await services.vault.prepare(tenant, "key", [SubjectId("")])
    version = 1 + await services.database.run(
        lambda connection: store.newest_secret(connection, tenant, owner)
    )
    secret = Secret(ids.token(SIGNING_SECRET_LENGTH))
    sealed = services.vault.seal(
        secret_place(tenant, owner, version), secret.reveal().encode(), purpose="key"
    )
    row = SecretRow(owner, version, sealed, call.at_us, 0)

    def rows(connection: Connection) -> None:
        if store.newest_secret(connection, tenant, owner) != version - 1:
            raise Conflict("The secret was changed in the meantime.")
        store.rotate_secret(connection, tenant, row, until_us)

    call.write(rows)
    previous = rfc3339(until_us) if version > 1 else ""
    return SigningSecret(secret=secret.reveal(), version=version, previous_valid_until=previous)


def _shown(services: Services, tenant: TenantId, row: KeyRow, now_us: int) -> KeyShown:
    details = open_details(services.vault, tenant, row)
    expired = row.expires_us and now_us >= row.expires_us
    return KeyShown(
        key_id=row.id,
        name=details.name,
        kind=row.kind,
        environment=row.environment,
        surface=row.surface,
        roles=row.roles.split(),
        scopes=details.scopes,
        contracts=details.contracts,
        signature_required=row.signature_required,
        state="revoked" if row.revoked_us else "expired" if expired else "live",
        created_by=row.created_by,
        created_at=rfc3339(row.created_us),
        expires_at=shown(row.expires_us),
        revoked_at=shown(row.revoked_us),
        last_used_at=shown(row.last_used_us),
    )
