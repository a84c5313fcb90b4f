"""What can be asked of webhooks: make one, change, pause and remove it, renew its secret, try it, see what was delivered, and send it again."""

from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import Connection

from ostiary import ids
from ostiary.actions import Action, Actor, Call, Effect, Recorded, Risk, Route
from ostiary.clock import SECOND_US, Clock, rfc3339
from ostiary.db.database import Database
from ostiary.errors import Conflict, Forbidden, NotFound
from ostiary.ids import INSTALL, TenantId
from ostiary.net.webhook import public_key
from ostiary.shapes import Empty, ModelShape, Nothing, own_action
from ostiary.vault.sealing import Vault
from ostiary.webhooks import endpoint as noun
from ostiary.webhooks import events, outbox, sending, store, views
from ostiary.webhooks.ended import store as ended
from ostiary.webhooks.ended.store import Span
from ostiary.webhooks.endpoint import Settings, SigningSecret
from ostiary.webhooks.outbox import Outbox
from ostiary.webhooks.sending import Sender
from ostiary.webhooks.store import DeliveryRow, EndpointRow, MessageRow, Standing, State

READ, MANAGE = "webhook.read", "webhook.manage"
ENDPOINTS_MAX = 20
ATTEMPTS_SHOWN = 50
TESTED = {"reason": "Somebody asked for a test of this webhook."}


