"""The ledger's table, in the key store's database, and its hand on data keys."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, Integer, LargeBinary, String, Table, and_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ostiary.db.scope import of_tenant
from ostiary.db.tables import clear, granted, keys_metadata
from ostiary.ids import TenantId
from ostiary.vault.store import DESTROYED, bury, changed, data_key

ERASURE = Table(
    "erasure",
    keys_metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(64), primary_key=True),
    clear("number", Integer, primary_key=True, autoincrement=False),
    clear("at_us", BigInteger),
    clear("entry", LargeBinary),
    clear("mac", LargeBinary(32)),
    info=granted(product="SELECT, INSERT"),
)


@of_tenant
def add_entry(
    connection: Connection,
    tenant: TenantId,
    erasure: str,
    number: int,
    *,
    at_us: int,
    entry: bytes,
    mac: bytes,
) -> None:
    """Append; nothing where the same entry stands already."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"tenant": tenant, "id": erasure, "number": number, "at_us": at_us, "entry": entry, "mac": mac}
    connection.execute(
        make(ERASURE).values(row).on_conflict_do_nothing(index_elements=["tenant", "id", "number"])
    )


@of_tenant
def entries(
    connection: Connection, tenant: TenantId, erasure: str = ""
) -> list[tuple[tuple[str, int], bytes, bytes]]:
    """What the ledger names of this tenant, the oldest first: under which id and number, entry and MAC."""
    where = [ERASURE.c.tenant == tenant, *([ERASURE.c.id == erasure] if erasure else [])]
    c = ERASURE.c
    found = connection.execute(select(c.id, c.number, c.entry, c.mac).where(*where).order_by(c.id, c.number))
    return [((row[0], row[1]), row[2], row[3]) for row in found]


@dataclass(frozen=True, slots=True)
class KeyRow:
    id: str
    purpose: str
    generation: int
    living: bool


@of_tenant
def keys_of(connection: Connection, tenant: TenantId, subject: bytes) -> list[KeyRow]:
    """Every data key that a subject ever had, living or not."""
    c = data_key.c
    found = connection.execute(
        select(c.id, c.purpose, c.generation, c.wrapped.is_not(None))
        .where(c.tenant == tenant, c.subject == subject)
        .order_by(c.purpose, c.generation)
    )
    return [KeyRow(*row) for row in found]


@of_tenant
def living_of(connection: Connection, tenant: TenantId, keys: list[str]) -> list[tuple[str, bytes]]:
    """Which of these data keys live, by id, and whose (blind index) each is."""
    c = data_key.c
    found = connection.execute(
        select(c.id, c.subject).where(c.tenant == tenant, c.id.in_(keys), c.wrapped.is_not(None))
    )
    return [(row[0], row[1]) for row in found]


@of_tenant
def destroy_again(
    connection: Connection, tenant: TenantId, subject: bytes, generations: Mapping[str, int], *, at_us: int
) -> list[str]:
    """Destroy a subject's keys up to these generations, by purpose, after a restore; the ids of those that lived."""
    destroyed: list[str] = []
    c = data_key.c
    for purpose, generation in generations.items():
        where = and_(
            c.tenant == tenant,
            c.subject == subject,
            c.purpose == purpose,
            c.generation <= generation,
            c.wrapped.is_not(None),
        )
        destroyed += connection.execute(select(c.id).where(where)).scalars()
        connection.execute(
            update(data_key).where(where).values(state=DESTROYED, wrapped=None, destroyed_us=at_us)
        )
    if destroyed:
        bury(connection, tenant, destroyed, at_us=at_us)
        changed(connection, tenant, destroyed)
    return sorted(destroyed)
