"""Who sees what: a tenant's policy names, for each role, the categories that are shown unmasked. What it does not name is masked.

The masker keeps the policy of each tenant in memory, so that masking asks no database. `ready` loads it, a change drops it. A policy that is not loaded
shows nothing: masking fails closed.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ostiary.actions import Actor, JsonValue
from ostiary.db.database import Database
from ostiary.ids import TenantId
from ostiary.privacy import store
from ostiary.privacy.masking import mask_json

POLICIES_MAX = 10_000
"""Tenants whose policy is kept; the one loaded first goes first."""


@dataclass(frozen=True, slots=True)
class Policy:
    """`shown`: role -> the categories that it sees. Version 0 is the policy that nobody has set: nothing is shown to anybody."""

    version: int = 0
    shown: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def reveals(self, roles: frozenset[str]) -> frozenset[str]:
        """What an actor with these roles sees: the union."""
        return frozenset().union(*(self.shown.get(role, frozenset()) for role in roles))


NOTHING_SHOWN = Policy()


class Masker:
    """Masks answers by the tenant's policy and the asker's roles. One for the process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._policies: OrderedDict[TenantId, Policy] = OrderedDict()
        self._changes = 0

    async def ready(self, tenant: TenantId) -> None:
        """Load the tenant's policy, if it is not held. Raises StoreUnavailable."""
        if tenant in self._policies:
            return
        changes = self._changes
        policy = await self.policy(tenant)
        if changes == self._changes:  # else it may be the one before the change
            self._policies[tenant] = policy
            if len(self._policies) > POLICIES_MAX:
                self._policies.popitem(last=False)

    async def policy(self, tenant: TenantId) -> Policy:
        """The tenant's policy as it is stored now. Raises StoreUnavailable."""

        def look(connection: Connection) -> Policy:
            return Policy(store.version(connection, tenant), store.shown(connection, tenant))

        return await self._database.run(look)

    def mask(self, actor: Actor, value: JsonValue) -> tuple[JsonValue, dict[str, int]]:
        """The value as this actor may see it, and what was masked, by category."""
        policy = self._policies.get(actor.tenant, NOTHING_SHOWN)
        return mask_json(value, policy.reveals(actor.roles) if policy.shown else frozenset())

    def forget(self, tenant: TenantId) -> None:
        """Drop what is held of the tenant, after a change."""
        self._changes += 1
        self._policies.pop(tenant, None)
