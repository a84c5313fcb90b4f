"""One upstream, as a connector's driver: its sessions, and what it offers at this moment.

A session belongs to one credential and is never lent to another. What the server offers is asked again at most every LISTED_S seconds, and at once when
it says that something has changed; a call by contract goes out only while the tool stands there with the very pin that was agreed.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from ostiary.actions import Actor, Call, Effect, JsonValue
from ostiary.clock import SECOND_US, Clock
from ostiary.connectors.mcp.blobs import lifted, put_back
from ostiary.connectors.mcp.definition import TOOLS_MAX, Definition, definition
from ostiary.connectors.mcp.passing import Passing
from ostiary.connectors.mcp.relayed import listened, relayed
from ostiary.connectors.mcp.session import Session
from ostiary.connectors.mcp.sse import Event
from ostiary.connectors.mcp.stdio import StdioSession
from ostiary.connectors.mcp.wire import Challenged, Wire, challenge_of
from ostiary.errors import (
    MethodNotAllowed,
    OstiaryError,
    TargetAnswerInvalid,
    TargetAnswerTooLarge,
    TargetRefused,
    TargetUnavailable,
    ToolQuarantined,
)
from ostiary.net.http import Streaming
from ostiary.secret import Secret

LISTED_S = 30
"""How old what we know of an upstream's tools may be when one is called."""
PAGES_MAX = 50
SESSIONS_MAX = 1_000
"""Credentials of one upstream whose sessions are kept; the least recently used that nobody uses goes first."""

T = TypeVar("T")


class Credentials(Protocol):
    """Whose credential a call goes out with: never another person's."""

    async def of(self, actor: Actor | None) -> Secret:
        """The credential that goes out for an actor; None: for what the gateway itself asks. Raises TargetRefused, ConnectRequired."""
        ...

    async def another(self, actor: Actor | None, seen: Secret, refused: Challenged) -> Secret:
        """The one to try with, once, after the server refused `seen`. Raises `refused`, or what the person has to do."""
        ...

    async def given_up(self, actor: Actor | None, seen: Secret, refused: Challenged) -> OstiaryError:
        """What is said when the server refuses that one too."""
        ...


@dataclass(frozen=True, slots=True)
class McpTarget:
    """One tool of an upstream, as a contract names it."""

    tool: str
    pin: str


@dataclass(frozen=True, slots=True)
class Offered:
    """What an upstream offers, by name; a name that it lists twice stands in `twice` and nowhere else. `faulty`: how many entries are no tools."""

    tools: Mapping[str, Definition]
    twice: frozenset[str]
    at_us: int
    faulty: int = 0


