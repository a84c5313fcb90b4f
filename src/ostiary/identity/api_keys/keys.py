"""Checking API keys: one MAC and a look into memory on the hot path.

What is held in memory counts until a signal says that a key, a role or a signing secret of its tenant has changed, in whichever process. A wrong secret and an unknown id take the same steps: checksum, MAC, one look-up by id, one comparison.
"""

import asyncio
import hmac
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection

from ostiary.access import store as access_store
from ostiary.access.roles import held_by
from ostiary.actions import Actor, ActorKind, Surface
from ostiary.cells.pins import Pins
from ostiary.clock import SECOND_US, Clock
from ostiary.db.database import Database
from ostiary.db.kept import Kept
from ostiary.errors import CredentialRefused
from ostiary.identity.api_keys import key_text, store
from ostiary.identity.api_keys.store import OF_TENANT, KeyRow, SecretRow, VersionRow
from ostiary.ids import INSTALL, TenantId, random_bytes
from ostiary.secret import Secret
from ostiary.vault.sealing import Place, Vault

KEYS_HELD_MAX = 20_000
PURPOSE = "api-key"
LAST_USE_EVERY_S = 60

KINDS = {"program": ActorKind.PROGRAM, "agent": ActorKind.AGENT, "publishable": ActorKind.CUSTOMER}


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key as the hot path needs it. `versions` are (MAC, expiry) pairs, an expiry of 0 is never; `actor` is who it speaks for."""

    tenant: TenantId
    id: str
    versions: tuple[tuple[bytes, int], ...]
    expires_us: int
    actor: Actor
    signature_required: bool
    secrets: tuple[tuple[Secret, int], ...]

    def live_secrets(self, now_us: int) -> list[Secret]:
        """The signing secrets that count now: the key's own, or for a publishable key the tenant's."""
        return [secret for secret, until_us in self.secrets if until_us == 0 or now_us < until_us]


@dataclass(frozen=True, slots=True)
class KeyDetails:
    """What is sealed of a key. `scopes` None: not narrowed; `contracts`: what a publishable key may call."""

    name: str
    scopes: list[str] | None
    contracts: list[str]


class Keys:
    """Who an API key speaks for. Lives on the event loop."""

    def __init__(self, database: Database, vault: Vault, clock: Clock, pins: Pins | None = None) -> None:
        self._pins = pins or Pins(database)
        self._database = database
        self._vault = vault
        self._clock = clock
        self._kept: Kept[HeldKey] = Kept(
            database.signals, store.CHANGED, access_store.CHANGED, most=KEYS_HELD_MAX
        )
        self._looking: dict[tuple[str, bytes, int], asyncio.Task[HeldKey | None]] = {}
        self._used: dict[str, tuple[TenantId, int]] = {}
        self._written: dict[str, int] = {}

    async def check(self, bearer: Secret) -> HeldKey:
        """The key, if the text opens it now. Raises CredentialRefused, whatever the reason; Elsewhere, TenantMoves; StoreUnavailable."""
        text = key_text.parse(bearer)
        mac = self._vault.mac(INSTALL, PURPOSE, text.message)
        now_us = self._clock.now_us()
        held = self._kept.get(text.id)
        if held is None or not _opens(held.versions, held.expires_us, mac, now_us):
            held = await self._look_once(text.id, mac)
        if held is None:
            raise CredentialRefused
        self._note_use(held, now_us)
        return held

    async def known(self, bearer: Secret) -> Actor | None:
        """The bare actor (tenant, kind, id; no rights) of a key whose secret this is or was, revoked and expired ones too. Raises CredentialRefused,
        StoreUnavailable."""
        text = key_text.parse(bearer)
        mac = self._vault.mac(INSTALL, PURPOSE, text.message)

        def find(connection: Connection) -> Actor | None:
            versions = store.find_versions(connection, INSTALL, text.id)
            if not any(hmac.compare_digest(version.mac, mac) for version in versions):
                return None
            row = store.find_key(connection, versions[0].home, text.id)
            return Actor(versions[0].home, KINDS[row.kind], row.id) if row else None

        return await self._database.run(find)

    async def write_last_uses(self) -> None:
        """Write down when keys were last used. Raises StoreUnavailable, and these uses are then not written."""
        used, self._used = self._used, {}
        by_tenant: dict[TenantId, dict[str, int]] = {}
        for key_id, (tenant, at_us) in used.items():
            by_tenant.setdefault(tenant, {})[key_id] = at_us

        def rows(connection: Connection) -> None:
            for tenant, keys in by_tenant.items():
                store.touch_keys(connection, tenant, keys)

        if by_tenant:
            await self._database.change(rows)

    def _note_use(self, held: HeldKey, now_us: int) -> None:
        if now_us - self._written.get(held.id, 0) >= LAST_USE_EVERY_S * SECOND_US:
            if len(self._written) >= KEYS_HELD_MAX:
                self._written.clear()
            self._written[held.id] = now_us
            self._used[held.id] = (held.tenant, now_us)

    async def _look_once(self, key_id: str, mac: bytes) -> HeldKey | None:
        """Callers with the same key share one look-up; not with those who came before a change."""
        asked = (key_id, mac, self._kept.mark())
        task = self._looking.get(asked)
        if task is None:
            task = self._looking[asked] = asyncio.create_task(self._look(*asked))
            task.add_done_callback(lambda done: self._looked(asked, done))
        return await asyncio.shield(task)

    def _looked(self, asked: tuple[str, bytes, int], task: asyncio.Task[HeldKey | None]) -> None:
        del self._looking[asked]
        if not task.cancelled():
            task.exception()  # whoever waits has it; nobody waiting is no reason to warn

    async def _look(self, key_id: str, mac: bytes, mark: int) -> HeldKey | None:
        found = await self._database.run(lambda connection: self._find(connection, key_id, mac))
        if found is not None:
            self._kept.keep(found.tenant, key_id, found, mark)
        return found

    def _find(self, connection: Connection, key_id: str, mac: bytes) -> HeldKey | None:
        now_us = self._clock.now_us()
        versions = store.find_versions(connection, INSTALL, key_id)
        pairs = tuple((version.mac, version.expires_us) for version in versions) or _NOBODY
        if not _opens(pairs, 0, mac, now_us):
            return None
        self._pins.check(connection, versions[0].home)
        row = store.find_key(connection, versions[0].home, key_id)
        if row is None or row.revoked_us or _over(row.expires_us, now_us):
            return None
        return self._held_key(connection, versions, row)

    def _held_key(self, connection: Connection, versions: list[VersionRow], row: KeyRow) -> HeldKey:
        tenant = versions[0].home
        owner = OF_TENANT if row.kind == "publishable" else row.id
        secrets = store.live_secrets(connection, tenant, owner, self._clock.now_us())
        return HeldKey(
            tenant=tenant,
            id=row.id,
            versions=tuple((version.mac, version.expires_us) for version in versions),
            expires_us=row.expires_us,
            actor=self._actor(connection, tenant, row),
            signature_required=row.signature_required,
            secrets=tuple(
                (open_secret(self._vault, tenant, secret), secret.expires_us) for secret in secrets
            ),
        )

    def standing(self, connection: Connection, actor: Actor, now_us: int) -> Actor | None:
        """The key's actor with today's rights, or None where the key is revoked or expired; what the call brought with it stays."""
        key_id = actor.id.partition(".")[0]  # a customer's id is the key's and a pseudonym
        row = store.find_key(connection, actor.tenant, key_id)
        if row is None or row.revoked_us or _over(row.expires_us, now_us):
            return None
        now = self._actor(connection, actor.tenant, row)
        return replace(
            now,
            id=actor.id,
            surface=actor.surface,
            subject=actor.subject,
            session=actor.session,
            address=actor.address,
        )

    def _actor(self, connection: Connection, tenant: TenantId, row: KeyRow) -> Actor:
        kind = KINDS[row.kind]
        roles = frozenset(row.roles.split())
        details = open_details(self._vault, tenant, row)
        if kind is ActorKind.CUSTOMER:
            return Actor(
                tenant,
                kind,
                row.id,
                permissions=frozenset({"contract.call"}),
                scopes=frozenset(details.contracts),
                surface=Surface(row.surface),
                name=details.name,
            )
        return Actor(
            tenant,
            kind,
            row.id,
            permissions=held_by(kind, access_store.granted(connection, tenant, roles)),
            roles=roles,
            scopes=None if details.scopes is None else frozenset(details.scopes),
            name=details.name,
        )


_NOBODY = ((random_bytes(32), 0),)
"""What an unknown key is compared with, so that it costs what a wrong one does."""


def _opens(versions: tuple[tuple[bytes, int], ...], expires_us: int, mac: bytes, now_us: int) -> bool:
    fits = False
    for version, until_us in versions:
        fits |= hmac.compare_digest(version, mac) and not _over(until_us, now_us)
    return fits and not _over(expires_us, now_us)


def _over(expires_us: int, now_us: int) -> bool:
    return expires_us != 0 and now_us >= expires_us


def details_place(tenant: TenantId, key_id: str) -> Place:
    return Place(tenant, "api_key", "details", key_id)


def open_details(vault: Vault, tenant: TenantId, row: KeyRow) -> KeyDetails:
    opened = vault.open_json(details_place(tenant, row.id), row.details)
    return KeyDetails(opened["name"], opened["scopes"], opened["contracts"])


def seal_details(vault: Vault, tenant: TenantId, key_id: str, details: KeyDetails) -> bytes:
    """Prepare the key of purpose "key" before."""
    return vault.seal_json(details_place(tenant, key_id), asdict(details), purpose="key")


def secret_place(tenant: TenantId, owner: str, version: int) -> Place:
    return Place(tenant, "signing_secret", "secret", f"{owner}/{version}")


def open_secret(vault: Vault, tenant: TenantId, row: SecretRow) -> Secret:
    return Secret(vault.open(secret_place(tenant, row.owner, row.version), row.secret).decode())
