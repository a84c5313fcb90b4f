"""From a request to a call, and from an outcome to an answer."""

from collections.abc import AsyncIterator, Mapping
from typing import Protocol
from urllib.parse import parse_qsl

from ostiary import ids
from ostiary.actions import Action, Face, JsonValue, Registry
from ostiary.asgi.caller import Proxies, presented
from ostiary.asgi.streamed import streamed
from ostiary.asgi.wire import (
    Header,
    Receive,
    Scope,
    Send,
    answer,
    answer_json,
    answer_problem,
    header,
    pieces,
    read_body,
    read_json,
    text_header,
)
from ostiary.clock import rfc3339
from ostiary.door.door import Door
from ostiary.door.outcome import Done, Held, Outcome, Previewed
from ostiary.errors import (
    Fault,
    InvalidParameters,
    MalformedRequest,
    MethodNotAllowed,
    OstiaryError,
    UnsupportedMedia,
)
from ostiary.identity.gate import Entrance
from ostiary.ids import TenantId
from ostiary.rest.docs import STYLE, page
from ostiary.rest.openapi import document
from ostiary.rest.routes import Match, Routes
from ostiary.shapes import FAULTS_MAX, pointer

KEY_CHARACTERS_MAX = 255
BEHALF_CHARACTERS_MAX = 200
SESSION_HEADER = b"ostiary-session"
DRY_HEADER = b"ostiary-dry-run"
DRY_FIELD = b"dry_run"
QUERY_FIELDS_MAX = 50
HELD_RETRY_S = 5
INTEGER_DIGITS_MAX = 19
STYLE_PATH = "/docs/style.css"
DOCUMENTS = ("/openapi.json", "/docs", STYLE_PATH)
UNREADABLE = "contract.unread"
"""What the log calls a call of a contract whose request could not be read: its name is the caller's text until a contract is found."""


class Taken(Protocol):
    """What came in: how many bytes, and their SHA-256."""

    @property
    def size(self) -> int: ...

    @property
    def digest(self) -> str: ...


class Intake(Protocol):
    """Where the bytes of an action go that `takes_bytes`, once its call has used up their ticket."""

    async def take(self, tenant: TenantId, upload: str, pieces: AsyncIterator[bytes]) -> Taken: ...


