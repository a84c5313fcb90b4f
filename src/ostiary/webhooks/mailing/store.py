"""Who is mailed about calls that wait: one row a tenant."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Boolean, Connection, Integer, String, Table, Text, insert, select, update

from ostiary.db.marks import unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.tables import clear, metadata
from ostiary.errors import Conflict
from ostiary.ids import TenantId

MAILING = Table(
    "approval_mailing",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("version", Integer),
    clear("mail", Boolean),
    clear("roles", Text),
    clear("changed_us", BigInteger),
    info=unmarked("who is mailed; a mail opens nothing"),
)


@dataclass(frozen=True, slots=True)
class MailingRow:
    """Whether approvers are mailed, and of which roles (empty: of all that may decide)."""

    version: int
    mail: bool
    roles: tuple[str, ...]
    changed_us: int


@of_tenant
def mailing(connection: Connection, tenant: TenantId) -> MailingRow:
    """Version 0: nobody has ever said; everybody who may decide is mailed."""
    columns = (MAILING.c.version, MAILING.c.mail, MAILING.c.roles, MAILING.c.changed_us)
    row = connection.execute(select(*columns).where(MAILING.c.tenant == tenant)).one_or_none()
    if row is None:
        return MailingRow(0, True, (), 0)
    return MailingRow(row.version, row.mail, tuple(filter(None, row.roles.split(","))), row.changed_us)


@of_tenant
def put_mailing(connection: Connection, tenant: TenantId, row: MailingRow) -> None:
    """The next version. Raises Conflict where it was changed meanwhile."""
    values = {"version": row.version, "mail": row.mail, "roles": ",".join(row.roles), "changed_us": row.changed_us}  # fmt: skip
    if mailing(connection, tenant).version != row.version - 1:
        raise Conflict("It was changed meanwhile; look at it again.")
    if row.version == 1:
        connection.execute(insert(MAILING).values(tenant=tenant, **values))
        return
    where = (MAILING.c.tenant == tenant, MAILING.c.version == row.version - 1)
    if connection.execute(update(MAILING).where(*where).values(**values)).rowcount != 1:
        raise Conflict("It was changed meanwhile; look at it again.")
