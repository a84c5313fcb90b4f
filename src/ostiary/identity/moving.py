"""The people and API keys of a tenant that is pinned to a cell, or comes back from one.

To its cell the installation is another (`ostiary.cells`): who belongs to the tenant gets a row there, sealed with the cell's keys, and signs in there. API keys
go on unchanged. A person who belongs to other tenants too has two accounts meanwhile: one second factor each from then on.
"""

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from ostiary.db.database import Database
from ostiary.db.signals import tell
from ostiary.identity import people, store, totp
from ostiary.identity.api_keys import store as keys_store
from ostiary.identity.api_keys.keys import PURPOSE as API_KEYS
from ostiary.identity.services import EMAIL_COLUMN
from ostiary.identity.sessions import email_place, name_place
from ostiary.identity.store import MemberRow, PersonRow, TenantRow
from ostiary.ids import INSTALL, PersonId, SubjectId, TenantId
from ostiary.vault.sealing import Place, Vault

MEMBERS_MAX = 100_000
_API_KEY_MAC = f"mac/{API_KEYS}"


@dataclass(frozen=True, slots=True)
class Side:
    """An installation: the one, or what a cell has for one."""

    database: Database
    vault: Vault


def close(connection: Connection, tenant: TenantId) -> None:
    """Whoever holds something of the tenant's keys and sessions asks anew."""
    tell(connection, tenant, keys_store.CHANGED)


def go(here: Side, there: Side, tenant: TenantId) -> None:
    """Copy the tenant's people and keys to its cell. Done again, it ends the same."""
    there.vault.keys.share(INSTALL, _API_KEY_MAC, here.vault.keys.named(INSTALL, _API_KEY_MAC))
    members, found = here.database.read(lambda c: _members(c, tenant))
    versions = here.database.read(lambda c: keys_store.versions_of(c, INSTALL, tenant))
    row = here.database.read(lambda c: store.find_tenant(c, INSTALL, tenant))
    moved = [replace(_resealed(here.vault, there.vault, person), operator=False) for person in found]
    named = _renamed(here.vault, there.vault, row) if row else None

    def rows(connection: Connection) -> None:
        if named:
            store.put_tenant(connection, INSTALL, named)
        for person in moved:
            store.put_person(connection, INSTALL, person)
        _belong(connection, tenant, members)
        keys_store.put_versions(connection, INSTALL, tenant, versions)

    there.database.transact(rows)


def come_back(here: Side, there: Side, tenant: TenantId) -> None:
    """Copy what has come to be in the cell back to the installation, whose own rows stay. Done again, it ends the same."""
    _members_there, found = there.database.read(lambda c: _members(c, tenant))
    versions = there.database.read(lambda c: keys_store.versions_of(c, INSTALL, tenant))
    known: dict[PersonId, PersonId] = {}
    fresh: list[PersonRow] = []
    for person in found:
        index = _index(there.vault, here.vault, person)
        standing = here.database.read(lambda c, person=person, index=index: _known(c, person.id, index))  # type: ignore[misc]
        if standing is None:
            fresh.append(_resealed(there.vault, here.vault, person))
        elif standing != person.id:
            known[person.id] = standing

    def renamed(connection: Connection) -> list[MemberRow]:
        """There, where the tenant's keys still are."""
        for old, new in known.items():
            store.rename_member(connection, tenant, old, new)
        return store.list_members(connection, tenant, MEMBERS_MAX)

    members = there.database.transact(renamed)

    def rows(connection: Connection) -> None:
        for person in fresh:
            store.put_person(connection, INSTALL, person)
        _belong(connection, tenant, members)
        keys_store.put_versions(connection, INSTALL, tenant, versions)

    here.database.transact(rows)


def _members(connection: Connection, tenant: TenantId) -> tuple[list[MemberRow], list[PersonRow]]:
    members = store.list_members(connection, tenant, MEMBERS_MAX)
    return members, store.list_people(connection, INSTALL, [member.person for member in members])


def _belong(connection: Connection, tenant: TenantId, members: list[MemberRow]) -> None:
    for gone in set(store.people_of(connection, INSTALL, tenant)) - {member.person for member in members}:
        store.drop_belonging(connection, INSTALL, gone, tenant)
    for member in members:
        store.add_belonging(connection, INSTALL, member.person, tenant, member.added_us)


def _known(connection: Connection, person: PersonId, index: bytes) -> PersonId | None:
    """Who this is here: by the same id, or by the same email."""
    if store.find_person(connection, INSTALL, person) is not None:
        return person
    other = store.find_person_by_email(connection, INSTALL, index)
    return other.id if other is not None else None


def _index(source: Vault, target: Vault, row: PersonRow) -> bytes:
    return target.blind(INSTALL, EMAIL_COLUMN, source.open(email_place(row.id), row.email).decode())


def _resealed(source: Vault, target: Vault, row: PersonRow) -> PersonRow:
    subject = SubjectId(row.id)

    def anew(place: Place, sealed: bytes) -> bytes:
        return target.seal(place, source.open(place, sealed), purpose=people.PURPOSE, subject=subject)

    return replace(
        row,
        email_index=_index(source, target, row),
        email=anew(email_place(row.id), row.email),
        name=anew(name_place(row.id), row.name),
        totp=anew(totp.place("totp", row.id), row.totp) if row.totp else None,
        totp_pending=None,
    )


def _renamed(source: Vault, target: Vault, row: TenantRow) -> TenantRow:
    place = people.tenant_place(row.id)
    return replace(row, name=target.seal(place, source.open(place, row.name), purpose="tenant"))
