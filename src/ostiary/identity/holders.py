"""Who of a tenant holds a permission, for mails to them."""

from dataclasses import dataclass

from sqlalchemy import Connection

from ostiary.access import store as access_store
from ostiary.access.roles import held_by
from ostiary.actions import ActorKind
from ostiary.db.database import Database
from ostiary.identity import store
from ostiary.identity.member_actions import MEMBERS_MAX
from ostiary.identity.sessions import email_place
from ostiary.identity.store import PersonRow
from ostiary.ids import INSTALL, PersonId, TenantId
from ostiary.vault.sealing import Vault


@dataclass(frozen=True, slots=True)
class Holder:
    id: PersonId
    email: str


async def holders(
    database: Database,
    vault: Vault,
    tenant: TenantId,
    permission: str,
    *,
    after: str,
    limit: int,
    among: frozenset[str] = frozenset(),
) -> list[Holder]:
    """Members who hold the permission now, in the order of their ids, from the one after `after`; `among`: of these roles only, empty for all."""

    def look(connection: Connection) -> list[PersonRow]:
        members = store.list_members(connection, tenant, MEMBERS_MAX)
        granted = {role: access_store.granted(connection, tenant, [role]) for role in {member.role for member in members}}  # fmt: skip
        people = sorted(
            member.person
            for member in members
            if member.person > after
            and (not among or member.role in among)
            and permission in held_by(ActorKind.PERSON, granted[member.role])
        )
        found = {row.id: row for row in store.list_people(connection, INSTALL, people[:limit])}
        return [found[person] for person in people[:limit] if person in found]

    rows = await database.run(look)
    return [Holder(row.id, vault.open(email_place(row.id), row.email).decode()) for row in rows]
