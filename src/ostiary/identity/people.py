"""People and members as rows to be written and as they are shown. A person is the installation's; the membership is the tenant's."""

from dataclasses import dataclass

from ostiary.actions import Actor, ActorKind
from ostiary.errors import CredentialRefused, Forbidden
from ostiary.identity import store
from ostiary.identity.services import EMAIL_COLUMN, Services
from ostiary.identity.sessions import email_place, name_place
from ostiary.identity.store import PersonRow
from ostiary.ids import INSTALL, PersonId, SubjectId, TenantId, new
from ostiary.vault.sealing import Place

PURPOSE = "person"


@dataclass(frozen=True, slots=True)
class Opened:
    """A person's email and name."""

    email: str
    name: str


async def fresh(
    services: Services, email: str, name: str, at_us: int, *, operator: bool = False
) -> PersonRow:
    """A row for a person who is new here, sealed under their own key."""
    person = PersonId(new("per"))
    subject = SubjectId(person)
    await services.vault.prepare(INSTALL, PURPOSE, [subject])
    return PersonRow(
        id=person,
        email_index=services.vault.blind(INSTALL, EMAIL_COLUMN, email),
        email=services.vault.seal(email_place(person), email.encode(), purpose=PURPOSE, subject=subject),
        name=services.vault.seal(name_place(person), name.encode(), purpose=PURPOSE, subject=subject),
        created_us=at_us,
        operator=operator,
    )


def opened(services: Services, row: PersonRow) -> Opened:
    return Opened(
        services.vault.open(email_place(row.id), row.email).decode(),
        services.vault.open(name_place(row.id), row.name).decode(),
    )


def in_session(actor: Actor) -> PersonId:
    """The person behind a session. Raises Forbidden for keys: a key has no account of a person's."""
    if actor.kind is not ActorKind.PERSON or not actor.session:
        raise Forbidden("Only a person who is signed in can do this.")
    return PersonId(actor.id)


async def account(services: Services, person: PersonId) -> PersonRow:
    """The person's row. Raises CredentialRefused when they are gone since."""
    row = await services.database.run(lambda connection: store.find_person(connection, INSTALL, person))
    if row is None:
        raise CredentialRefused
    return row


def tenant_place(tenant: TenantId) -> Place:
    return Place(INSTALL, "tenant", "name", tenant)


async def tenant_row(services: Services, tenant: TenantId, name: str, at_us: int) -> store.TenantRow:
    """The row of a new tenant, after its keys were made."""
    await services.vault.create_tenant(tenant)
    await services.vault.prepare(INSTALL, "tenant", [SubjectId("")])
    sealed = services.vault.seal(tenant_place(tenant), name.encode(), purpose="tenant")
    return store.TenantRow(tenant, sealed, at_us)
