"""Messages of a client of `/mcp/<upstream>` as calls at the door, and outcomes of the door as the upstream would have answered."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Token
from dataclasses import dataclass, replace
from typing import Any

import orjson
from mcp_types import HEADER_MISMATCH, INTERNAL_ERROR, INVALID_PARAMS
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from ostiary import ids, log
from ostiary.actions import Actor, Face, JsonValue
from ostiary.clock import SECOND_US, Clock
from ostiary.connectors.mcp.blobs import lifted, put_back
from ostiary.connectors.mcp.passing import PASSING, Passing
from ostiary.connectors.mcp.sse import Event
from ostiary.connectors.mcp.wire import SESSION, VERSION
from ostiary.connectors.upstreams import tasked
from ostiary.connectors.upstreams.generic import CARRIED, KIND_OF
from ostiary.connectors.upstreams.shelf import PREFIX, Upstreamed
from ostiary.consent.ledger import Ledger
from ostiary.contracts.book import Book
from ostiary.door.door import Door
from ostiary.door.outcome import Done, Held, Outcome
from ostiary.errors import (
    Conflict,
    InFlight,
    InvalidParameters,
    MalformedRequest,
    NotFound,
    OffContract,
    OstiaryError,
    ToolQuarantined,
)
from ostiary.identity.gate import Entrance
from ostiary.ids import CallId
from ostiary.mcp_server import answers, state
from ostiary.mcp_server.calls import BEHALF_META, KEY_META, ROUNDS_MAX, UNREADABLE, named_session, said
from ostiary.mcp_server.held_back import HeldBack
from ostiary.mcp_server.names import tool_name
from ostiary.privacy.policy import Masker
from ostiary.vault.sealing import Vault

NOTIFICATIONS = frozenset(
    {
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/progress",
        "notifications/roots/list_changed",
    }
)
HELD = "A person has to approve this first."
POLL_TOOL = tool_name(answers.POLL_ACTION)
_LABELLED = frozenset(
    {"prompts/get", "resources/read", "completion/complete", "tools/call", "tasks/get", "tasks/result"}
)
OPAQUE = re.compile(r"[0-9A-Za-z._:/+=-]{1,256}")
_LOG = log.get("mcp")

OnEvent = Callable[..., Awaitable[None]]
"""`await on_event(bytes, session)`: an event that comes before the answer, and the upstream's session id if it gave one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One message, who sends it to which upstream, and the headers that belong to the protocol. gone: see `Passing`."""

    entrance: Entrance
    upstream: Upstreamed
    headers: Mapping[str, str]
    message: Any
    gone: Callable[[], Awaitable[None]] | None = None

    @property
    def actor(self) -> Actor:
        return self.entrance.actor

    @property
    def params(self) -> dict[str, Any]:
        found = self.message.get("params")
        return found if isinstance(found, dict) else {}

    @property
    def modern(self) -> bool:
        return self.headers.get(VERSION) in MODERN_PROTOCOL_VERSIONS


@dataclass(frozen=True, slots=True)
class Reply:
    """status 0: the usual one. body: a JSON-RPC message, None for none. last: the upstream's event that brought it."""

    status: int = 0
    body: JsonValue = None
    session: str = ""
    last: Event | None = None

    def event(self) -> Event:
        data = orjson.dumps(self.body).decode()
        return Event(data, self.last.id, self.last.name, self.last.retry_ms) if self.last else Event(data)


def rpc_error(message_id: JsonValue, code: int, text: str, data: JsonValue = None) -> dict[str, JsonValue]:
    """A JSON-RPC error (section 5.1)."""
    error = {"code": code, "message": text, **({"data": data} if data is not None else {})}
    return {"jsonrpc": "2.0", "id": message_id, "error": error}


