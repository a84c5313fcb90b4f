"""From what a face found in a request to an actor. An API key counts before a session; neither is nobody, and nobody is an actor too."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection

from ostiary.actions import Actor, ActorKind, Surface, Write
from ostiary.cells.pins import Pins
from ostiary.clock import SECOND_US, Clock
from ostiary.db.database import Database
from ostiary.errors import CredentialRefused, OstiaryError, Replayed, SignatureRefused
from ostiary.identity import store
from ostiary.identity.api_keys import customer
from ostiary.identity.api_keys import store as keys_store
from ostiary.identity.api_keys.keys import HeldKey, Keys
from ostiary.identity.presented import Presented
from ostiary.identity.sessions import SessionLimits, Sessions
from ostiary.ids import INSTALL, TenantId
from ostiary.net import signature
from ostiary.vault.sealing import Vault

NONCES_HELD_MAX = 100_000
NONCE_KEPT_S = 2 * signature.TOLERANCE_S + 60
"""A request from the future end of the tolerance is acceptable for twice the tolerance; a minute more for clocks."""

PRUNE_EVERY_S = 600
PRUNE_AFTER_S = 7 * 86400


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who is calling, and rows that must commit together with the call (a nonce that was used up)."""

    actor: Actor
    claims: tuple[Write, ...] = ()


class Gate:
    """`enter` says who is calling. `flush` is for the app to call every few seconds, and at the end."""

    def __init__(
        self, database: Database, vault: Vault, clock: Clock, limits: SessionLimits | None = None, pins: Pins | None = None,
    ) -> None:  # fmt: skip
        self.pins = pins or Pins(database)
        self.keys = Keys(database, vault, clock, self.pins)
        self.sessions = Sessions(database, vault, clock, limits or SessionLimits(), self.pins)
        self._database = database
        self._vault = vault
        self._clock = clock
        self._nonces: OrderedDict[tuple[TenantId, str, str], None] = OrderedDict()
        self._pruned_us = 0
        self.token_actor: Callable[[Presented], Awaitable[Actor]] | None = None
        """Who an OAuth access token speaks for; set by whoever gives such tokens."""

    async def enter(self, presented: Presented) -> Entrance:
        """The actor. Raises CredentialRefused, SignatureRefused, Replayed, StoreUnavailable, KeysUnavailable; Elsewhere or TenantMoves where the credential is
        of a tenant that other processes serve."""
        if presented.bearer is not None:
            return self._with_key(await self.keys.check(presented.bearer), presented)
        if presented.token is not None:
            if self.token_actor is None:
                raise CredentialRefused
            return Entrance(replace(await self.token_actor(presented), address=presented.address))
        if presented.session is not None:
            actor = await self.sessions.check(presented.session)
            return Entrance(replace(actor, address=presented.address))
        return Entrance(Actor(INSTALL, ActorKind.ANONYMOUS, "", address=presented.address))

    async def whose(self, presented: Presented) -> Actor:
        """Whose credential was refused, for the record: a key's own secret names its tenant after it was revoked too; else it is nobody's."""
        nobody = Actor(INSTALL, ActorKind.ANONYMOUS, "", address=presented.address)
        if presented.bearer is None:
            return nobody
        try:
            known = await self.keys.known(presented.bearer)
            if known and not await self.pins.here(known.tenant):  # its log is not ours to write
                return nobody
        except OstiaryError:
            return nobody
        return replace(known, address=presented.address) if known else nobody

    async def flush(self) -> None:
        """Write down last uses, and forget what is long over. Raises StoreUnavailable; nothing depends on it."""
        await self.keys.write_last_uses()
        await self.sessions.write_last_uses()
        now_us = self._clock.now_us()
        if now_us - self._pruned_us >= PRUNE_EVERY_S * SECOND_US:
            self._pruned_us = now_us
            await self._database.change(partial(_prune, now_us=now_us))

    def _with_key(self, key: HeldKey, presented: Presented) -> Entrance:
        held = key.actor
        if held.kind is ActorKind.CUSTOMER:
            return Entrance(self._customer(key, presented))
        # Built field by field: dataclasses.replace costs more than the MAC does.
        actor = Actor(
            held.tenant,
            held.kind,
            held.id,
            held.permissions,
            held.roles,
            held.scopes,
            held.surface,
            held.subject,
            "",
            0,
            held.name,
            presented.address,
        )
        if key.signature_required or presented.signature:
            return Entrance(actor, (self._claim(key, presented),))
        return Entrance(actor)

    def _customer(self, key: HeldKey, presented: Presented) -> Actor:
        """With the tenant's word for who it is, the customer; without, somebody who may submit and reads nothing."""
        if not presented.customer:
            return replace(key.actor, surface=Surface.WRITE_ONLY, address=presented.address)
        now_us = self._clock.now_us()
        secrets = key.live_secrets(now_us)
        subject = customer.check(presented.customer, secrets, tenant=key.tenant, now_s=now_us // SECOND_US)
        # Customers share a key, and nothing else: rates, idempotency keys and approvals go by the actor's id.
        actor_id = f"{key.id}.{self._vault.pseudonym(key.tenant, subject)}"
        return replace(key.actor, id=actor_id, subject=subject, address=presented.address)

    def _claim(self, key: HeldKey, presented: Presented) -> Write:
        now_us = self._clock.now_us()
        secrets = key.live_secrets(now_us)
        if not presented.signature or not secrets:
            raise SignatureRefused
        nonce = signature.check(
            presented.signature,
            secrets,
            method=presented.method,
            path=presented.path,
            body=presented.body,
            now_s=now_us // SECOND_US,
        )
        self._use_nonce((key.tenant, key.id, nonce))
        return partial(
            keys_store.claim_nonce,
            tenant=key.tenant,
            owner=key.id,
            nonce=nonce,
            expires_us=now_us + NONCE_KEPT_S * SECOND_US,
        )

    def _use_nonce(self, used: tuple[TenantId, str, str]) -> None:
        if used in self._nonces:
            raise Replayed
        self._nonces[used] = None
        if len(self._nonces) > NONCES_HELD_MAX:  # the database still knows the older ones
            self._nonces.popitem(last=False)


def _prune(connection: Connection, *, now_us: int) -> None:
    store.prune(connection, INSTALL, now_us - PRUNE_AFTER_S * SECOND_US)
    for tenant in store.all_tenants(connection, INSTALL):
        keys_store.prune_nonces(connection, tenant, now_us)