class Webhooks:
    """The functions behind the actions. `install`: of the installation's webhooks, which are rows of its own, not of the tenant where the operator is."""

    def __init__(
        self, database: Database, vault: Vault, clock: Clock, outbox: Outbox, sender: Sender, *, install: bool = False
    ) -> None:  # fmt: skip
        self._install = install
        self._database = database
        self._vault = vault
        self._clock = clock
        self._outbox = outbox
        self._sender = sender

    def _whose(self, call: Call) -> TenantId:
        return INSTALL if self._install else call.tenant

    async def types(self, call: Call, _asked: Empty) -> views.Types:
        return views.types(events.of(self._whose(call)))

    async def list(self, call: Call, _asked: Empty) -> views.EndpointList:
        tenant = self._whose(call)

        def look(connection: Connection) -> Any:
            return store.endpoints(connection, tenant), store.counted(connection, tenant)

        rows, counted = await self._database.run(look)
        return views.EndpointList(
            webhooks=[self._view(row, counted.get(row.id, views.NOTHING)) for row in rows]
        )

    async def show(self, call: Call, asked: views.OneEndpoint) -> views.EndpointView:
        tenant = self._whose(call)
        row = await self._found(tenant, asked.endpoint_id)
        counted = await self._database.run(lambda c: store.counted(c, tenant))
        return self._view(row, counted.get(row.id, views.NOTHING))

    async def create(self, call: Call, asked: Settings) -> views.Made:
        tenant = self._whose(call)
        noun.known(asked.types, events.of(tenant))
        must_see(call.actor, tenant, asked.types)
        noun.checked(asked.url, self._sender.allowed)
        await self._vault.prepare(tenant, noun.PURPOSE, ())
        made, secret = ids.new("whk"), noun.fresh_secret(asked.signing)
        row = EndpointRow(
            tenant=tenant, id=made, version=1, state=Standing.ACTIVE, reason="", room="", format=asked.format, types=_joined(asked.types),
            settings=noun.sealed_settings(self._vault, tenant, made, asked.url, asked.description),
            secrets=noun.sealed_secrets(self._vault, tenant, made, (SigningSecret(secret),)),
            failing_us=0, created_us=call.at_us, changed_us=call.at_us,
        )  # fmt: skip
        call.write(lambda c: store.add_endpoint(c, tenant, row, most=ENDPOINTS_MAX))
        shown = "" if public_key(secret) else secret.reveal()
        return views.Made(webhook=self._view(row, views.NOTHING), secret=shown)

    async def put(self, call: Call, asked: views.Put) -> views.EndpointView:
        tenant = self._whose(call)
        row = await self._found(tenant, asked.endpoint_id)
        if asked.version not in (None, row.version):
            raise Conflict("This webhook was changed since; look at it again.")
        opened, given = noun.opened(self._vault, row), views.given(asked)
        if given:
            _must_be_a_persons(row)
        standing = {"url": opened.url, "types": list(row.patterns), "format": row.format, "description": opened.description}  # fmt: skip
        wanted = ModelShape(Settings).parse({**standing, **given})
        noun.known(wanted.types, events.of(tenant))
        must_see(call.actor, tenant, [*row.patterns, *wanted.types])
        noun.checked(wanted.url, self._sender.allowed)
        await self._vault.prepare(tenant, noun.PURPOSE, ())
        state = _state(row, asked.paused)
        changes: dict[str, Any] = {
            "format": wanted.format, "types": _joined(wanted.types), "state": state, "reason": row.reason if state is row.state else "",
            "settings": noun.sealed_settings(self._vault, tenant, row.id, wanted.url, wanted.description),
            "failing_us": row.failing_us if state is row.state else 0,
        }  # fmt: skip
        call.write(lambda c: store.change_endpoint(c, tenant, row, at_us=call.at_us, changes=changes))
        if state is Standing.ACTIVE and row.state is not Standing.ACTIVE:
            call.write(self._outbox.ask(tenant, row.id))
        after = replace(row, version=row.version + 1, changed_us=call.at_us, **changes)
        counted = await self._database.run(lambda c: store.counted(c, tenant))
        return self._view(after, counted.get(row.id, views.NOTHING))

    async def remove(self, call: Call, asked: views.OneEndpoint) -> Nothing:
        tenant = self._whose(call)
        row = await self._found(tenant, asked.endpoint_id)
        _must_be_a_persons(row)
        call.write(lambda c: store.remove_endpoint(c, tenant, row.id))
        return Nothing()

    async def rotate(self, call: Call, asked: views.Rotate) -> views.Renewed:
        tenant = self._whose(call)
        row = await self._found(tenant, asked.endpoint_id)
        _must_be_a_persons(row)
        must_see(call.actor, tenant, row.patterns)
        await self._vault.prepare(tenant, noun.PURPOSE, ())
        opened = noun.opened(self._vault, row)
        fresh = noun.fresh_secret(asked.signing or opened.signing)
        secrets = noun.renewed(opened.secrets, fresh, now_us=call.at_us, overlap_s=asked.overlap_s)
        changes = {"secrets": noun.sealed_secrets(self._vault, tenant, row.id, secrets)}
        call.write(lambda c: store.change_endpoint(c, tenant, row, at_us=call.at_us, changes=changes))
        until = rfc3339(call.at_us + asked.overlap_s * SECOND_US) if asked.overlap_s else None
        public = public_key(fresh)
        return views.Renewed(secret="" if public else fresh.reveal(), public_key=public, overlap_until=until)

    async def keys(self, _call: Call, asked: views.OnePublic) -> views.PublicKeys:
        """For anybody who has the webhook's id: a receiver, or whoever they show a notice to."""
        row = await self._found(TenantId(asked.log), asked.endpoint_id)
        return views.PublicKeys(keys=views.public_keys(noun.opened(self._vault, row), self._clock.now_us()))

    async def test(self, call: Call, asked: views.OneEndpoint) -> Nothing:
        tenant = self._whose(call)
        row = await self._active(tenant, asked.endpoint_id)
        call.write(self._outbox.to_one(tenant, row.id, events.TEST, TESTED))
        return Nothing()

    async def deliveries(self, call: Call, asked: views.ListDeliveries) -> views.Deliveries:
        tenant = self._whose(call)
        row = await self._found(tenant, asked.endpoint_id)
        states = [] if asked.state == "any" else [asked.state]
        rows = await self._database.run(
            lambda c: store.list_deliveries(
                c, tenant, row.id, states=states, before=asked.cursor, limit=asked.limit + 1
            )
        )
        more = rows[asked.limit - 1].id if len(rows) > asked.limit else ""
        return views.Deliveries(deliveries=[views.delivery(each) for each in rows[: asked.limit]], next=more)

    async def delivery(self, call: Call, asked: views.OneDelivery) -> views.DeliveryShown:
        tenant = self._whose(call)
        row, of, endpoint = await self._delivered(tenant, asked.delivery_id)
        tried = await self._database.run(lambda c: store.attempts(c, tenant, row.id, limit=ATTEMPTS_SHOWN))
        data = self._vault.open_json(outbox.place(of), of.data)
        body = sending.body(endpoint.format, of, data)
        return views.DeliveryShown(
            delivery=views.delivery(row), body=views.body(body), tried=[views.attempt(each) for each in tried]
        )

    async def replay(self, call: Call, asked: views.OneDelivery) -> views.Replayed:
        tenant = self._whose(call)
        row, _, endpoint = await self._delivered(tenant, asked.delivery_id)
        if row.state is State.WAITING:
            raise Conflict("This notice waits to be sent already.")
        await self._active(tenant, endpoint.id)

        def rows(connection: Connection) -> None:
            if not ended.send_again(connection, tenant, row.id, states=(State.DONE, State.DEAD), at_us=call.at_us):  # fmt: skip
                raise Conflict("This notice has moved on; look at it again.")

        call.write(rows)
        call.write(self._outbox.ask(tenant, endpoint.id))
        return views.Replayed(count=1)

    async def replay_range(self, call: Call, asked: views.ReplayRange) -> views.Replayed:
        tenant = self._whose(call)
        row = await self._active(tenant, asked.endpoint_id)
        states = (State.DEAD,) if asked.only_failed else (State.DEAD, State.DONE)
        span = Span(asked.since_us, asked.until_us or call.at_us + 1, states)

        def look(connection: Connection) -> tuple[int, int]:
            waiting = store.counted(connection, tenant).get(row.id, views.NOTHING).waiting
            return ended.count_range(connection, tenant, row.id, span=span), waiting

        count, waiting = await self._database.run(look)
        if count and count + waiting > outbox.WAITING_MAX:
            raise Conflict(f"That is {count} notices, and {outbox.WAITING_MAX} may wait for one webhook: take a shorter time.")  # fmt: skip
        if count:
            call.write(lambda c: ended.send_range_again(c, tenant, row.id, span=span, at_us=call.at_us))
            call.write(self._outbox.ask(tenant, row.id))
        return views.Replayed(count=count)

    async def _found(self, tenant: TenantId, endpoint: str) -> EndpointRow:
        row = await self._database.run(lambda c: store.find_endpoint(c, tenant, endpoint))
        if row is None:
            raise NotFound
        return row

    async def _active(self, tenant: TenantId, endpoint: str) -> EndpointRow:
        row = await self._found(tenant, endpoint)
        if row.state is not Standing.ACTIVE:
            raise Conflict("This webhook is paused or switched off; let it go on first.")
        return row

    async def _delivered(
        self, tenant: TenantId, delivery: str
    ) -> tuple[DeliveryRow, MessageRow, EndpointRow]:
        def look(connection: Connection) -> tuple[DeliveryRow, MessageRow, EndpointRow] | None:
            row = store.find_delivery(connection, tenant, delivery)
            of = store.messages(connection, tenant, [row.message]).get(row.message) if row else None
            endpoint = store.find_endpoint(connection, tenant, row.endpoint) if row else None
            return (row, of, endpoint) if row and of and endpoint else None

        found = await self._database.run(look)
        if found is None:
            raise NotFound
        return found

    def _view(self, row: EndpointRow, counted: store.Counted) -> views.EndpointView:
        return views.endpoint(self._vault, row, counted, self._clock.now_us())


