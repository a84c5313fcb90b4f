"""Who sees what: a tenant's policy names, for each role, the families and categories that are shown unmasked. What it does not name is masked.

The masker keeps the policy of each tenant in memory, so that masking asks no database, until a change is signalled, by whichever process.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ostiary.actions import Actor, JsonValue
from ostiary.db.database import Database
from ostiary.db.kept import Kept
from ostiary.ids import TenantId
from ostiary.privacy import store
from ostiary.privacy.joined import mask_blocks
from ostiary.privacy.masking import mask_json

POLICIES_MAX = 10_000
"""Tenants whose policy is kept."""


@dataclass(frozen=True, slots=True)
class Policy:
    """`shown`: role -> the families and categories that it sees. Version 0 is the policy that nobody has set: nothing is shown to anybody."""

    version: int = 0
    shown: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def reveals(self, roles: frozenset[str]) -> frozenset[str]:
        """What an actor with these roles sees: the union."""
        return frozenset().union(*(self.shown.get(role, frozenset()) for role in roles))


class Masker:
    """Masks answers by the tenant's policy and the asker's roles. One for the process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: Kept[Policy] = Kept(database.signals, store.CHANGED, most=POLICIES_MAX)

    async def ready(self, tenant: TenantId) -> Policy:
        """The tenant's policy, for `mask`; from memory, where it counts. Raises StoreUnavailable."""
        policy = self._kept.get(tenant)
        if policy is None:
            mark = self._kept.mark()
            policy = await self.policy(tenant)
            self._kept.keep(tenant, tenant, policy, mark)
        return policy

    async def policy(self, tenant: TenantId) -> Policy:
        """The tenant's policy as it is stored now. Raises StoreUnavailable."""

        def look(connection: Connection) -> Policy:
            return Policy(store.version(connection, tenant), store.shown(connection, tenant))

        return await self._database.run(look)

    def mask(self, actor: Actor, value: JsonValue, policy: Policy) -> tuple[JsonValue, dict[str, int]]:
        """The value as this actor may see it by its tenant's policy, and what was masked, by family."""
        reveal = policy.reveals(actor.roles) if policy.shown else frozenset[str]()
        value, joined = mask_blocks(value, reveal)
        masked, counts = mask_json(value, reveal)
        return masked, {
            name: joined.get(name, 0) + counts.get(name, 0) for name in joined | counts
        } if joined else counts
