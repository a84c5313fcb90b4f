"""Two tables. `rate`: how far ahead of its rate a caller is, across all processes. `stop`: what a person has stopped."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Connection,
    String,
    Table,
    UniqueConstraint,
    delete,
    select,
    text,
)

from ostiary.clock import SECOND_US
from ostiary.db import marks
from ostiary.db.marks import mark, marked, unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.signals import tell
from ostiary.db.tables import blind, clear, metadata, sealed
from ostiary.errors import Conflict, NotFound
from ostiary.ids import TenantId

STOPPED = "stop"
"""The signal that something was stopped, or goes on."""

RATE = Table(
    "rate",
    metadata,
    clear("tenant", String(40), primary_key=True),
    blind("name", primary_key=True),
    clear("now_us", BigInteger),
    clear("arrival_us", BigInteger),
    clear("granted", BigInteger),
    clear("interval_us", BigInteger),
    clear("slack_us", BigInteger),
    info=unmarked("a rate is about load; on the database's clock, in one statement"),
)

STOP = Table(
    "stop",
    metadata,
    clear("tenant", String(40), primary_key=True),
    clear("id", String(40), primary_key=True),
    clear("kind", String(16)),
    clear("target", String(200)),
    sealed("reason"),
    clear("by", String(64)),
    clear("at_us", BigInteger),
    mark(earlier=True),
    UniqueConstraint("tenant", "kind", "target"),
    info=marked(),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """`count` events wanted by the caller `name`; one comes every `interval_us`, and `slack_us` is how far ahead it may be."""

    name: bytes
    count: int
    interval_us: int
    slack_us: int


@dataclass(frozen=True, slots=True)
class Granted:
    """How many of them, and where none: after how long the next."""

    count: int
    wait_us: int


@dataclass(frozen=True, slots=True)
class StopRow:
    tenant: TenantId
    id: str
    kind: str
    target: str
    reason: bytes
    by: str
    at_us: int


# The generic cell rate algorithm on the database's clock, for many callers in one statement, in the order of their names so that nobody waits in a circle.
# Who waited for a row has read the clock before the one who held it: time is the later of the two. An arrival is never later than the slack allows: where the
# clock was put back by more than WAITED_US, who comes finds half of it, neither a fresh one nor a lock of hours.
_LEASE = text("""
INSERT INTO rate AS standing (tenant, name, now_us, arrival_us, granted, interval_us, slack_us)
SELECT :tenant, asked.name, clock.now_us, clock.now_us + least(asked.count, asked.slack_us / asked.interval_us) * asked.interval_us,
       least(asked.count, asked.slack_us / asked.interval_us), asked.interval_us, asked.slack_us
FROM unnest(CAST(:names AS bytea[]), CAST(:counts AS bigint[]), CAST(:intervals AS bigint[]), CAST(:slacks AS bigint[]))
     AS asked (name, count, interval_us, slack_us),
     (SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint) AS now_us) AS clock
ORDER BY asked.name
ON CONFLICT (tenant, name) DO UPDATE SET (now_us, arrival_us, granted, interval_us, slack_us) = (
    SELECT given.now_us, given.arrival_us + excluded.interval_us * given.granted, given.granted, excluded.interval_us, excluded.slack_us
    FROM (
        SELECT found.now_us, found.arrival_us,
               greatest(0, least(excluded.granted, (found.now_us + excluded.slack_us - found.arrival_us) / excluded.interval_us)) AS granted
        FROM (
            SELECT clock.now_us, greatest(clock.now_us,
                CASE WHEN standing.arrival_us > clock.now_us + excluded.slack_us THEN clock.now_us + excluded.slack_us / 2 ELSE standing.arrival_us END
            ) AS arrival_us
            FROM (
                SELECT CASE WHEN standing.now_us - excluded.now_us BETWEEN 0 AND :waited THEN standing.now_us ELSE excluded.now_us END AS now_us
            ) AS clock
        ) AS found
    ) AS given
)
RETURNING name, granted, arrival_us + interval_us - slack_us - now_us AS wait_us
""")
WAITED_US = 10 * SECOND_US
"""Nobody waits longer for a row."""


@of_tenant
def lease(connection: Connection, tenant: TenantId, asked: Sequence[Asked]) -> dict[bytes, Granted]:
    """Grant what each may have now; PostgreSQL only. A crash of the database may forget the last moments: nobody waits for the disk here."""
    connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
    columns = {
        "names": [each.name for each in asked],
        "counts": [each.count for each in asked],
        "intervals": [each.interval_us for each in asked],
        "slacks": [each.slack_us for each in asked],
    }
    rows = connection.execute(_LEASE, {"tenant": tenant, "waited": WAITED_US, **columns})
    return {bytes(row.name): Granted(row.granted, max(0, row.wait_us)) for row in rows}


@of_tenant
def forget_rates(connection: Connection, tenant: TenantId, *, older_us: int) -> None:
    """Callers who have not been seen for so long are as good as new; PostgreSQL only."""
    old = text(
        "DELETE FROM rate WHERE tenant = :tenant AND arrival_us < CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint) - :older"
    )
    connection.execute(old, {"tenant": tenant, "older": older_us})


@of_tenant
def stops(connection: Connection, tenant: TenantId) -> list[StopRow]:
    """What is stopped, the oldest first."""
    rows = marks.read(connection, tenant, select(STOP).where(STOP.c.tenant == tenant).order_by(STOP.c.id))
    return [StopRow(tenant, **row) for row in rows]


@of_tenant
def find_stop(connection: Connection, tenant: TenantId, stop: str) -> StopRow | None:
    query = select(STOP).where(STOP.c.tenant == tenant, STOP.c.id == stop)
    row = marks.first(connection, tenant, query)
    return StopRow(tenant, **row) if row else None


@of_tenant
def add_stop(connection: Connection, tenant: TenantId, row: StopRow) -> None:
    """Raises Conflict where it is stopped already."""
    same = (STOP.c.tenant == tenant, STOP.c.kind == row.kind, STOP.c.target == row.target)
    if connection.execute(select(STOP.c.id).where(*same)).first():
        raise Conflict("It is stopped already.")
    values = {name: getattr(row, name) for name in StopRow.__slots__ if name != "tenant"}
    marks.add(connection, tenant, STOP, values)
    tell(connection, tenant, STOPPED)


@of_tenant
def remove_stop(connection: Connection, tenant: TenantId, stop: str) -> None:
    """Raises NotFound."""
    gone = connection.execute(delete(STOP).where(STOP.c.tenant == tenant, STOP.c.id == stop))
    if gone.rowcount != 1:
        raise NotFound
    tell(connection, tenant, STOPPED)