class RestFace:
    """An ASGI application for `/v1`, `/openapi.json` and `/docs`."""

    def __init__(
        self, door: Door, registry: Registry, proxies: Proxies, intake: Intake, *, body_bytes_max: int, public_url: str
    ) -> None:  # fmt: skip
        self._intake = intake
        self._door = door
        self._registry = registry
        self._routes = Routes(registry.all().values())
        self._proxies = proxies
        self._body_bytes_max = body_bytes_max
        self._public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["path"] in DOCUMENTS:
                await self._describe(scope, send)
            else:
                await self._call(scope, receive, send)
        except MethodNotAllowed as error:
            await answer_problem(send, MethodNotAllowed(), headers=[(b"allow", error.detail.encode())])
        except OstiaryError as error:
            await answer_problem(send, error)

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        match = self._routes.match(scope["method"], raw_path)
        if match.action is not None and match.action.takes_bytes:
            await self._receive(scope, receive, send, match.action, match.path)
            return
        body = await self._body(scope, receive, match)
        entrance = await self._door.enter(presented(scope, body, Face.REST, self._proxies))
        try:
            dry, query = dry_run(scope)
            given, key = _parameters(scope, body, match, query), idempotency_key(scope)
            session = named_session(scope)
            if key and match.action is not None and match.action.streams:
                raise MalformedRequest(
                    "An answer that is streamed is kept nowhere: ask without Idempotency-Key."
                )
        except OstiaryError as error:
            await self._turned_away(entrance, match, error)
            raise

        async def called() -> Outcome:
            return await self._door.call(
                entrance, match.name, given, face=Face.REST, key=key,
                behalf=text_header(scope, b"ostiary-on-behalf-of")[:BEHALF_CHARACTERS_MAX],
                session=session, dry=dry,
            )  # fmt: skip

        if match.action is not None and (match.action.streams or match.action.stops):
            outcome = await streamed(called, receive, send)
            if outcome is None:
                return
        else:
            outcome = await called()
        call: Header = (b"ostiary-call", outcome.call.encode())
        if isinstance(outcome, Held):
            where = f"/v1/calls/{outcome.call}"
            headers = [call, (b"location", where.encode()), (b"retry-after", str(HELD_RETRY_S).encode())]
            await answer_json(send, 202, held(outcome), headers)
        elif isinstance(outcome, Previewed):
            await answer_json(send, 200, previewed(outcome), [call])
        elif match.action is None:
            await answer_json(send, 200, done(outcome), [call])
        else:
            status = match.action.route.status if match.action.route else 200
            await answer_json(send, status, outcome.result, [call])

    async def _receive(
        self, scope: Scope, receive: Receive, send: Send, action: Action, path: dict[str, str]
    ) -> None:
        """The call first, which uses up the ticket; then the bytes. A signature covers a whole body, so a key that has to sign is refused here."""
        entrance = await self._door.enter(presented(scope, b"", Face.REST, self._proxies))
        try:
            dry, _ = dry_run(scope)
            kind = header(scope, b"content-type").split(b";", 1)[0].strip().lower()
            if kind != b"application/octet-stream":
                raise UnsupportedMedia("Send application/octet-stream.")
        except OstiaryError as error:
            await self._door.turned_away(entrance.actor, action.name, error, face=Face.REST)
            raise
        outcome = await self._door.call(entrance, action.name, path, face=Face.REST, dry=dry)
        call: Header = (b"ostiary-call", outcome.call.encode())
        if not isinstance(outcome, Done):
            said = previewed(outcome) if isinstance(outcome, Previewed) else held(outcome)
            await answer_json(send, 200 if isinstance(outcome, Previewed) else 202, said, [call])
            return
        try:
            (upload,) = path.values()
            taken = await self._intake.take(entrance.actor.tenant, upload, pieces(receive))
        except OstiaryError as error:
            await self._door.turned_away(entrance.actor, action.name, error, face=Face.REST)
            raise
        await answer_json(send, 200, {**outcome.result, "bytes": taken.size, "sha256": taken.digest}, [call])

    async def _body(self, scope: Scope, receive: Receive, match: Match) -> bytes:
        """Of a body that cannot be taken, what is recorded is who sent it."""
        try:
            return await read_body(scope, receive, self._body_bytes_max)
        except OstiaryError as error:
            entrance = await self._door.enter(presented(scope, b"", Face.REST, self._proxies))
            await self._turned_away(entrance, match, error)
            raise

    async def _turned_away(self, entrance: Entrance, match: Match, error: OstiaryError) -> None:
        name = match.action.name if match.action else UNREADABLE
        await self._door.turned_away(entrance.actor, name, error, face=Face.REST)

    async def _describe(self, scope: Scope, send: Send) -> None:
        """Everybody may read what the product offers; who shows a credential sees their tenant's contracts too."""
        if scope["method"] not in ("GET", "HEAD"):
            raise MethodNotAllowed("GET, HEAD")
        if scope["path"] == STYLE_PATH:
            await answer(
                send, 200, STYLE, [(b"content-type", b"text/css"), (b"cache-control", b"max-age=3600")]
            )
            return
        entrance = await self._door.enter(presented(scope, b"", Face.REST, self._proxies))
        contracts = [action for action in await self._door.visible(entrance.actor) if action.contract]
        described = document(self._registry.all().values(), contracts, self._public_url)
        if scope["path"] == "/docs":
            content, headers = page(described)
            await answer(send, 200, content, headers)
        else:
            await answer_json(send, 200, described)


def held(outcome: Held) -> JsonValue:
    """The body of 202: the call waits for a person; ask for it at `poll`."""
    return {
        "call_id": outcome.call,
        "state": "held",
        "approval_id": outcome.approval,
        "expires_at": rfc3339(outcome.expires_us),
        "rule": outcome.rule,
        "poll": f"/v1/calls/{outcome.call}",
    }


def done(outcome: Done) -> JsonValue:
    """The body of a contract's answer."""
    masked = {
        name.removeprefix("masked."): count
        for name, count in outcome.counts.items()
        if name.startswith("masked.")
    }
    return {"call_id": outcome.call, "state": "done", "result": outcome.result, "masked": masked}


