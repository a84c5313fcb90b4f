"""Sending as jobs: one an endpoint, which claims what is due, sends it, and comes again when the next try is due.

Claiming and sending are two steps, so that of two workers only one sends a notice. A worker that dies between the two, or after sending and before it could say so,
leaves a claim: whoever goes on with its job sends those again, with the same id, by which a receiver knows them.
"""

from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from ostiary import ids, log, metrics
from ostiary.actions import Action, Call, Write
from ostiary.clock import MINUTE_US, Clock
from ostiary.db.database import Database
from ostiary.ids import TenantId
from ostiary.shapes import ModelShape, Params
from ostiary.webhooks import events, schedule, store
from ostiary.webhooks.outbox import Outbox
from ostiary.webhooks.sending import Sender, Tried
from ostiary.webhooks.store import DeliveryRow, EndpointRow, MessageRow, Standing, State
from ostiary.work import Going, Kind, Step, step

A_STEP = 8
CLAIM_KEPT_US = 15 * MINUTE_US
"""After so long a claim of a job that is over counts no more. A step takes seconds."""
SWEEP_EVERY_S = 3600
SEND = "send"

_LOG = log.get("webhooks")


class OneEndpoint(Params):
    endpoint: Annotated[str, Field(pattern=r"^whk_[0-9a-f]{32}$")]


DELIVER = Kind(
    name="webhook.deliver",
    title="Send notices",
    description="Sends what waits for one webhook, and comes again for what has to be tried again.",
    permission="webhook.manage",
    step="webhook.deliver_step",
    params=ModelShape(OneEndpoint),
    startable=False,
)
SWEEP = Kind(
    name="webhook.sweep",
    title="Look for notices that nobody sends",
    description="Asks for what is due and was left, should a job have failed or been cancelled.",
    permission="webhook.manage",
    step="webhook.sweep_step",
    every_s=SWEEP_EVERY_S,
    startable=False,
)
KINDS = (DELIVER, SWEEP)


class Delivering:
    """The functions behind the steps."""

    def __init__(self, database: Database, clock: Clock, outbox: Outbox, sender: Sender) -> None:
        self._database = database
        self._clock = clock
        self._outbox = outbox
        self._sender = sender

    async def deliver(self, call: Call, going: Going) -> Step:
        endpoint = going.params.endpoint
        row = await self._database.run(lambda c: store.find_endpoint(c, call.tenant, endpoint))
        count = int(going.cursor.partition(" ")[2] or 0)
        if row is None or row.state is not Standing.ACTIVE:
            return Step(done=True, count=count, total=count, note="not active")
        if going.cursor.startswith(SEND):
            sent = await self._send(call, going.job, row)
            return Step(cursor=f"claim {count + sent}", count=count + sent)
        return await self._claim(call, going.job, row, count)

    async def _claim(self, call: Call, job: str, row: EndpointRow, count: int) -> Step:
        now_us = self._clock.now_us()
        stale_us = now_us - CLAIM_KEPT_US

        def look(connection: Connection) -> tuple[list[str], int]:
            due = store.due(connection, call.tenant, row.id, now_us=now_us, stale_us=stale_us, limit=A_STEP)
            return due, store.next_due(connection, call.tenant, row.id)

        def claim(connection: Connection) -> None:
            store.claim(
                connection, call.tenant, row.id, chosen=due, job=job, now_us=now_us, stale_us=stale_us
            )

        due, next_us = await self._database.run(look)
        if due:
            call.write(claim)
            return Step(cursor=f"{SEND} {count}", count=count)
        if next_us:
            call.write(self._outbox.ask(call.tenant, row.id, due_us=next_us))
        return Step(done=True, count=count, total=count)

    async def _send(self, call: Call, job: str, row: EndpointRow) -> int:
        """How many were tried."""

        def look(connection: Connection) -> list[tuple[DeliveryRow, MessageRow]]:
            mine = store.claimed(connection, call.tenant, row.id, job=job, limit=A_STEP)
            messages = store.messages(connection, call.tenant, {each.message for each in mine})
            return [(each, messages[each.message]) for each in mine]

        tried = await self._sender.send(row, await self._database.run(look))
        for each in tried:
            call.write(self._settled(call.tenant, each))
        self._health(call, row, tried)
        call.counts |= {
            "webhooks.taken": sum(each.taken for each in tried),
            "webhooks.failed": sum(not each.taken for each in tried),
        }
        return len(tried)

    def _settled(self, tenant: TenantId, tried: Tried) -> Write:
        now_us, held = self._clock.now_us(), tried.delivery
        tries = held.tries + 1
        changes = {"status": tried.status, "code": tried.code, "took_us": tried.took_us, "tries": tries}
        if tried.taken:
            changes["state"] = State.DONE
        elif tries >= schedule.TRIES_MAX:
            changes["state"] = State.DEAD
            metrics.WEBHOOKS.labels("dead").inc()
        else:
            chance = int(ids.digits(3))
            changes["due_us"] = now_us + max(schedule.wait_us(tries, chance), tried.asked_us)

        def rows(connection: Connection) -> None:
            store.settle(connection, tenant, held, at_us=now_us, changes=changes)

        return rows

    def _health(self, call: Call, row: EndpointRow, tried: list[Tried]) -> None:
        """Whether the endpoint takes notices; switched off where it is gone, or has taken none for days."""
        now_us = self._clock.now_us()
        long_us = now_us - row.failing_us if row.failing_us else 0
        if any(each.gone for each in tried):
            self._disable(call, row, "gone")
        elif any(each.taken for each in tried):
            if row.failing_us:
                call.write(lambda c: store.note_health(c, call.tenant, row.id, failing_us=0))
        elif tried and long_us >= schedule.DISABLE_AFTER_US:
            self._disable(call, row, "failing")
        elif tried and not row.failing_us:
            call.write(lambda c: store.note_health(c, call.tenant, row.id, failing_us=now_us))

    def _disable(self, call: Call, row: EndpointRow, reason: str) -> None:
        told = self._outbox.announce(
            call.tenant, events.DISABLED.name, {"endpoint": row.id, "reason": reason}
        )

        def rows(connection: Connection) -> None:
            if store.disable(connection, call.tenant, row.id, reason=reason, at_us=self._clock.now_us()):
                told(connection)

        call.write(rows)
        call.then(lambda: _LOG.warning("webhook.disabled", endpoint=row.id, reason=reason))

    async def sweep(self, call: Call, _going: Going) -> Step:
        now_us = self._clock.now_us()
        left = await self._database.run(
            lambda c: store.unattended(c, call.tenant, now_us=now_us, stale_us=now_us - CLAIM_KEPT_US)
        )
        for endpoint in left:
            call.write(self._outbox.ask(call.tenant, endpoint))
        return Step(done=True, count=len(left), total=len(left))


def steps(delivering: Delivering) -> list[Action]:
    """The step actions of this room."""
    return [step(DELIVER, delivering.deliver), step(SWEEP, delivering.sweep)]