def must_see(actor: Actor, whose: TenantId, patterns: list[str] | tuple[str, ...]) -> None:
    """Nobody is told by a webhook of theirs what they may not look at. Raises Forbidden."""
    lacking = sorted(events.of(whose).permissions(patterns) - actor.permissions)
    if lacking:
        raise Forbidden(f"What this webhook is told takes {', '.join(lacking)}.")


def _state(row: EndpointRow, paused: bool | None) -> Standing:
    if paused is None:
        return row.state
    return Standing.PAUSED if paused else Standing.ACTIVE


def _joined(types: list[str]) -> str:
    return ",".join(dict.fromkeys(types))


def _must_be_a_persons(row: EndpointRow) -> None:
    if row.room:
        raise Conflict("This webhook belongs to the publishing of checkpoints: change it there. It can be paused, tested and replayed here.")  # fmt: skip


def actions(webhooks: Webhooks) -> list[Action]:
    """A tenant's part of the registry."""
    public = own_action(
        "webhook.public_keys", "Fetch a webhook's public keys", "What verifies the signatures (v1a) of a webhook whose id one has.",
        views.OnePublic, views.PublicKeys, webhooks.keys, Route("GET", "/v1/webhook-keys/{log}/{endpoint_id}"), permission=READ,
        recorded=Recorded.COUNTED, public=True, hash="1",
    )  # fmt: skip
    return [*_actions(webhooks, "webhook", "/v1/", READ, MANAGE), public]