class Upstream:
    """`converse` makes a session for a credential. `wire` is None where there is no HTTP (stdio)."""

    def __init__(
        self,
        converse: Callable[[Secret], Session],
        credentials: Credentials,
        clock: Clock,
        wire: Wire | None = None,
        most: int = SESSIONS_MAX,
    ) -> None:
        self.wire = wire
        self._most = most
        self._closing: set[asyncio.Task[None]] = set()
        self._converse = converse
        self._credentials = credentials
        self._clock = clock
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()
        self._offered: dict[bytes, Offered] = {}
        self._listing: dict[bytes, asyncio.Lock] = {}

    async def call(self, call: Call, target: McpTarget, params: Mapping[str, JsonValue]) -> JsonValue:
        """What the tool answers: its structured content, or `{"content": [...]}` where it gives none. Raises ToolQuarantined and the Target errors."""
        asked = {"name": target.tool, "arguments": dict(params)}

        async def called(credential: Secret) -> dict[str, Any]:
            known = (await self._offered_to(credential, now=False)).tools.get(target.tool)
            if known is None or known.pin != target.pin:
                raise ToolQuarantined
            schema = known.whole.get("inputSchema")
            return await self._session(credential).request("tools/call", asked, schema)

        return contents(await self._credentialed(call.actor, called))

    async def request(self, call: Call, method: str, params: Mapping[str, JsonValue]) -> dict[str, Any]:
        """A request in our own session: for calls that nobody waits for any more. Raises the Target errors."""
        return await self._credentialed(
            call.actor, lambda credential: self._session(credential).request(method, params)
        )

    async def passed(self, call: Call, passing: Passing, message: Mapping[str, JsonValue]) -> JsonValue:
        """Send a client's message in the client's own session; the result. Raises TargetRefused with `passing.error` set where the server says no."""
        wire = self.wire
        if wire is None:
            answer = await self._relayed(call, passing, message)
        else:
            answered = await self._credentialed(
                call.actor,
                lambda credential: wire.post(
                    message, passing.headers, credential, passing.show, began=passing.began
                ),
            )
            passing.last, answer = answered.last, answered.message
        if answer is None:
            return None
        if "error" in answer:
            told = answer["error"]
            if not isinstance(told, dict) or not isinstance(told.get("code"), int):
                raise TargetAnswerInvalid("The server's error is none of the protocol.", maybe_done=True)
            passing.error, passing.error_id = told, answer.get("id")
            raise TargetRefused("The server refused it.")
        if not isinstance(answer.get("result"), dict):
            raise TargetAnswerInvalid("The server's result is no object.", maybe_done=True)
        return set_aside(call, answer["result"])

    async def _relayed(
        self, call: Call, passing: Passing, message: Mapping[str, JsonValue]
    ) -> dict[str, Any] | None:
        session = self._session(await self._credentials.of(call.actor))
        assert isinstance(session, StdioSession)  # what has no wire is a program
        passing.began(200 if "id" in message else 202, {})
        if call.action.effect is Effect.OUTSIDE:
            passing.gone = None  # what has begun outside goes on to its record
        return await relayed(session, passing, message)

    async def ended(self, call: Call, passing: Passing) -> None:
        """End a client's session. With a program it holds nothing that could end (2025-11-25, Session Management)."""
        if self.wire is None:
            passing.status = 405
            return
        wire = self.wire
        answered = await self._credentialed(
            call.actor, lambda credential: wire.end(passing.headers, credential)
        )
        passing.status = answered.status

    @asynccontextmanager
    async def listening(
        self, actor: Actor, message: Mapping[str, JsonValue] | None, headers: Mapping[str, str]
    ) -> AsyncIterator[Streaming]:
        """A stream that stays open; see `Wire.listening`. Raises the Target errors."""
        if self.wire is None:
            raise MethodNotAllowed
        credential, refused = await self._credentials.of(actor), None
        for _ in range(2):
            if refused is not None:
                credential = await self._credentials.another(actor, credential, refused)
            async with self.wire.listening(message, headers, credential) as streaming:
                refused = challenge_of(streaming)
                if refused is None:
                    yield streaming
                    return
        assert refused is not None
        raise await self._credentials.given_up(actor, credential, refused)

    @asynccontextmanager
    async def hearing(
        self, actor: Actor, message: Mapping[str, JsonValue] | None
    ) -> AsyncIterator[AsyncIterator[tuple[Event, JsonValue]]]:
        """What a program says of changes, to one who listens; `message` as in `listening`. Raises the Target errors."""
        session = self._session(await self._credentials.of(actor))
        assert isinstance(session, StdioSession)  # what has no wire is a program
        async with listened(session, message) as events:
            yield events

    async def _credentialed(self, actor: Actor | None, ask: Callable[[Secret], Awaitable[T]]) -> T:
        """Ask with the credential of whoever asks; where the server does not take it, once more with the next one, if there is one: it did nothing."""
        credential = await self._credentials.of(actor)
        try:
            return await ask(credential)
        except Challenged as refused:
            credential = await self._credentials.another(actor, credential, refused)
        try:
            return await ask(credential)
        except Challenged as refused:
            raise await self._credentials.given_up(actor, credential, refused) from None

    async def offered(self, actor: Actor | None, *, now: bool = False) -> Offered:
        """What the server offers to whoever asks, not older than LISTED_S; `now`: asked at this moment. Raises the Target errors."""
        return await self._credentialed(actor, lambda credential: self._offered_to(credential, now=now))

    async def _offered_to(self, credential: Secret, *, now: bool) -> Offered:
        key = _key(credential)
        session = self._session(credential)
        found = self._offered.get(key)
        if found and not now and not session.changed and self._fresh(found):
            return found
        async with self._listing.setdefault(key, asyncio.Lock()):
            found = self._offered.get(key)
            if found and not now and not session.changed and self._fresh(found):
                return found
            session.changed = False
            made = self._offered[key] = await self._listed(session)
            return made

    def _fresh(self, offered: Offered) -> bool:
        return self._clock.monotonic_us() - offered.at_us < LISTED_S * SECOND_US

    async def _listed(self, session: Session) -> Offered:
        at_us, cursor, faulty = self._clock.monotonic_us(), "", 0
        tools: dict[str, Definition] = {}
        twice: set[str] = set()
        for _ in range(PAGES_MAX):
            page = await session.request("tools/list", {"cursor": cursor} if cursor else {})
            listed = page.get("tools")
            if not isinstance(listed, list):
                raise TargetAnswerInvalid("The server's list of tools is no list.")
            for raw in listed:
                try:
                    one = definition(raw)
                except TargetAnswerInvalid:
                    faulty += 1  # the others can be judged; this one cannot, so it does not exist
                    continue
                if one.name in tools:
                    twice.add(one.name)
                tools[one.name] = one
            if len(tools) > TOOLS_MAX:
                raise TargetAnswerTooLarge(f"The server offers more than {TOOLS_MAX} tools.")
            cursor = page.get("nextCursor") or ""
            if not isinstance(cursor, str) or not cursor:
                break
        else:
            raise TargetAnswerTooLarge(f"The server's list of tools has more than {PAGES_MAX} pages.")
        single = {name: one for name, one in tools.items() if name not in twice}
        return Offered(single, frozenset(twice), at_us, faulty)

    async def heard_of_change(self, actor: Actor) -> None:
        """The server says that its tools are others now: the next call asks."""
        key = _key(await self._credentials.of(actor))
        found = self._offered.get(key)
        if found:
            self._offered[key] = replace(found, at_us=found.at_us - LISTED_S * SECOND_US)

    def _session(self, credential: Secret) -> Session:
        key = _key(credential)
        found = self._sessions.get(key)
        if found is None:
            if len(self._sessions) >= self._most:
                self._give_up_one()
            found = self._sessions[key] = self._converse(credential)
        self._sessions.move_to_end(key)
        return found

    def _give_up_one(self) -> None:
        """End the session that was used longest ago. Raises TargetUnavailable where each is in use."""
        gone = next((key for key, session in self._sessions.items() if session.idle), None)
        if gone is None:
            raise TargetUnavailable("Too many accounts use this upstream at once.")
        self._offered.pop(gone, None)
        self._listing.pop(gone, None)
        closing = asyncio.create_task(self._sessions.pop(gone).close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def probe(self) -> int:
        """How many tools it offers now. Raises the Target errors."""
        return len((await self.offered(None, now=True)).tools)

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
        await asyncio.gather(*self._closing)
        if self.wire is not None:
            await self.wire.close()


def set_aside(call: Call, result: JsonValue) -> JsonValue:
    """The result as masking has to see it; the call puts the bytes back."""
    shown, blobs = lifted(result)
    call.whole = lambda masked: put_back(masked, blobs)
    return shown


def _key(credential: Secret) -> bytes:
    """Sessions are found by what opens them, without keeping it."""
    return hashlib.sha256(credential.reveal().encode()).digest()


def contents(result: Mapping[str, Any]) -> JsonValue:
    """What a tool's result says, as a contract's answer. Raises TargetRefused for a result that is an error: what it says stays with the upstream."""
    if result.get("resultType", "complete") != "complete":
        raise TargetRefused("The tool wants more input, which a contract does not give.")
    if result.get("isError"):
        raise TargetRefused("The tool answered that it failed.")
    structured = result.get("structuredContent")
    if structured is not None:
        return structured
    return {"content": result.get("content", [])}
