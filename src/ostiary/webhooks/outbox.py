"""Where notices are put: in the transaction that records what they tell of, so that there is one for each that stands, and none for what was undone.

`beside` is the log's hook: what is recorded is told, wherever it was done. `announce` is for rooms that have something to tell that no event names.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from ostiary import ids, metrics
from ostiary.actions import JsonValue, Write
from ostiary.audit.event import Event, SealedEvent
from ostiary.clock import MINUTE_US, Clock
from ostiary.ids import INSTALL, TenantId
from ostiary.vault.sealing import Place, Vault
from ostiary.webhooks import events, message, store
from ostiary.webhooks.store import DeliveryRow, MessageRow, State
from ostiary.work import Enqueue, Kind

PURPOSE = "webhook"
WAITING_MAX = 10_000
"""How many notices may wait for one endpoint; what comes beyond is dropped for it, and counted."""
LOUD_A_MINUTE_MAX = 30

Facts = Callable[[Connection, TenantId, str], Mapping[str, JsonValue]]
"""`facts(connection, tenant, approval)`: what a notice may say of a question beside its event: until when, by which rule, the contract's own title."""


def slot(endpoint: str) -> str:
    """Of one endpoint one job waits."""
    return f"webhook.deliver/{endpoint}"


class Outbox:
    """`kind` is the job that sends; `enqueue` asks for it."""

    def __init__(
        self, vault: Vault, clock: Clock, enqueue: Enqueue, kind: Kind, *, facts: Facts, public_url: str
    ) -> None:
        self._vault = vault
        self._clock = clock
        self._enqueue = enqueue
        self._kind = kind
        self._facts = facts
        self._public_url = public_url

    def beside(self, recorded: Sequence[SealedEvent]) -> tuple[Write, ...]:
        """What is told of events, in their own transaction. Most are told to nobody, and cost a look into a table in memory."""
        written = []
        for kept in recorded:
            if name := events.type_of(kept.event):
                written.append(self._told(kept, kept.event.tenant, name))
            if name := events.install_type_of(kept.event):
                written.append(self._told(kept, INSTALL, name))
        return tuple(written)

    def announce(self, tenant: TenantId, name: str, data: Mapping[str, JsonValue]) -> Write:
        """A notice of this type (of one of the catalogues in `events`), if anybody is told of it. `data`: ids and closed words, never what a person wrote or is."""
        if name not in events.BY_NAME:
            raise ValueError(f"{name} is no type of notice: it has no line in webhooks/events.py")
        return lambda connection: self._put(connection, tenant, name, data)

    def to_one(self, tenant: TenantId, endpoint: str, name: str, data: Mapping[str, JsonValue]) -> Write:
        """The same for one endpoint, whatever it is told of otherwise: a test."""
        return lambda connection: self._insert(connection, tenant, [endpoint], name, data)

    def ask(self, tenant: TenantId, endpoint: str, *, due_us: int = 0) -> Write:
        """That what waits for an endpoint is sent, now or then."""
        return self._enqueue(tenant, self._kind, {"endpoint": endpoint}, due_us=due_us, slot=slot(endpoint))

    def _told(self, kept: SealedEvent, whose: TenantId, name: str) -> Write:
        """Of the notice `tenant` is in whose log the event stands, also where the installation is told."""

        def rows(connection: Connection) -> None:
            told = _subscribed(connection, whose, name)
            if told:
                more = self._more(connection, kept.event) if whose == kept.event.tenant else {}
                data = {"tenant": kept.event.tenant, **message.of_event(kept), **more}
                self._insert(connection, whose, told, name, data)

        return rows

    def _more(self, connection: Connection, event: Event) -> dict[str, JsonValue]:
        if not event.approval:
            return {}
        link = f"{self._public_url}/approvals/{event.approval}"
        return {**self._facts(connection, event.tenant, event.approval), "url": link}

    def _is_loud(self, connection: Connection, tenant: TenantId, name: str, now_us: int) -> bool:
        loud = store.is_loud(
            connection, tenant, name, since_us=now_us - MINUTE_US, now_us=now_us, most=LOUD_A_MINUTE_MAX
        )
        metrics.WEBHOOKS_DROPPED.inc(loud)
        return loud

    def _put(
        self, connection: Connection, tenant: TenantId, name: str, data: Mapping[str, JsonValue]
    ) -> None:
        if told := _subscribed(connection, tenant, name):
            self._insert(connection, tenant, told, name, data)

    def _insert(
        self, connection: Connection, tenant: TenantId, told: Sequence[str], name: str, data: Mapping[str, JsonValue]
    ) -> None:  # fmt: skip
        fitting = [each for each in told if not store.is_full(connection, tenant, each, most=WAITING_MAX)]
        metrics.WEBHOOKS_DROPPED.inc(len(told) - len(fitting))
        now_us, made = self._clock.now_us(), ids.new("msg")
        if not fitting or (name in events.LOUD and self._is_loud(connection, tenant, name, now_us)):
            return
        row = MessageRow(tenant, made, name, b"", now_us)
        sealed = self._vault.seal_json(place(row), {"tenant": tenant, **data}, purpose=PURPOSE)
        store.add_message(connection, tenant, replace(row, data=sealed))
        for endpoint in fitting:
            store.add_delivery(connection, tenant, _fresh(tenant, endpoint, made, name, now_us))
            self.ask(tenant, endpoint)(connection)


def place(row: MessageRow) -> Place:
    """Where a notice's data is bound to: with its type and time, so that it never says something else."""
    return Place(row.tenant, "webhook_message", "data", f"{row.id}/{row.type}/{row.at_us}")


def _subscribed(connection: Connection, tenant: TenantId, name: str) -> list[str]:
    found = store.subscriptions(connection, tenant)
    return [endpoint for endpoint, patterns in found if events.matches(patterns, name)]


def _fresh(tenant: TenantId, endpoint: str, message_id: str, name: str, now_us: int) -> DeliveryRow:
    return DeliveryRow(
        tenant=tenant, id=ids.new("dlv"), endpoint=endpoint, message=message_id, type=name, state=State.WAITING, claim="", claimed_us=0,
        tries=0, attempts=0, status=0, code="", took_us=0, due_us=now_us, created_us=now_us, changed_us=now_us,
    )  # fmt: skip
