"""`tools/list` and `tools/call`: what the protocol asks, taken through the door, and waiting for a person within bounds.

A held call of a 2026-07-28 client is answered `input_required`: the client comes back by itself with the same request. Clients give up after ten rounds,
so the last of ours says how to poll instead. Older clients are told how to poll at once. In both, a call that waits first waits here, `wait_s` at most.
"""

import asyncio
from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, CallToolRequestParams, PaginatedRequestParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from ostiary import ids, log
from ostiary.actions import Actor, Face, JsonValue
from ostiary.clock import SECOND_US, Clock
from ostiary.consent.ledger import Ledger
from ostiary.door.door import Door
from ostiary.door.outcome import Done, Held, Outcome, Previewed
from ostiary.errors import (
    Fault,
    InFlight,
    InvalidParameters,
    MalformedRequest,
    NotFound,
    OstiaryError,
    OutOfScope,
)
from ostiary.identity.gate import Entrance
from ostiary.ids import CallId
from ostiary.mcp_server import answers, state, tasks, tools
from ostiary.mcp_server.names import action_name
from ostiary.shapes import pointer
from ostiary.vault.sealing import Vault

ROUNDS_MAX = 8
WAITING_MAX = 256
PROGRESS_EVERY_S = 1.0
CHECK_EVERY_S = 0.2
"""A busy tenant wakes its waiters often; each looks at its own row at most this often."""
KEY_META = "dev.ostiary/idempotency-key"
BEHALF_META = "dev.ostiary/on-behalf-of"
SESSION_META = "dev.ostiary/session"
DRY_META = "dev.ostiary/dry-run"
META_CHARACTERS_MAX = 200
UNREADABLE = "request.unreadable"
"""What the log calls a request that never became a call."""

ENTRANCE = "ostiary.entrance"
"""Where the ASGI scope says who asks."""

CALLED = "ostiary.called"
"""Set in the ASGI scope as soon as the door is asked: from then on it is the door that records."""

NARROW = "ostiary.narrow"
"""Set in the ASGI scope to the error where the caller's token is too narrow, and could be widened by the person who gave it."""

_LOG = log.get("mcp")


