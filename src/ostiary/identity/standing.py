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
from ostiary.identity.api_keys.keys import Keys
from ostiary.ids import INSTALL, PersonId


def standing(database: Database, keys: Keys, clock: Clock) -> Callable[[Actor], Awaitable[Actor | None]]:
    """A function that gives the actor with today's rights, or None where the key was revoked or expired, or the person is no member any more.

    What the call itself brought (session, customer's subject, surface, address) stays as it was.
    """

    def look(connection: Connection, actor: Actor) -> Actor | None:
        if actor.kind is ActorKind.PERSON:
            return _person(connection, actor)
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
