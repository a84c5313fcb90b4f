"""Who an actor is at this moment: for calls that were held or interrupted, whose asker may have lost a right, or everything, since."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from sqlalchemy import Connection

from ostiary.access import store as access_store
from ostiary.access.roles import held_by
from ostiary.actions import Actor, ActorKind
from ostiary.clock import Clock
from ostiary.db.database import Database
from ostiary.identity import store
from ostiary.identity.api_keys import store as key_store
from ostiary.identity.api_keys.keys import Keys
from ostiary.ids import INSTALL, PersonId, TenantId

GRANTED = "ogr_"
"""What the id of an agent begins with that comes with an OAuth token."""

Standing = Callable[[Connection, Actor], Actor | None]


def standing(
    database: Database, keys: Keys, clock: Clock, granted: Standing | None = None
) -> Callable[[Actor], Awaitable[Actor | None]]:
    """A function that gives the actor with today's rights, or None where the key was revoked or expired, or the person is no member any more.

    What the call itself brought (session, customer's subject, surface, address) stays as it was. `granted` knows the agents that come with OAuth tokens.
    """

    def look(connection: Connection, actor: Actor) -> Actor | None:
        if actor.kind is ActorKind.PERSON:
            return _person(connection, actor)
        if actor.id.startswith(GRANTED):
            return granted(connection, actor) if granted else None
        return keys.standing(connection, actor, clock.now_us())

    async def now(actor: Actor) -> Actor | None:
        return await database.run(lambda connection: look(connection, actor))

    return now


def _person(connection: Connection, actor: Actor) -> Actor | None:
    person = PersonId(actor.id)
    member = store.find_member(connection, actor.tenant, person)
    if member is None or store.find_person(connection, INSTALL, person) is None:
        return None
    roles = frozenset({member.role})
    permissions = held_by(ActorKind.PERSON, access_store.granted(connection, actor.tenant, roles))
    return replace(actor, roles=roles, permissions=permissions)


def makers(database: Database) -> Callable[[TenantId, str], Awaitable[str]]:
    """A function that gives who made a key; "" for what is no key of the tenant's."""

    def look(connection: Connection, tenant: TenantId, key_id: str) -> str:
        row = key_store.find_key(connection, tenant, key_id)
        return row.created_by if row else ""

    async def made_by(tenant: TenantId, key_id: str) -> str:
        return await database.run(lambda connection: look(connection, tenant, key_id))

    return made_by


GrantedTo = Callable[[Connection, TenantId, str], PersonId | None]
"""For whom an agent with this grant acts at this moment; None where no such grant stands in the tenant."""


def known_agents(
    database: Database, clock: Clock, granted: GrantedTo
) -> Callable[[TenantId, str, PersonId], Awaitable[bool]]:
    """A function that says whether this person may speak for such an agent: the tenant has a key by this id that stands (a customer's is below its key's), or
    an agent that comes with an OAuth token acts for this very person: what another person says is not what that one wants."""

    def look(connection: Connection, tenant: TenantId, agent: str, person: PersonId) -> bool:
        if agent.startswith(GRANTED):
            return granted(connection, tenant, agent) == person
        row = key_store.find_key(connection, tenant, agent.partition(".")[0])
        return row is not None and not row.revoked_us and not 0 < row.expires_us <= clock.now_us()

    async def exists(tenant: TenantId, agent: str, person: PersonId) -> bool:
        return await database.run(lambda connection: look(connection, tenant, agent, person))

    return exists
