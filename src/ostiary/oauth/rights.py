"""What an agent gets from the person it acts for: what that person may at this moment, and of that only contracts."""

from sqlalchemy import Connection

from ostiary.access import store as access_store
from ostiary.access.roles import held_by
from ostiary.actions import ActorKind
from ostiary.identity import store as identity_store
from ostiary.ids import INSTALL, PersonId, TenantId

GIVEN = frozenset({"contract.call", "me.own"})
"""All that a token can carry of a person's permissions: contracts, and asking what became of one's own calls."""


def rights_of(
    connection: Connection, tenant: TenantId, person: PersonId
) -> tuple[frozenset[str], frozenset[str]] | None:
    """The permissions and the roles; None for who is no member any more."""
    member = identity_store.find_member(connection, tenant, person)
    if member is None or identity_store.find_person(connection, INSTALL, person) is None:
        return None
    roles = frozenset({member.role})
    return held_by(ActorKind.AGENT, access_store.granted(connection, tenant, roles)) & GIVEN, roles
