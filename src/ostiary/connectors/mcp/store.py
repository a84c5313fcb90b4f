"""The rows of upstream tools: each definition that was ever seen, by its pin, and what a person decided about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    String,
    Table,
    delete,
    func,
    select,
)

from ostiary.db import marks
from ostiary.db.marks import mark, marked
from ostiary.db.scope import of_tenant
from ostiary.db.signals import tell
from ostiary.db.tables import clear, metadata, sealed
from ostiary.errors import Conflict
from ostiary.ids import TenantId

CHANGED = "upstream"
"""The signal that what a tenant accepts of an upstream has changed; the detail is the connector's name."""

DEFINITIONS_MAX = 5_000
"""Of one upstream; beyond it what was refused or replaced longest ago is forgotten."""

upstream_tool = Table(
    "upstream_tool",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("connector", String(48), primary_key=True),
    clear("pin", String(64), primary_key=True),
    clear("state", String(16)),
    clear("listed", Boolean),
    sealed("document"),
    clear("seen_us", BigInteger),
    clear("decided_us", BigInteger),
    clear("decided_by", String(64)),
    mark(),
    info=marked(but=("seen_us",)),
)


class State(StrEnum):
    """waiting: quarantined until a person looks. accepted: shown and called. refused: a person said no. replaced: another definition of that name was
    accepted since; if it comes back it waits again."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class ToolRow:
    """`listed`: whether the upstream offered it when it was last looked at."""

    connector: str
    pin: str
    state: State
    listed: bool
    document: bytes
    seen_us: int
    decided_us: int = 0
    decided_by: str = ""


@of_tenant
def of_connector(connection: Connection, tenant: TenantId, connector: str) -> list[ToolRow]:
    """Every definition that is kept, the newest first."""
    query = select(upstream_tool).where(
        upstream_tool.c.tenant == tenant, upstream_tool.c.connector == connector
    )
    newest = query.order_by(upstream_tool.c.seen_us.desc(), upstream_tool.c.pin)
    return [_row(row) for row in marks.read(connection, tenant, newest)]


@of_tenant
def decided(connection: Connection, tenant: TenantId) -> list[ToolRow]:
    """What was accepted or refused, of all the tenant's upstreams."""
    decisions = (State.ACCEPTED.value, State.REFUSED.value)
    query = select(upstream_tool).where(
        upstream_tool.c.tenant == tenant, upstream_tool.c.state.in_(decisions)
    )
    return [_row(row) for row in marks.read(connection, tenant, query)]


@of_tenant
def waiting(connection: Connection, tenant: TenantId) -> dict[str, int]:
    """How many definitions wait for a person, by connector."""
    rows = connection.execute(
        select(upstream_tool.c.connector, func.count().label("waiting"))
        .where(
            upstream_tool.c.tenant == tenant,
            upstream_tool.c.state == State.WAITING.value,
            upstream_tool.c.listed.is_(True),
        )
        .group_by(upstream_tool.c.connector)
    )
    return {row.connector: int(row.waiting) for row in rows}


@of_tenant
def seen(connection: Connection, tenant: TenantId, row: ToolRow) -> None:
    """Put a definition into quarantine; one that is known stays as it was decided, but what was replaced waits again."""
    again = {"listed": True, "seen_us": row.seen_us, "state": lambda known: _seen_again(known["state"])}
    if not marks.change(connection, tenant, upstream_tool, _mine(tenant, row.connector, row.pin), again):
        marks.add(connection, tenant, upstream_tool, _values(row))
    tell(connection, tenant, CHANGED, row.connector)


@of_tenant
def unlisted(connection: Connection, tenant: TenantId, connector: str, pins: list[str]) -> None:
    """The upstream offers these no more."""
    some = (upstream_tool.c.connector == connector, upstream_tool.c.pin.in_(pins))
    marks.change(connection, tenant, upstream_tool, some, {"listed": False})
    tell(connection, tenant, CHANGED, connector)


@of_tenant
def decide(connection: Connection, tenant: TenantId, row: ToolRow, *, was: State) -> None:
    """A person's decision. Raises Conflict where it does not stand as they saw it."""
    mine = (*_mine(tenant, row.connector, row.pin), upstream_tool.c.state == was.value)
    values = {
        "state": row.state.value,
        "document": row.document,
        "decided_us": row.decided_us,
        "decided_by": row.decided_by,
    }
    if not marks.change(connection, tenant, upstream_tool, mine, values):
        raise Conflict("The tool was decided meanwhile; look at it again.")
    tell(connection, tenant, CHANGED, row.connector)


@of_tenant
def replace(connection: Connection, tenant: TenantId, connector: str, pin: str) -> None:
    """The definition that another one of its name takes the place of. Raises Conflict where it is not the accepted one any more."""
    mine = (*_mine(tenant, connector, pin), upstream_tool.c.state == State.ACCEPTED.value)
    if not marks.change(connection, tenant, upstream_tool, mine, {"state": State.REPLACED.value}):
        raise Conflict("Another definition was accepted meanwhile; look at the difference again.")
    tell(connection, tenant, CHANGED, connector)


@of_tenant
def quarantine(connection: Connection, tenant: TenantId, connector: str) -> None:
    """The connector leads elsewhere now: what was accepted of the server before waits again."""
    settled = (State.ACCEPTED.value, State.REPLACED.value)
    some = (upstream_tool.c.connector == connector, upstream_tool.c.state.in_(settled))
    marks.change(connection, tenant, upstream_tool, some, {"state": State.WAITING.value, "listed": False})
    tell(connection, tenant, CHANGED, connector)


@of_tenant
def forget(connection: Connection, tenant: TenantId, connector: str) -> None:
    """Everything about a connector that is removed."""
    connection.execute(
        delete(upstream_tool).where(upstream_tool.c.tenant == tenant, upstream_tool.c.connector == connector)
    )
    tell(connection, tenant, CHANGED, connector)


@of_tenant
def bound(connection: Connection, tenant: TenantId, connector: str) -> None:
    """Forget the oldest of what is neither offered nor accepted, so that a server which renames its tools all day fills nothing."""
    mine = (upstream_tool.c.tenant == tenant, upstream_tool.c.connector == connector)
    count = connection.execute(select(func.count()).select_from(upstream_tool).where(*mine)).scalar_one()
    if count <= DEFINITIONS_MAX:
        return
    oldest = (
        select(upstream_tool.c.pin)
        .where(*mine, upstream_tool.c.listed.is_(False), upstream_tool.c.state != State.ACCEPTED.value)
        .order_by(upstream_tool.c.seen_us)
        .limit(count - DEFINITIONS_MAX)
    )
    pins = list(connection.execute(oldest).scalars())
    connection.execute(delete(upstream_tool).where(*mine, upstream_tool.c.pin.in_(pins)))


def _seen_again(state: str) -> str:
    """What was replaced waits again; else it stays as it was decided."""
    return State.WAITING.value if state == State.REPLACED else state


def _mine(tenant: TenantId, connector: str, pin: str) -> tuple[ColumnElement[bool], ...]:
    return (
        upstream_tool.c.tenant == tenant,
        upstream_tool.c.connector == connector,
        upstream_tool.c.pin == pin,
    )


def _values(row: ToolRow) -> dict[str, object]:
    return {
        "connector": row.connector,
        "pin": row.pin,
        "state": row.state.value,
        "listed": row.listed,
        "document": row.document,
        "seen_us": row.seen_us,
        "decided_us": row.decided_us,
        "decided_by": row.decided_by,
    }


def _row(row: Mapping[str, Any]) -> ToolRow:
    return ToolRow(**{**row, "state": State(row["state"])})
