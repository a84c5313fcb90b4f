"""The rows of deliveries that are over."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from ostiary.db.scope import of_tenant
from ostiary.ids import TenantId
from ostiary.webhooks.store import ATTEMPT, DELIVERY, MESSAGE, State


@dataclass(frozen=True, slots=True)
class Span:
    """Deliveries put in from `since_us` on and before `until_us`, in one of these states."""

    since_us: int
    until_us: int
    states: tuple[State, ...]


@of_tenant
def send_again(
    connection: Connection, tenant: TenantId, delivery: str, *, states: Sequence[State], at_us: int
) -> bool:
    """Put an ended delivery back in, with all its tries before them; whether it was there in one of these states."""
    where = (DELIVERY.c.tenant == tenant, DELIVERY.c.id == delivery, DELIVERY.c.state.in_(states))
    return connection.execute(update(DELIVERY).where(*where).values(**_fresh(at_us))).rowcount == 1


def _of_range(tenant: TenantId, endpoint: str, span: Span) -> tuple[ColumnElement[bool], ...]:
    return (
        DELIVERY.c.tenant == tenant, DELIVERY.c.endpoint == endpoint, DELIVERY.c.state.in_(span.states),
        DELIVERY.c.created_us >= span.since_us, DELIVERY.c.created_us < span.until_us,
    )  # fmt: skip


@of_tenant
def count_range(connection: Connection, tenant: TenantId, endpoint: str, *, span: Span) -> int:
    count = select(func.count()).select_from(DELIVERY).where(*_of_range(tenant, endpoint, span))
    return int(connection.execute(count).scalar_one())


@of_tenant
def send_range_again(connection: Connection, tenant: TenantId, endpoint: str, *, span: Span, at_us: int) -> None:  # fmt: skip
    """The same for all of a span of time."""
    connection.execute(update(DELIVERY).where(*_of_range(tenant, endpoint, span)).values(**_fresh(at_us)))


def _fresh(at_us: int) -> dict[str, Any]:
    return {"state": State.WAITING, "claim": "", "claimed_us": 0, "tries": 0, "due_us": at_us, "changed_us": at_us}  # fmt: skip


@of_tenant
def old_deliveries(
    connection: Connection, tenant: TenantId, *, before_us: int, after: str, limit: int
) -> list[tuple[str, State]]:
    """Deliveries made before then, in the order of their ids."""
    where = (DELIVERY.c.tenant == tenant, DELIVERY.c.created_us < before_us, DELIVERY.c.id > after)
    found = connection.execute(
        select(DELIVERY.c.id, DELIVERY.c.state).where(*where).order_by(DELIVERY.c.id).limit(limit)
    )
    return [(row.id, State(row.state)) for row in found]


@of_tenant
def remove_deliveries(connection: Connection, tenant: TenantId, gone: Sequence[str]) -> None:
    connection.execute(delete(ATTEMPT).where(ATTEMPT.c.tenant == tenant, ATTEMPT.c.delivery.in_(gone)))
    connection.execute(delete(DELIVERY).where(DELIVERY.c.tenant == tenant, DELIVERY.c.id.in_(gone)))


@of_tenant
def remove_messages(connection: Connection, tenant: TenantId, *, before_us: int) -> int:
    """Messages made before then that no delivery needs any more."""
    needed = select(DELIVERY.c.message).where(DELIVERY.c.tenant == tenant, DELIVERY.c.message == MESSAGE.c.id)
    where = (MESSAGE.c.tenant == tenant, MESSAGE.c.at_us < before_us, ~needed.exists())
    return connection.execute(delete(MESSAGE).where(*where)).rowcount
