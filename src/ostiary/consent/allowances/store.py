"""Pre-approvals: what is left of each, counted by one conditional update, so that several processes never take more than there is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Index,
    Integer,
    String,
    Table,
    delete,
    or_,
    select,
)

from ostiary.db import marks
from ostiary.db.marks import mark, marked
from ostiary.db.scope import of_tenant
from ostiary.db.tables import clear, metadata, sealed
from ostiary.errors import AllowanceSpent, NotFound, TooMany
from ostiary.ids import TenantId

allowance = Table(
    "allowance",
    metadata,
    clear("tenant", String(40), primary_key=True),
    clear("id", String(40), primary_key=True),
    clear("actor_id", String(64)),
    clear("action", String(200)),
    clear("contract", String(64)),
    clear("made_by", String(64)),
    clear("made_us", BigInteger),
    clear("expires_us", BigInteger),
    clear("left_count", Integer),
    clear("left_micros", BigInteger, nullable=True),
    clear("revoked_us", BigInteger, nullable=True),
    clear("revoked_by", String(64), nullable=True),
    sealed("terms"),
    mark(),
    Index(None, "tenant", "actor_id", "action"),
    Index(None, "tenant", "expires_us"),
    info=marked(),
)


@dataclass(frozen=True, slots=True)
class AllowanceRow:
    """`left_micros`: millionths of the amount's unit; None where the contract labels no amount. `terms` is sealed: what exactly was allowed."""

    id: str
    actor_id: str
    action: str
    contract: str
    made_by: str
    made_us: int
    expires_us: int
    left_count: int
    left_micros: int | None
    revoked_us: int | None
    revoked_by: str | None
    terms: bytes


@of_tenant
def add(
    connection: Connection, tenant: TenantId, row: AllowanceRow, *, now_us: int, standing_max: int
) -> None:
    """Raises TooMany where as many stand as anybody can keep in mind."""
    stands = select(allowance.c.id).where(
        allowance.c.tenant == tenant, allowance.c.revoked_us.is_(None), allowance.c.expires_us > now_us
    )
    if len(connection.execute(stands.limit(standing_max)).all()) >= standing_max:
        raise TooMany(f"{standing_max} pre-approvals stand already: take one back.")
    values = {name: getattr(row, name) for name in AllowanceRow.__slots__}
    marks.add(connection, tenant, allowance, values)


@of_tenant
def find(connection: Connection, tenant: TenantId, allowance_id: str) -> AllowanceRow | None:
    where = (allowance.c.tenant == tenant, allowance.c.id == allowance_id)
    row = marks.first(connection, tenant, select(allowance).where(*where))
    return AllowanceRow(**row) if row else None


@of_tenant
def fitting(
    connection: Connection, tenant: TenantId, *, actor_id: str, action: str, contract: str, now_us: int, limit: int
) -> list[AllowanceRow]:  # fmt: skip
    """Those that may cover a call of this actor and contract now, oldest first: what was allowed first is used up first."""
    where = (
        allowance.c.tenant == tenant,
        allowance.c.actor_id == actor_id,
        allowance.c.action == action,
        allowance.c.contract == contract,
        allowance.c.revoked_us.is_(None),
        allowance.c.expires_us > now_us,
        allowance.c.left_count > 0,
    )
    found = select(allowance).where(*where).order_by(allowance.c.id).limit(limit)
    return [AllowanceRow(**row) for row in marks.read(connection, tenant, found)]


@of_tenant
def page(
    connection: Connection, tenant: TenantId, *, standing_at_us: int | None, before: str, limit: int
) -> list[AllowanceRow]:
    """Newest first; with `standing_at_us` only those that may still cover a call."""
    query = select(allowance).where(allowance.c.tenant == tenant)
    if standing_at_us is not None:
        query = query.where(
            allowance.c.revoked_us.is_(None),
            allowance.c.expires_us > standing_at_us,
            allowance.c.left_count > 0,
        )
    if before:
        query = query.where(allowance.c.id < before)
    newest = query.order_by(allowance.c.id.desc()).limit(limit)
    return [AllowanceRow(**row) for row in marks.read(connection, tenant, newest)]


@of_tenant
def take(
    connection: Connection, tenant: TenantId, allowance_id: str, *, micros: int | None, now_us: int
) -> None:
    """Use it once, for that amount. Raises AllowanceSpent where it does not cover that any more: whoever was faster has it."""
    where = [
        allowance.c.tenant == tenant,
        allowance.c.id == allowance_id,
        allowance.c.revoked_us.is_(None),
        allowance.c.expires_us > now_us,
        allowance.c.left_count > 0,
    ]
    changed: dict[str, Any] = {"left_count": lambda row: row["left_count"] - 1}
    if micros is None:
        where.append(allowance.c.left_micros.is_(None))
    else:
        where.append(allowance.c.left_micros >= micros)
        changed["left_micros"] = lambda row: row["left_micros"] - micros
    if not marks.change(connection, tenant, allowance, where, changed):
        raise AllowanceSpent


@of_tenant
def revoke(connection: Connection, tenant: TenantId, allowance_id: str, *, by: str, at_us: int) -> None:
    """Raises NotFound where none of this id stands."""
    where = (allowance.c.tenant == tenant, allowance.c.id == allowance_id, allowance.c.revoked_us.is_(None))
    if not marks.change(connection, tenant, allowance, where, {"revoked_us": at_us, "revoked_by": by}):
        raise NotFound


@of_tenant
def over(
    connection: Connection, tenant: TenantId, *, before_us: int, after: str, limit: int
) -> Sequence[tuple[str, str, str, int]]:
    """Those that ended before then, by id: (id, actor, action, when it was made)."""
    columns = (allowance.c.id, allowance.c.actor_id, allowance.c.action, allowance.c.made_us)
    ended = or_(allowance.c.expires_us < before_us, allowance.c.revoked_us < before_us)
    query = select(*columns).where(allowance.c.tenant == tenant, ended, allowance.c.id > after)
    return [tuple(row) for row in connection.execute(query.order_by(allowance.c.id).limit(limit))]


@of_tenant
def remove(connection: Connection, tenant: TenantId, ids: Sequence[str]) -> None:
    connection.execute(delete(allowance).where(allowance.c.tenant == tenant, allowance.c.id.in_(ids)))


@of_tenant
def count_of(connection: Connection, tenant: TenantId, person: str) -> int:
    """How many this person made, or took back, or an agent of this id may use."""
    return len(connection.execute(select(allowance.c.id).where(_names(tenant, person))).all())


@of_tenant
def forget(connection: Connection, tenant: TenantId, person: str) -> int:
    """Whoever is erased allows nothing any more."""
    return connection.execute(delete(allowance).where(_names(tenant, person))).rowcount


def _names(tenant: TenantId, person: str) -> ColumnElement[bool]:
    c = allowance.c
    return (c.tenant == tenant) & ((c.made_by == person) | (c.actor_id == person) | (c.revoked_by == person))
