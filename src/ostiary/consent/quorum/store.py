"""The yeses of calls that want more than one, in the order in which they were said."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    String,
    Table,
    UniqueConstraint,
    delete,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from ostiary.db.marks import unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.signals import tell
from ostiary.db.tables import blind, clear, metadata
from ostiary.errors import ApprovalAgain, Conflict
from ostiary.ids import CallId, TenantId

CHANGED = "call"
"""The signal of calls: who looks at a card, or waits for a call, learns of a yes."""

approval_vote = Table(
    "approval_vote",
    metadata,
    clear("tenant", String(40), primary_key=True),
    clear("call", String(40), primary_key=True),
    clear("ordinal", Integer, primary_key=True, autoincrement=False),
    clear("approval", String(40)),
    clear("person", String(64)),
    clear("at_us", BigInteger),
    blind("vouched"),
    UniqueConstraint("tenant", "call", "person"),
    info=unmarked("each is vouched for by itself (consent.binding)"),
)


@dataclass(frozen=True, slots=True)
class VoteRow:
    """One yes; `ordinal` counts from 1."""

    call: CallId
    ordinal: int
    approval: str
    person: str
    at_us: int
    vouched: bytes


@of_tenant
def votes(connection: Connection, tenant: TenantId, calls: Sequence[str]) -> list[VoteRow]:
    """The yeses of these calls, in order."""
    columns = [approval_vote.c[name] for name in VoteRow.__slots__]
    where = (approval_vote.c.tenant == tenant, approval_vote.c.call.in_(calls))
    found = connection.execute(
        select(*columns).where(*where).order_by(approval_vote.c.call, approval_vote.c.ordinal)
    )
    return [VoteRow(*row) for row in found]


@of_tenant
def cast(connection: Connection, tenant: TenantId, row: VoteRow) -> None:
    """Add the next yes. Raises ApprovalAgain where this person has said it, Conflict where somebody else was faster: the count of who comes late is wrong."""
    said = votes(connection, tenant, [row.call])
    if any(vote.person == row.person for vote in said):
        raise ApprovalAgain
    if len(said) != row.ordinal - 1:
        raise Conflict(FASTER)
    values = {name: getattr(row, name) for name in VoteRow.__slots__}
    try:
        connection.execute(insert(approval_vote).values(tenant=tenant, **values))
    except IntegrityError:
        raise Conflict(FASTER) from None
    tell(connection, tenant, CHANGED, row.call)


FASTER = "Somebody else has just said yes: look at the card again."


@of_tenant
def remove(connection: Connection, tenant: TenantId, calls: Sequence[str]) -> int:
    """The yeses of these calls."""
    where = (approval_vote.c.tenant == tenant, approval_vote.c.call.in_(calls))
    return connection.execute(delete(approval_vote).where(*where)).rowcount


@of_tenant
def rename(connection: Connection, tenant: TenantId, person: str, called: str) -> int:
    """Who is erased stands there by a pseudonym."""
    where = (approval_vote.c.tenant == tenant, approval_vote.c.person == person)
    return connection.execute(approval_vote.update().where(*where).values(person=called)).rowcount