def idempotency_key(scope: Scope) -> str:
    """The Idempotency-Key header, empty if absent. Raises MalformedRequest for one that is not 1 to 255 visible ASCII characters, or comes twice."""
    given = [value for name, value in scope["headers"] if name == b"idempotency-key"]
    if not given:
        return ""
    raw = bytes(given[0])
    if (
        len(given) > 1
        or not 1 <= len(raw) <= KEY_CHARACTERS_MAX
        or any(not 0x21 <= byte <= 0x7E for byte in raw)
    ):
        raise MalformedRequest("Idempotency-Key must be 1 to 255 visible ASCII characters.")
    return raw.decode()


def dry_run(scope: Scope) -> tuple[bool, bytes]:
    """Whether this is a dry run (`Ostiary-Dry-Run: true`, or `dry_run=true` in the query), and the query without that. Raises MalformedRequest for anything but
    true or false: who wants to try must never do by mistake."""
    query: bytes = scope.get("query_string", b"")
    fields = [part for part in query.split(b"&") if part.split(b"=")[0] == DRY_FIELD]
    named = [bytes(value) for name, value in scope["headers"] if name == DRY_HEADER]
    said = [*named, *(field.partition(b"=")[2] for field in fields)]
    if any(value not in (b"true", b"false") for value in said) or len(set(said)) > 1:
        raise MalformedRequest("A dry run is asked for with true or false, once.")
    rest = b"&".join(part for part in query.split(b"&") if part.split(b"=")[0] != DRY_FIELD)
    return b"true" in said, rest


def previewed(outcome: Previewed) -> JsonValue:
    """The body of a dry run: nothing was done."""
    return {
        "call_id": outcome.call,
        "state": "previewed",
        "decision": outcome.decision,
        "rule": outcome.rule,
        "reasons": outcome.reasons,
        "quorum": outcome.quorum,
        "covered": outcome.covered,
        "request": outcome.request,
    }


def named_session(scope: Scope) -> str:
    """The Ostiary-Session header, empty if absent. Raises MalformedRequest for one that is no session's id, or comes twice: a session is never guessed."""
    given = [bytes(value) for name, value in scope["headers"] if name == SESSION_HEADER]
    if not given:
        return ""
    text = given[0].decode("latin-1")
    if len(given) > 1 or not ids.is_id(text, "ses"):
        raise MalformedRequest("Ostiary-Session must be the id of one session.")
    return text


def _parameters(scope: Scope, body: bytes, match: Match, query: bytes) -> JsonValue:
    """Path, query and body joined; a name that comes twice is a mistake."""
    given = read_json(scope, body)
    if not query and not match.path:
        return given
    if not isinstance(given, dict):
        raise InvalidParameters(faults=(Fault("", "must be an object"),))
    fields = _query(query)
    twice = (set(match.path) & (set(fields) | set(given))) | (set(fields) & set(given))
    if twice:
        raise InvalidParameters(
            faults=tuple(Fault(pointer(name), "is given twice") for name in sorted(twice)[:FAULTS_MAX])
        )
    text = {**fields, **match.path}
    return {**given, **(_typed(text, match.action) if match.action else text)}


def _query(raw: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX, errors="strict"
        )
    except ValueError:
        raise MalformedRequest("The query is not readable.") from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise InvalidParameters(faults=(Fault("", "a query field is given twice"),))
    return dict(pairs)


def _typed(fields: Mapping[str, str], action: Action) -> dict[str, JsonValue]:
    """Values in the path and the query are text: numbers and booleans are read as the schema says, and left as text where they are not that."""
    properties = action.params.schema().get("properties", {})
    return {name: _read(value, properties.get(name, {})) for name, value in fields.items()}


def _read(value: str, schema: Mapping[str, JsonValue]) -> JsonValue:
    kinds = {schema.get("type"), *(option.get("type") for option in schema.get("anyOf", ()))}
    digits = value.removeprefix("-")
    if "integer" in kinds and digits.isdecimal() and digits.isascii() and len(digits) <= INTEGER_DIGITS_MAX:
        return int(value)
    if "boolean" in kinds and value in ("true", "false"):
        return value == "true"
    return value