class Calls:
    """The two handlers of the protocol server. `waiting` counts the requests that wait for a person at this moment."""

    def __init__(
        self, door: Door, ledger: Ledger, vault: Vault, clock: Clock, *, wait_s: int, public_url: str
    ) -> None:
        self._door = door
        self._ledger = ledger
        self._vault = vault
        self._clock = clock
        self._wait_s = wait_s
        self._public_url = public_url
        self.waiting = 0

    async def list_tools(
        self, context: ServerRequestContext[Any, Any], params: PaginatedRequestParams | None
    ) -> dict[str, Any]:
        """The tools of whoever asks. The answer differs by actor, so nobody may cache it for another."""
        try:
            visible = await self._door.visible(unnarrowed(_entrance(context).actor))
        except OstiaryError as error:
            raise MCPError(INTERNAL_ERROR, error.title(), error.problem()) from None
        listed, after = tools.page(visible, (params.cursor if params else None) or "")
        more = {"nextCursor": after} if after else {}
        return {"resultType": "complete", "tools": listed, "ttlMs": 0, "cacheScope": "private", **more}

    async def call_tool(
        self, context: ServerRequestContext[Any, Any], params: CallToolRequestParams
    ) -> dict[str, Any]:
        """One call. What the door refuses comes back as a result that is an error; raises MCPError for an unknown tool or a bad state."""
        entrance = _entrance(context)
        _scope(context)[CALLED] = True
        try:
            if params.request_state is not None:
                return await self._returned(context, entrance.actor, params)
            outcome = await self._called(entrance, params)
            if isinstance(outcome, Previewed):
                return answers.previewed(outcome)
            asked = state.Waiting(outcome.call, params.name, 0)
            if isinstance(outcome, Held) and tasks.knows(context):
                return tasks.created(outcome, at_us=self._clock.now_us(), link=self._card(outcome))
            if isinstance(outcome, Held) and answers.opens_links(context):
                again = state.Waiting(outcome.call, params.name, 1)
                sealed = await state.sealed(self._vault, entrance.actor, again)
                return answers.come_back(outcome.call, sealed, link=self._card(outcome))
            return await self._answer(context, entrance.actor, asked, outcome)
        except OstiaryError as error:
            if isinstance(error, OutOfScope) and entrance.actor.acts_for:
                _scope(context)[NARROW] = error
            return answers.refused(error)
        except MCPError:
            raise
        except Exception as fault:  # noqa: BLE001 - a mistake of ours: it is logged, and nothing of it is shown
            _LOG.error("mcp.broke", error=type(fault).__name__)
            return answers.refused(OstiaryError())

    def _card(self, held: Held) -> str:
        """Where a person looks at the card; who signs in there decides, never the client that shows the link."""
        return f"{self._public_url}/approvals/{held.approval}"

    async def _called(self, entrance: Entrance, params: CallToolRequestParams) -> Outcome:
        meta: dict[str, Any] = dict(params.meta or {})
        # Without a key of the client's own each call is another call; the protocol has no other name for it.
        arguments: JsonValue = params.arguments or {}
        try:
            key, behalf = said(meta, KEY_META) or ids.new("mcp"), said(meta, BEHALF_META)
            session, dry = named_session(meta), _dry(meta)
        except InvalidParameters as error:
            await self._door.turned_away(entrance.actor, UNREADABLE, error, face=Face.MCP)
            raise
        return await self._door.call(
            entrance, action_name(params.name), arguments, face=Face.MCP, key=key, behalf=behalf, session=session, dry=dry,
        )  # fmt: skip

    async def _returned(
        self, context: ServerRequestContext[Any, Any], actor: Actor, params: CallToolRequestParams
    ) -> dict[str, Any]:
        """The client came back with its state. Nothing is called: it is told what became of its call."""
        try:
            waiting = state.opened(self._vault, actor, params.request_state or "", tool=params.name)
        except state.BadState:
            await self._door.turned_away(actor, UNREADABLE, MalformedRequest(), face=Face.MCP)
            raise MCPError(INVALID_PARAMS, "Invalid or expired requestState") from None
        return await self._answer(context, actor, waiting, await self._outcome(actor, waiting.call))

    async def _outcome(self, actor: Actor, call: CallId) -> Outcome | None:
        """What became of the actor's own call; None while it runs. Raises what it failed with."""
        row = await self._ledger.call_row(actor.tenant, call)
        if row is None or row.actor_id != actor.id:
            raise NotFound
        try:
            return await self._door.outcome_of(row)
        except InFlight:
            return None

    async def _answer(
        self,
        context: ServerRequestContext[Any, Any],
        actor: Actor,
        asked: state.Waiting,
        outcome: Outcome | None,
    ) -> dict[str, Any]:
        outcome = await self._awaited(context, actor, asked.call, outcome)
        if isinstance(outcome, Done):
            return answers.done(outcome)
        if context.protocol_version in MODERN_PROTOCOL_VERSIONS and asked.rounds < ROUNDS_MAX:
            again = state.Waiting(asked.call, asked.tool, asked.rounds + 1)
            return answers.come_back(asked.call, await state.sealed(self._vault, actor, again))
        return answers.pending(asked.call, outcome if isinstance(outcome, Held) else None)

    async def _awaited(
        self, context: ServerRequestContext[Any, Any], actor: Actor, call: CallId, outcome: Outcome | None
    ) -> Outcome | None:
        """Wait for a decision, `wait_s` at most. Beyond WAITING_MAX requests that wait, nobody waits: connections are bounded too."""
        if isinstance(outcome, Done) or self._wait_s == 0 or self.waiting >= WAITING_MAX:
            return outcome
        self.waiting += 1
        try:
            return await self._watched(context, actor, call)
        finally:
            self.waiting -= 1

    async def _watched(
        self, context: ServerRequestContext[Any, Any], actor: Actor, call: CallId
    ) -> Outcome | None:
        watch, began_us = self._ledger.watch, self._clock.monotonic_us()
        while True:
            seen = watch.version(actor.tenant)
            outcome = await self._outcome(actor, call)
            waited_s = (self._clock.monotonic_us() - began_us) / SECOND_US
            if isinstance(outcome, Done) or waited_s >= self._wait_s or watch.stopping():
                return outcome
            await self._door.still(actor)
            await context.session.report_progress(waited_s, self._wait_s, "waiting for a person to decide")
            await watch.beyond(actor.tenant, seen, min(self._wait_s - waited_s, PROGRESS_EVERY_S))
            await asyncio.sleep(CHECK_EVERY_S)


def unnarrowed(actor: Actor) -> Actor:
    """Who comes with an OAuth token sees what the person could still allow: calling it asks them (step-up)."""
    return replace(actor, scopes=None) if actor.acts_for else actor


def _entrance(context: ServerRequestContext[Any, Any]) -> Entrance:
    """Who asks: the face put it into the scope of this very request."""
    entrance: Entrance = _scope(context)[ENTRANCE]
    return entrance


def _scope(context: ServerRequestContext[Any, Any]) -> MutableMapping[str, Any]:
    request: Any = context.request
    scope: MutableMapping[str, Any] = request.scope
    return scope


def _dry(meta: Mapping[str, Any]) -> bool:
    """Whether the client wants to know what would become of the call, and nothing done. Raises InvalidParameters for anything but true or false."""
    wanted = meta.get(DRY_META, False)
    if not isinstance(wanted, bool):
        raise InvalidParameters(faults=(Fault(pointer("_meta", DRY_META), "true or false"),))
    return wanted


def named_session(meta: Mapping[str, Any]) -> str:
    """The agent's session that the client names; "" when absent. Raises InvalidParameters."""
    named = said(meta, SESSION_META)
    if named and not ids.is_id(named, "ses"):
        raise InvalidParameters(faults=(Fault(pointer("_meta", SESSION_META), "the id of a session"),))
    return named


def said(meta: Mapping[str, Any], name: str) -> str:
    """Text that the client put into `_meta`; "" when absent. Raises InvalidParameters."""
    value = meta.get(name, "")
    if not isinstance(value, str) or len(value) > META_CHARACTERS_MAX:
        wanted = f"text of at most {META_CHARACTERS_MAX} characters"
        raise InvalidParameters(faults=(Fault(pointer("_meta", name), wanted),))
    return value
