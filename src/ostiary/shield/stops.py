"""The kill switch: what a person has stopped does not pass, in any process, within a second, until a person lets it go on.

Held in memory until a signal says that it changed; where the database cannot be asked nothing passes.
"""

from ostiary.actions import Actor, ActorKind
from ostiary.db.database import Database
from ostiary.db.kept import Kept
from ostiary.errors import Stopped
from ostiary.ids import INSTALL, TenantId
from ostiary.shield import store

TENANTS_MAX = 10_000
MACHINES = frozenset({ActorKind.PROGRAM, ActorKind.AGENT, ActorKind.CUSTOMER})
"""Whoever comes with an API key."""
ALWAYS = "shield."
"""Actions with this prefix are never stopped: they let the others go on."""

Standing = frozenset[tuple[str, str]]
"""What is stopped: (kind, target)."""


class Stops:
    """What is stopped now, of a tenant and of the installation."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: Kept[Standing] = Kept(database.signals, store.STOPPED, most=TENANTS_MAX)

    async def check(self, actor: Actor, action: str) -> None:
        """Raises Stopped where this actor, or this action, is stopped; StoreUnavailable where that cannot be known."""
        if action.startswith(ALWAYS):
            return
        everywhere, here = await self._standing(INSTALL), await self._standing(actor.tenant)
        if not everywhere and not here:
            return
        machine = actor.kind in MACHINES
        if machine and ("everything", "") in everywhere:
            raise Stopped("Everything but people is stopped on this gateway.")
        if machine and ("programs", "") in here:
            raise Stopped("The programs and agents of this tenant are stopped.")
        if machine and ("key", actor.id.partition(".")[0]) in here:
            raise Stopped("This key is stopped.")
        if ("action", action) in here:
            raise Stopped("This action is stopped.")

    async def count(self, tenant: TenantId) -> int:
        """How much of it is stopped. Raises StoreUnavailable."""
        return len(await self._standing(tenant))

    async def _standing(self, tenant: TenantId) -> Standing:
        held = self._kept.get(tenant)
        if held is None:
            mark = self._kept.mark()
            rows = await self._database.run(lambda connection: store.stops(connection, tenant))
            held = frozenset((row.kind, row.target) for row in rows)
            self._kept.keep(tenant, tenant, held, mark)
        return held
