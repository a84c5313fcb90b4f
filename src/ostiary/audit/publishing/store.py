"""The rows of what was published, and of how a tenant wants it published."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)

from ostiary.audit.store import audit_event
from ostiary.db.marks import unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.tables import clear, metadata, sealed, upsert
from ostiary.errors import Conflict
from ostiary.ids import TenantId

published_checkpoint = Table(
    "published_checkpoint",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("size", BigInteger, primary_key=True, autoincrement=False),
    clear("root", LargeBinary(32)),
    clear("note", Text),
    clear("at_us", BigInteger),
    clear("sent_us", BigInteger),
    info=unmarked("signed notes"),
)

publishing = Table(
    "publishing",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("version", Integer),
    clear("open", Boolean),
    sealed("settings"),
    sealed("secrets"),
    clear("changed_us", BigInteger),
    info=unmarked("where checkpoints go is sealed in its place"),
)


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """One published checkpoint. `note` is signed and holds the cosignatures that there are; `sent_us` is 0 until it was mailed, and given to the webhook."""

    size: int
    root: bytes
    note: str
    at_us: int
    sent_us: int = 0


@dataclass(frozen=True, slots=True)
class PublishingRow:
    """How a tenant publishes. `open`: anybody may read checkpoints and hash tiles."""

    version: int
    open: bool
    settings: bytes
    secrets: bytes
    changed_us: int


_CHECKPOINT = (
    published_checkpoint.c.size,
    published_checkpoint.c.root,
    published_checkpoint.c.note,
    published_checkpoint.c.at_us,
    published_checkpoint.c.sent_us,
)


@of_tenant
def latest(connection: Connection, tenant: TenantId) -> CheckpointRow | None:
    """The newest published checkpoint; the largest, since a log only grows."""
    rows = newest(connection, tenant, before=None, limit=1)
    return rows[0] if rows else None


@of_tenant
def newest(
    connection: Connection, tenant: TenantId, *, before: int | None, limit: int
) -> list[CheckpointRow]:
    """Published checkpoints, the newest first; those of a size below `before` only."""
    query = select(*_CHECKPOINT).where(published_checkpoint.c.tenant == tenant)
    if before is not None:
        query = query.where(published_checkpoint.c.size < before)
    found = connection.execute(query.order_by(published_checkpoint.c.size.desc()).limit(limit))
    return [CheckpointRow(*row) for row in found]


@of_tenant
def find(connection: Connection, tenant: TenantId, size: int) -> CheckpointRow | None:
    """The published checkpoint of that size."""
    found = connection.execute(
        select(*_CHECKPOINT).where(
            published_checkpoint.c.tenant == tenant, published_checkpoint.c.size == size
        )
    ).one_or_none()
    return CheckpointRow(*found) if found else None


@of_tenant
def keep(connection: Connection, tenant: TenantId, row: CheckpointRow) -> None:
    """Keep a checkpoint; one of its size gets the newer note, and stays as sent as it was."""
    values = {
        "tenant": tenant, "size": row.size, "root": row.root, "note": row.note, "at_us": row.at_us, "sent_us": row.sent_us,
    }  # fmt: skip
    connection.execute(
        upsert(connection.dialect.name, published_checkpoint, values, changing=("note", "at_us"))
    )


@of_tenant
def mark_sent(connection: Connection, tenant: TenantId, size: int, *, at_us: int) -> None:
    connection.execute(
        update(published_checkpoint)
        .where(published_checkpoint.c.tenant == tenant, published_checkpoint.c.size == size)
        .values(sent_us=at_us)
    )


@of_tenant
def news(connection: Connection, tenant: TenantId, *, since: int, besides: Iterable[str]) -> int | None:
    """When the first event at or after place `since` happened whose action is none of `besides`; None where there is none."""
    columns = audit_event.c
    found: int | None = connection.execute(
        select(columns.at_us)
        .where(columns.tenant == tenant, columns.number >= since, columns.action.not_in(list(besides)))
        .order_by(columns.number)
        .limit(1)
    ).scalar_one_or_none()
    return found


@of_tenant
def how(connection: Connection, tenant: TenantId) -> PublishingRow | None:
    """How the tenant publishes; None where nobody has ever said."""
    columns = publishing.c
    found = connection.execute(
        select(columns.version, columns.open, columns.settings, columns.secrets, columns.changed_us).where(
            columns.tenant == tenant
        )
    ).one_or_none()
    return PublishingRow(*found) if found else None


@of_tenant
def put(connection: Connection, tenant: TenantId, row: PublishingRow) -> None:
    """The next version. Raises Conflict where it was changed meanwhile."""
    values = {
        "version": row.version, "open": row.open, "settings": row.settings, "secrets": row.secrets, "changed_us": row.changed_us,
    }  # fmt: skip
    if row.version == 1:
        if how(connection, tenant) is not None:
            raise Conflict("It was set meanwhile; look at it again.")
        connection.execute(insert(publishing).values(tenant=tenant, **values))
        return
    stands = (publishing.c.tenant == tenant, publishing.c.version == row.version - 1)
    if connection.execute(update(publishing).where(*stands).values(**values)).rowcount != 1:
        raise Conflict("It was changed meanwhile; look at it again.")