class Through:
    """Takes messages through the door."""

    def __init__(
        self,
        door: Door,
        ledger: Ledger,
        book: Book,
        masker: Masker,
        vault: Vault,
        clock: Clock,
        *,
        wait_s: int,
    ) -> None:
        self._door = door
        self._ledger = ledger
        self._book = book
        self._masker = masker
        self._vault = vault
        self._clock = clock
        self._wait_s = wait_s

    # What a client may send.

    async def request(self, asked: Asked, on_event: OnEvent) -> Reply:
        """A request that is no tool call."""
        method, entrance = asked.message["method"], asked.entrance
        if _names_another(asked):
            await self._door.turned_away(asked.actor, UNREADABLE, MalformedRequest(), face=Face.MCP)
            error = rpc_error(asked.message["id"], HEADER_MISMATCH, "The header Mcp-Name names another task.")
            return Reply(400, error)
        if isinstance(asked.params.get("inputResponses"), dict):
            if refused := await self._reported(asked):
                return refused
            entrance = Entrance(asked.actor)
        judged = {key: value for key, value in asked.params.items() if key not in CARRIED}
        raw = {"method": method, "params": judged}
        passing = await self._passing(asked, on_event)
        return await self._called(
            asked, passing, entrance, f"{PREFIX}{asked.upstream.word}.{KIND_OF[method]}", raw
        )

    async def notified(self, asked: Asked, on_event: OnEvent) -> Reply:
        """A notification; one that is not known goes no further."""
        if asked.message["method"] not in NOTIFICATIONS:
            return Reply(202)
        raw = {"method": asked.message["method"], "params": asked.params}
        passing = await self._passing(asked, on_event)
        return await self._called(
            asked, passing, asked.entrance, f"{PREFIX}{asked.upstream.word}.session", raw
        )

    async def replied(self, asked: Asked, on_event: OnEvent) -> Reply:
        """What a client answers when the upstream asked it something (2025-11-25)."""
        judged = {key: asked.message[key] for key in ("result", "error") if key in asked.message}
        passing = await self._passing(asked, on_event)
        return await self._called(asked, passing, asked.entrance, self._reply_action(asked), {"method": "reply", "params": judged})  # fmt: skip

    async def ended(self, asked: Asked) -> Reply:
        """The end of a session (2025-11-25)."""
        passing = Passing(asked.headers, {})
        name = f"{PREFIX}{asked.upstream.word}.session"
        await self._at_door(asked, passing, asked.entrance, name, {"method": "session/end"})
        return Reply(passing.status)

    async def tool(self, asked: Asked, on_event: OnEvent) -> Reply:
        """A tool call: by contract where there is one, else as the tool was accepted."""
        name, arguments = asked.params.get("name"), asked.params.get("arguments", {})
        if not isinstance(name, str) or not isinstance(arguments, dict):
            return Reply(
                0, rpc_error(asked.message["id"], INVALID_PARAMS, "A tool call has a name and arguments.")
            )
        if waiting := self._waiting(asked, name):
            return await self._returned(asked, waiting)
        entrance = asked.entrance
        if isinstance(asked.params.get("inputResponses"), dict):
            if refused := await self._reported(asked):
                return refused
            entrance = Entrance(asked.actor)
        passing = await self._passing(asked, on_event)
        try:
            action = await self._action_of(asked, name)
        except OstiaryError as error:
            await self._door.turned_away(
                asked.actor, f"{PREFIX}{asked.upstream.word}.tools", error, face=Face.MCP
            )
            return self._tool_refused(asked, passing, error)
        return await self._tool_called(asked, passing, entrance, action, arguments)

    # How it goes through.

    async def _tool_called(
        self, asked: Asked, passing: Passing, entrance: Entrance, action: str, arguments: JsonValue
    ) -> Reply:
        try:
            outcome = await self._at_door(asked, passing, entrance, action, arguments)
        except OstiaryError as error:
            if passing.error is not None:
                return await self._upstreams_error(asked, passing)
            return self._tool_refused(asked, passing, error)
        if isinstance(outcome, Done) and action.startswith(PREFIX):
            return self._passed(asked, passing, outcome)
        return Reply(
            0, self._result(asked, await self._answer(asked, outcome.call, 0, outcome)), last=passing.last
        )

    def _passed(self, asked: Asked, passing: Passing, outcome: Done) -> Reply:
        """The upstream's result, masked, with the call's id and the mark that nothing of it is trusted."""
        result = outcome.result
        if result is None:
            return Reply(passing.status)
        if isinstance(result, dict) and asked.message.get("method") in _LABELLED:
            counts = {answers.COUNTS_META: outcome.counts} if outcome.counts else {}
            result = _untrusted(result, {answers.CALL_META: outcome.call, **counts})
            if asked.message["method"] == "tasks/get" and isinstance(result.get("result"), dict):
                result["result"] = _untrusted(result["result"])  # a client takes it out and forgets the rest
        session = passing.answer_headers.get(SESSION, "")
        return Reply(passing.status, self._result(asked, result), session, passing.last)

    def _result(self, asked: Asked, result: JsonValue) -> dict[str, JsonValue]:
        return {"jsonrpc": "2.0", "id": asked.message.get("id"), "result": result}

    async def _called(
        self, asked: Asked, passing: Passing, entrance: Entrance, action: str, raw: JsonValue
    ) -> Reply:
        try:
            outcome = await self._at_door(asked, passing, entrance, action, raw)
        except OstiaryError as error:
            if passing.error is not None:
                return await self._upstreams_error(asked, passing)
            code = (
                INVALID_PARAMS
                if isinstance(error, NotFound | OffContract | InvalidParameters)
                else INTERNAL_ERROR
            )
            status = error.status if asked.modern or "id" not in asked.message else 200
            return Reply(status, rpc_error(asked.message.get("id"), code, error.title(), error.problem()))
        if isinstance(outcome, Done):
            return self._passed(asked, passing, outcome)
        return Reply(0, rpc_error(asked.message.get("id"), INTERNAL_ERROR, HELD))

    async def told(self, asked: Asked, entrance: Entrance, action: str, raw: JsonValue) -> None:
        """A call for the record and for the decision alone: nothing is sent by it. Raises OstiaryError."""
        await self._at_door(asked, Passing(asked.headers, {}), entrance, action, raw)

    async def _at_door(
        self, asked: Asked, passing: Passing, entrance: Entrance, action: str, raw: JsonValue
    ) -> Outcome:
        meta = asked.params.get("_meta") if isinstance(asked.message, dict) else None
        told: Mapping[str, Any] = meta if isinstance(meta, dict) else {}
        key, behalf, session = said(told, KEY_META), said(told, BEHALF_META), named_session(told)
        held: Token[Passing | None] = PASSING.set(passing)
        try:
            return await self._door.call(
                entrance,
                action,
                raw,
                face=Face.MCP,
                key=key or ids.new("mcp"),
                behalf=behalf,
                session=session,
            )
        finally:
            PASSING.reset(held)
            await passing.shown()

    async def _action_of(self, asked: Asked, tool: str) -> str:
        """The action that a tool call is: the contract that names the tool, if there is one. Raises Conflict where several do."""
        contracts = await self._book.of_tool(asked.actor.tenant, asked.upstream.name, tool)
        if len(contracts) > 1:
            raise Conflict("Several contracts call this tool: call one of them by its own name, at /mcp.")
        if contracts:
            return contracts[0]
        if tool == POLL_TOOL and tool not in asked.upstream.accepted:
            return answers.POLL_ACTION
        return asked.upstream.tool_action(tool)

    async def _reported(self, asked: Asked) -> Reply | None:
        """What a client answers inside of a request (2026-07-28) goes out too: it is a call of its own, before the request. None: it may."""
        passing = Passing(asked.headers, {})
        raw = {"method": "told", "params": {"inputResponses": asked.params["inputResponses"]}}
        try:
            outcome = await self._at_door(asked, passing, asked.entrance, self._reply_action(asked), raw)
        except OstiaryError as error:
            return Reply(
                error.status, rpc_error(asked.message["id"], INTERNAL_ERROR, error.title(), error.problem())
            )
        return (
            None
            if isinstance(outcome, Done)
            else Reply(0, rpc_error(asked.message["id"], INTERNAL_ERROR, HELD))
        )

    def _reply_action(self, asked: Asked) -> str:
        return f"{PREFIX}{asked.upstream.word}.reply"

    async def _passing(self, asked: Asked, on_event: OnEvent) -> Passing:
        """The message on its way; what comes before its answer is masked and given to `on_event`."""
        policy = await self._masker.ready(asked.actor.tenant)

        async def show(event: Event, message: JsonValue) -> None:
            seen = self.masked(asked.actor, event, message, policy, task=_task_of(asked))
            await on_event(seen, passing.answer_headers.get(SESSION, ""))

        async def reveal() -> frozenset[str]:
            return policy.reveals(asked.actor.roles)

        async def shown() -> None:
            await held.end()
            if passing.last is not None:
                passing.last = self._named(asked.actor, passing.last, policy)

        held = HeldBack(show, reveal, self._clock)
        passing = Passing(asked.headers, asked.message, held.say, asked.gone, shown)
        return passing

    def masked(self, actor: Actor, event: Event, message: JsonValue, policy: Any, *, task: str = "") -> bytes:
        """An event as this actor may see it. `task`: the one that the client has asked about, by its own id."""
        message = tasked.heard(message, task)
        event = self._named(actor, event, policy)
        if message is None:
            return replace(event, data="").written()
        shown, blobs = lifted(message)
        seen, _counts = self._masker.mask(actor, shown, policy)
        return replace(event, data=orjson.dumps(put_back(seen, blobs)).decode()).written()

    def _named(self, actor: Actor, event: Event, policy: Any) -> Event:
        """The event without a name or a place that this actor may not see: they are the upstream's own words. An opaque place stays, so that a client finds its way back."""
        place = event.id or ""
        told = ["" if OPAQUE.fullmatch(place) else place, event.name]
        seen, _counts = self._masker.mask(actor, told, policy)
        return event if seen == told else replace(event, id=None, name="")

    async def _upstreams_error(self, asked: Asked, passing: Passing) -> Reply:
        """The upstream's own error, masked. It answers this request, or none that it could read."""
        policy = await self._masker.ready(asked.actor.tenant)
        error, _counts = self._masker.mask(asked.actor, passing.error, policy)
        number = None if passing.error_id is None else asked.message.get("id")
        return Reply(passing.status, {"jsonrpc": "2.0", "id": number, "error": error}, last=passing.last)

    def _tool_refused(self, asked: Asked, passing: Passing, error: OstiaryError) -> Reply:
        """A result that is an error, which a model can read. A tool that nobody accepted is refused like all else: whether the upstream has one of that name
        is nothing that the answer tells."""
        told = ToolQuarantined() if isinstance(error, OffContract) else error
        return Reply(0, self._result(asked, answers.refused(told)), last=passing.last)

    # Calls that wait for a person.

    def _waiting(self, asked: Asked, tool: str) -> state.Waiting | None:
        """Our own state, which a client brings back; what is not ours is the upstream's."""
        given = asked.params.get("requestState")
        if not isinstance(given, str):
            return None
        try:
            return state.opened(self._vault, asked.actor, given, tool=_placed(asked, tool))
        except state.BadState:
            return None

    async def _returned(self, asked: Asked, waiting: state.Waiting) -> Reply:
        try:
            outcome = await self._outcome(asked.actor, waiting.call)
            result = await self._answer(asked, waiting.call, waiting.rounds, outcome)
        except OstiaryError as error:
            return self._tool_refused(asked, Passing(asked.headers, {}), error)
        return Reply(0, self._result(asked, result))

    async def _outcome(self, actor: Actor, call: CallId) -> Outcome | None:
        row = await self._ledger.call_row(actor.tenant, call)
        if row is None or row.actor_id != actor.id:
            raise NotFound
        try:
            return await self._door.outcome_of(row)
        except InFlight:
            return None

    async def _answer(
        self, asked: Asked, call: CallId, rounds: int, outcome: Outcome | None
    ) -> dict[str, Any]:
        outcome = await self._awaited(asked.actor, call, outcome)
        if isinstance(outcome, Done):
            result = outcome.result
            shaped = isinstance(result, dict) and isinstance(result.get("content"), list)
            if shaped or tasked.is_theirs(self._vault, asked.actor, asked.upstream.name, result):
                return _untrusted(result, {answers.CALL_META: call})
            return answers.done(outcome)
        if asked.modern and rounds < ROUNDS_MAX:
            again = state.Waiting(call, _placed(asked, asked.params["name"]), rounds + 1)
            return answers.come_back(call, await state.sealed(self._vault, asked.actor, again))
        return answers.pending(call, outcome if isinstance(outcome, Held) else None)

    async def _awaited(self, actor: Actor, call: CallId, outcome: Outcome | None) -> Outcome | None:
        watch, began_us = self._ledger.watch, self._clock.monotonic_us()
        while not isinstance(outcome, Done):
            waited_s = (self._clock.monotonic_us() - began_us) / SECOND_US
            if waited_s >= self._wait_s or watch.stopping():
                break
            seen = watch.version(actor.tenant)
            await self._door.still(actor)
            await watch.beyond(actor.tenant, seen, min(self._wait_s - waited_s, 1.0))
            await asyncio.sleep(0.2)
            outcome = await self._outcome(actor, call)
        return outcome


def _task_of(asked: Asked) -> str:
    """The id, as the client gave it, of the task that it asks about; "" for all else."""
    method = asked.message.get("method") if isinstance(asked.message, dict) else None
    found = asked.params.get("taskId")
    asks = isinstance(method, str) and method.startswith(tasked.PREFIX)
    return found if asks and isinstance(found, str) else ""


def _names_another(asked: Asked) -> bool:
    """Whether the header says another task than the body; what goes out has the upstream's own id in both (SEP-2663, Mcp-Name)."""
    said = asked.headers.get("mcp-name")
    return asked.modern and said is not None and _task_of(asked) not in ("", said)


def _untrusted(result: dict[str, Any], more: Mapping[str, JsonValue] | None = None) -> dict[str, Any]:
    """With the mark that nothing of it is trusted."""
    meta = result.get("_meta")
    kept = meta if isinstance(meta, dict) else {}
    return {**result, "_meta": {**kept, **(more or {}), answers.TRUST_META: answers.UNTRUSTED}}


def _placed(asked: Asked, tool: str) -> str:
    """A state of ours is good for one tool of one upstream."""
    return f"{asked.upstream.name}/{tool}"
