"""Two tables. `quota`: what a tenant may use. `storage_use`: what it has stored, by kind, counted as it comes and never by looking through it all."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, Integer, String, Table, delete, select

from ostiary.db.marks import unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.signals import tell
from ostiary.db.tables import clear, metadata, upsert
from ostiary.ids import TenantId

CHANGED = "quota"
"""The signal that a tenant's quota was changed, or what it stores has gone over it or is under it again."""

QUOTA = Table(
    "quota",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("calls_at_once", Integer),
    clear("calls_per_s", Integer),
    clear("storage_bytes", BigInteger),
    clear("jobs_at_once", Integer),
    clear("changed_us", BigInteger),
    clear("changed_by", String(64)),
    info=unmarked("about load, not about rights"),
)

# reached: up to where it is counted, where it is counted in order (the log's events).
USE = Table(
    "storage_use",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("kind", String(16), primary_key=True),
    clear("bytes", BigInteger),
    clear("rows", BigInteger),
    clear("reached", BigInteger),
    clear("counted_us", BigInteger),
    info=unmarked("a count"),
)


@dataclass(frozen=True, slots=True)
class QuotaRow:
    """0: no limit."""

    calls_at_once: int = 0
    calls_per_s: int = 0
    storage_bytes: int = 0
    jobs_at_once: int = 0
    changed_us: int = 0
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class UseRow:
    kind: str
    bytes: int
    rows: int
    reached: int
    counted_us: int


@of_tenant
def quota(connection: Connection, tenant: TenantId) -> QuotaRow:
    columns = [QUOTA.c[name] for name in QuotaRow.__slots__]
    row = connection.execute(select(*columns).where(QUOTA.c.tenant == tenant)).first()
    return QuotaRow(*row) if row else QuotaRow()


@of_tenant
def put(connection: Connection, tenant: TenantId, row: QuotaRow) -> None:
    values = {name: getattr(row, name) for name in QuotaRow.__slots__}
    changing = tuple(values)
    connection.execute(
        upsert(connection.dialect.name, QUOTA, {"tenant": tenant, **values}, changing=changing)
    )
    tell(connection, tenant, CHANGED)


@of_tenant
def drop(connection: Connection, tenant: TenantId) -> None:
    connection.execute(delete(QUOTA).where(QUOTA.c.tenant == tenant))
    tell(connection, tenant, CHANGED)


@of_tenant
def uses(connection: Connection, tenant: TenantId) -> list[UseRow]:
    columns = [USE.c[name] for name in UseRow.__slots__]
    rows = connection.execute(select(*columns).where(USE.c.tenant == tenant).order_by(USE.c.kind))
    return [UseRow(*row) for row in rows]


@of_tenant
def use(connection: Connection, tenant: TenantId, kind: str, *, hold: bool = False) -> UseRow | None:
    """`hold`: nobody else counts it before this transaction ends."""
    columns = [USE.c[name] for name in UseRow.__slots__]
    statement = select(*columns).where(USE.c.tenant == tenant, USE.c.kind == kind)
    row = connection.execute(statement.with_for_update() if hold else statement).first()
    return UseRow(*row) if row else None


@of_tenant
def put_use(connection: Connection, tenant: TenantId, row: UseRow) -> None:
    values = {"tenant": tenant, **{name: getattr(row, name) for name in UseRow.__slots__}}
    changing = ("bytes", "rows", "reached", "counted_us")
    connection.execute(upsert(connection.dialect.name, USE, values, changing=changing))


@of_tenant
def told(connection: Connection, tenant: TenantId) -> None:
    """What is held of the tenant's quota and use is void."""
    tell(connection, tenant, CHANGED)
