"""Who an access token speaks for: an agent that acts for a person, with what that person may at this moment, what the grant says of it, and nothing that is
withheld from agents.

As with sessions nothing is cached: grant, person, membership and role are read at each call, so that what is taken away counts at the next, in every process.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from ostiary.actions import Actor, ActorKind
from ostiary.cells.pins import Pins
from ostiary.clock import SECOND_US, Clock
from ostiary.db.database import Database
from ostiary.errors import CredentialRefused
from ostiary.identity.presented import Presented
from ostiary.ids import PersonId, TenantId, is_id
from ostiary.oauth import scopes, store
from ostiary.oauth._rfc9068 import OWN_ALGORITHMS, audiences, claimed, verified
from ostiary.oauth.grants import Grants, Terms
from ostiary.oauth.issuers import store as issuers_store
from ostiary.oauth.issuers.trust import Trust
from ostiary.oauth.keys import SigningKeys
from ostiary.oauth.resources import Resources
from ostiary.oauth.rights import rights_of
from ostiary.oauth.store import GrantRow

SEEN_EVERY_US = 60 * SECOND_US
SEEN_MAX = 20_000
PREFIX = "ogr_"


class Bearers:
    """Lives on the event loop."""

    def __init__(
        self, database: Database, clock: Clock, keys: SigningKeys, grants: Grants, resources: Resources, trust: Trust, pins: Pins,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._keys = keys
        self._grants = grants
        self._resources = resources
        self._trust = trust
        self._pins = pins
        self._seen: dict[str, tuple[TenantId, int]] = {}

    async def check(self, presented: Presented) -> Actor:
        """Raises CredentialRefused, whatever the reason; Elsewhere, TenantMoves; StoreUnavailable, KeysUnavailable."""
        if presented.token is None:
            raise CredentialRefused
        text = presented.token.reveal()
        wanted = self._resources.of(presented.face, presented.path)
        said = claimed(text)
        if said.issuer != self._resources.base:
            return await self._trust.check(text, said, wanted)
        keys = await self._keys.verifiers(said.kid)
        now_s = self._clock.now_us() // SECOND_US
        claims = verified(text, keys, algorithms=OWN_ALGORITHMS, issuer=self._resources.base, now_s=now_s)
        if not any(self._resources.covers(each, wanted) for each in audiences(claims)):
            raise CredentialRefused
        tenant, grant_id = TenantId(str(claims.get("tenant", ""))), str(claims.get("grant", ""))
        if not is_id(tenant, "ten") or not is_id(grant_id, "ogr"):
            raise CredentialRefused
        actor = await self._database.run(lambda connection: self._actor(connection, tenant, grant_id))
        if actor is None or actor.acts_for != claims.get("sub"):
            raise CredentialRefused
        return replace(actor, scopes=_both(actor.scopes, claims))

    def standing(self, connection: Connection, actor: Actor) -> Actor | None:
        """The actor of a grant with today's rights; None where the grant or its person is gone. What the call itself brought stays."""
        now = self._actor(connection, actor.tenant, actor.id, note=False)
        return replace(now, session=actor.session, address=actor.address) if now else None

    def acts_for(self, connection: Connection, tenant: TenantId, grant_id: str) -> PersonId | None:
        """For whom the agent of this grant acts now; None where the tenant has no such grant, or it or its person is gone."""
        now = self._actor(connection, tenant, grant_id, note=False)
        return PersonId(now.acts_for) if now else None

    async def write_last_uses(self) -> None:
        """Write down when grants were last used. Raises StoreUnavailable; nothing depends on it."""
        seen, self._seen = self._seen, {}
        by_tenant: dict[TenantId, dict[str, int]] = {}
        for grant_id, (tenant, at_us) in seen.items():
            by_tenant.setdefault(tenant, {})[grant_id] = at_us

        def rows(connection: Connection) -> None:
            for tenant, grants in by_tenant.items():
                store.touch_grants(connection, tenant, grants)

        if by_tenant:
            await self._database.change(rows)

    def _actor(
        self, connection: Connection, tenant: TenantId, grant_id: str, *, note: bool = True
    ) -> Actor | None:
        now_us = self._clock.now_us()
        row = store.find_grant(connection, tenant, grant_id)
        if row is None or row.ended_us or not row.begun_us or now_us >= row.expires_us:
            return None
        self._pins.check(connection, tenant)
        if row.issuer and issuers_store.find(connection, tenant, row.issuer) is None:
            return None
        rights = rights_of(connection, tenant, row.person)
        if rights is None:
            return None
        if note:
            self._note(tenant, row, now_us)
        permissions, roles = rights
        terms: Terms = self._grants.terms(tenant, row)
        return Actor(
            tenant, ActorKind.AGENT, row.id, permissions=permissions, roles=roles, scopes=frozenset(terms.scopes), name=terms.client_name,
            acts_for=row.person,
        )  # fmt: skip

    def _note(self, tenant: TenantId, row: GrantRow, now_us: int) -> None:
        if now_us - row.seen_us >= SEEN_EVERY_US and len(self._seen) < SEEN_MAX:
            self._seen[row.id] = (tenant, now_us)


def _both(allowed: frozenset[str] | None, claims: Mapping[str, Any]) -> frozenset[str]:
    """What the grant holds, narrowed to what this token says."""
    said = claims.get("scope", "")
    return frozenset(scopes.read(said) if isinstance(said, str) else ()) & (allowed or frozenset())