def install_actions(webhooks: Webhooks) -> list[Action]:
    """The same for the installation's own webhooks, for its operator."""
    return _actions(
        webhooks,
        "install_webhook",
        "/v1/install/",
        events.OPERATOR,
        events.OPERATOR,
        of=" of the installation",
    )


def _actions(
    webhooks: Webhooks, name: str, base: str, read: str, manage: str, *, of: str = ""
) -> list[Action]:
    """What changes where notices go takes the second factor: it is a new way out."""
    every, one, delivery = (
        f"{base}webhooks",
        f"{base}webhooks/{{endpoint_id}}",
        f"{base}webhook-deliveries/{{delivery_id}}",
    )
    look = partial(own_action, permission=read, hash="1")
    change = partial(own_action, permission=manage, effect=Effect.LOCAL, hash="1")
    high = partial(change, risk=Risk.HIGH, step_up=True)
    return [
        look(f"{name}.types", f"List types of notices{of}", "What a webhook can be told of, and the permission that each takes.",
             Empty, views.Types, webhooks.types, Route("GET", f"{base}webhook-types")),
        look(f"{name}.list", f"List webhooks{of}", "Where notices go, and how they get there.",
             Empty, views.EndpointList, webhooks.list, Route("GET", every)),
        high(f"{name}.create", f"Add a webhook{of}", "Posts notices of what happens, signed by Standard Webhooks. Its secret is shown once.",
             Settings, views.Made, webhooks.create, Route("POST", every, 201)),
        look(f"{name}.show", f"Show a webhook{of}", "Where it is, what it is told of, and how deliveries stand.",
             views.OneEndpoint, views.EndpointView, webhooks.show, Route("GET", one)),
        high(f"{name}.put", f"Change a webhook{of}", "Changes what is given; pauses it, or lets it go on.",
             views.Put, views.EndpointView, webhooks.put, Route("PUT", one)),
        change(f"{name}.remove", f"Remove a webhook{of}", "With its deliveries. What they told of stays in the log.",
               views.OneEndpoint, Nothing, webhooks.remove, Route("DELETE", one)),
        high(f"{name}.rotate", f"Renew a webhook's secret{of}", "A new secret, shown once, or a new key; what signed before signs beside it for as long as you say.",
             views.Rotate, views.Renewed, webhooks.rotate, Route("POST", one + "/rotate")),
        change(f"{name}.test", f"Test a webhook{of}", "Sends it a notice of type webhook.test, as any other is sent.",
               views.OneEndpoint, Nothing, webhooks.test, Route("POST", one + "/test")),
        look(f"{name}.deliveries", f"List a webhook's deliveries{of}", "The newest first, with how each was answered.",
             views.ListDeliveries, views.Deliveries, webhooks.deliveries, Route("GET", one + "/deliveries")),
        change(f"{name}.replay_range", f"Send notices of a time again{of}", "The dead letters of a span of time, or all of its notices, with the ids that they had.",
               views.ReplayRange, views.Replayed, webhooks.replay_range, Route("POST", one + "/replay")),
        look(f"{name}.delivery", f"Show a delivery{of}", "What was posted, and each try.",
             views.OneDelivery, views.DeliveryShown, webhooks.delivery, Route("GET", delivery), recorded=Recorded.DURABLE),
        change(f"{name}.replay", f"Send a notice again{of}", "Once more from its first try, with the id that it had.",
               views.OneDelivery, views.Replayed, webhooks.replay, Route("POST", delivery + "/replay")),
    ]  # fmt: skip
