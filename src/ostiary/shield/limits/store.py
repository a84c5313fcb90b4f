"""Two tables. `use_limit`: what a person has set. `use_count`: how much of it is used in its present period, by whom."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Connection, String, Table, bindparam, delete, select

from ostiary.db import marks
from ostiary.db.marks import mark, marked
from ostiary.db.scope import of_tenant
from ostiary.db.signals import tell
from ostiary.db.tables import clear, metadata
from ostiary.errors import NotFound
from ostiary.ids import TenantId

CHANGED = "use_limit"
"""The signal that a limit was set or removed."""

LIMIT = Table(
    "use_limit",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(40), primary_key=True),
    clear("whom", String(16)),
    clear("target", String(64)),
    clear("actions", String(100)),
    clear("measure", String(16)),
    clear("most", BigInteger),
    clear("currency", String(3)),
    clear("per", String(8)),
    clear("hours", String(80)),
    clear("changed_us", BigInteger),
    clear("changed_by", String(64)),
    mark(),
    info=marked(),
)

COUNT = Table(
    "use_count",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("limit_id", String(40), primary_key=True),
    clear("who", String(64), primary_key=True),
    clear("from_us", BigInteger, primary_key=True),
    clear("used", BigInteger),
    mark(),
    info=marked(),
)


@dataclass(frozen=True, slots=True)
class LimitRow:
    """`most`: calls, rows, tokens, or millionths of the currency's unit. `target` empty: each of them by itself."""

    id: str
    whom: str
    target: str
    actions: str
    measure: str
    most: int
    currency: str
    per: str
    hours: str
    changed_us: int
    changed_by: str


@dataclass(frozen=True, slots=True)
class CountRow:
    limit_id: str
    who: str
    from_us: int
    used: int


@of_tenant
def limits(connection: Connection, tenant: TenantId) -> list[LimitRow]:
    """The oldest first."""
    query = select(LIMIT).where(LIMIT.c.tenant == tenant).order_by(LIMIT.c.id)
    return [LimitRow(**row) for row in marks.read(connection, tenant, query)]


@of_tenant
def add(connection: Connection, tenant: TenantId, row: LimitRow) -> None:
    marks.add(connection, tenant, LIMIT, {name: getattr(row, name) for name in LimitRow.__slots__})
    tell(connection, tenant, CHANGED)


@of_tenant
def change(connection: Connection, tenant: TenantId, limit: str, *, most: int, by: str, at_us: int) -> None:
    """What is used so far stays counted. Raises NotFound."""
    values = {"most": most, "changed_us": at_us, "changed_by": by}
    if not marks.change(connection, tenant, LIMIT, [LIMIT.c.id == limit], values):
        raise NotFound
    tell(connection, tenant, CHANGED)


@of_tenant
def remove(connection: Connection, tenant: TenantId, limit: str) -> None:
    """Raises NotFound."""
    gone = connection.execute(delete(LIMIT).where(LIMIT.c.tenant == tenant, LIMIT.c.id == limit))
    if gone.rowcount != 1:
        raise NotFound
    connection.execute(delete(COUNT).where(COUNT.c.tenant == tenant, COUNT.c.limit_id == limit))
    tell(connection, tenant, CHANGED)


@of_tenant
def counts(connection: Connection, tenant: TenantId, since_us: Sequence[int], *, most: int) -> list[CountRow]:
    """What is used in the periods that began at these instants, the most used first."""
    chosen = select(COUNT).where(COUNT.c.tenant == tenant, COUNT.c.from_us.in_(since_us))
    first = chosen.order_by(COUNT.c.used.desc(), COUNT.c.who).limit(most)
    return [CountRow(**row) for row in marks.read(connection, tenant, first)]


@of_tenant
def used(connection: Connection, tenant: TenantId, limit: str, who: str, from_us: int) -> int:
    row = marks.first(connection, tenant, select(COUNT).where(*_place(tenant, limit, who, from_us)))
    return row["used"] if row else 0


_WITH_ROOM = (
    select(COUNT)
    .where(
        COUNT.c.tenant == bindparam("tenant_"),
        COUNT.c.limit_id == bindparam("limit_"),
        COUNT.c.who == bindparam("who_"),
        COUNT.c.from_us == bindparam("from_"),
        COUNT.c.used <= bindparam("up_to"),
    )
    .with_for_update()
)
"""One statement for every call that meets a limit: it is built once."""
_MOST = 2**63 - 1


@of_tenant
def spend(
    connection: Connection, tenant: TenantId, limit: str, who: str, from_us: int, *, count: int, most: int | None, keep_us: int
) -> bool:  # fmt: skip
    """Count it, if it fits under `most` (None: whatever there is); whether it was counted. Who comes second waits for the first's transaction. What began
    before `keep_us` is forgotten when a period begins."""
    if most is not None and count > most:
        return False
    at = {
        "tenant_": tenant,
        "limit_": limit,
        "who_": who,
        "from_": from_us,
        "up_to": _MOST if most is None else most - count,
    }
    more = {"used": lambda row: row["used"] + count}
    if marks.change_chosen(connection, tenant, _WITH_ROOM, more, at):
        return True
    row = {"limit_id": limit, "who": who, "from_us": from_us, "used": count}
    if marks.add(connection, tenant, COUNT, row, once=True):  # the first of a period
        old = (COUNT.c.tenant == tenant, COUNT.c.limit_id == limit, COUNT.c.from_us < keep_us)
        connection.execute(delete(COUNT).where(*old))
        return True
    return bool(marks.change_chosen(connection, tenant, _WITH_ROOM, more, at))  # full, or another was first


@of_tenant
def give_back(
    connection: Connection, tenant: TenantId, limit: str, who: str, from_us: int, *, count: int
) -> None:
    """Nothing was done: it is not counted. Where the period is over there is nothing to give back."""
    where = (*_place(tenant, limit, who, from_us), COUNT.c.used >= count)
    marks.change(connection, tenant, COUNT, where, {"used": lambda row: row["used"] - count})


def _place(tenant: TenantId, limit: str, who: str, from_us: int) -> tuple[ColumnElement[bool], ...]:
    return (
        COUNT.c.tenant == tenant,
        COUNT.c.limit_id == limit,
        COUNT.c.who == who,
        COUNT.c.from_us == from_us,
    )
