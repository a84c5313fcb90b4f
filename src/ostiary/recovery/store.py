"""What became of each backup, under INSTALL."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, String, Table, insert, select

from ostiary.db.marks import unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.tables import clear, metadata
from ostiary.ids import TenantId

BACKUP = Table(
    "backup",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(64), primary_key=True),
    clear("kind", String(16)),
    clear("backup", String(64)),
    clear("at_us", BigInteger),
    clear("taken_us", BigInteger),
    clear("bytes", BigInteger),
    clear("lost_us", BigInteger),
    clear("ready_us", BigInteger),
    info=unmarked("what backups are known; a backup proves itself"),
)


@dataclass(frozen=True, slots=True)
class BackupRow:
    """`kind`: taken, verified, failed (a drill) or restored. `lost_us` (RPO) is how much time a disaster would have cost at that moment, `ready_us` (RTO) how long it took
    until the application was ready; both 0 for a backup that was taken."""

    id: str
    kind: str
    backup: str
    at_us: int
    taken_us: int
    bytes: int
    lost_us: int
    ready_us: int


_ROW = [BACKUP.c[name] for name in BackupRow.__slots__]


@of_tenant
def add(connection: Connection, tenant: TenantId, row: BackupRow) -> None:
    values = {name: getattr(row, name) for name in BackupRow.__slots__}
    connection.execute(insert(BACKUP).values(tenant=tenant, **values))


@of_tenant
def newest(connection: Connection, tenant: TenantId, limit: int) -> list[BackupRow]:
    """What happened last, the newest first."""
    statement = select(*_ROW).where(BACKUP.c.tenant == tenant)
    return [
        BackupRow(*row)
        for row in connection.execute(statement.order_by(BACKUP.c.at_us.desc(), BACKUP.c.id).limit(limit))
    ]
