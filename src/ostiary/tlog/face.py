"""`/log/<log>/checkpoint`, `/log/<log>/tile/<level>/<number>[.p/<width>]`, `/log/<log>/tile/entries/<number>[.p/<width>]`.

A path has one spelling; anything else is not found. What is fetched with a credential of the log's own tenant is `audit.read`'s; anybody else gets what the
tenant opened. Tiles never change: they may be cached for ever, by everybody only where the log is open.
"""

import base64
import gzip
import re
from dataclasses import dataclass
from typing import Any

from ostiary.actions import Actor, ActorKind, Face
from ostiary.asgi.caller import Proxies, presented
from ostiary.asgi.wire import Header, Receive, Scope, Send, answer, answer_problem, text_header
from ostiary.audit._c2sp_tlog_tiles import TilePath, read_path
from ostiary.door.door import Door
from ostiary.door.outcome import Done
from ostiary.errors import MethodNotAllowed, NotFound, OstiaryError

PREFIX = "/log/"
PATH_BYTES_MAX = 256
NUMBER_MAX = 2**40
"""Tiles beyond it would be of more events than there can be."""
YEAR_S = 31_536_000
CHECKPOINT_TYPE = (b"content-type", b"text/plain; charset=utf-8")
TILE_TYPE = (b"content-type", b"application/octet-stream")
FRESH = (b"cache-control", b"no-cache")
_LOG = re.compile(r"[a-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class Resource:
    """What a path names: a log's checkpoint, or (`tile`) one of its tiles or bundles."""

    log: str
    tile: TilePath | None = None


class TlogFace:
    """An ASGI application for `/log/`."""

    def __init__(self, door: Door, proxies: Proxies) -> None:
        self._door = door
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["method"] not in ("GET", "HEAD"):
                raise MethodNotAllowed
            await self._fetch(scope, send, resource(scope))
        except MethodNotAllowed as error:
            await answer_problem(send, error, headers=[(b"allow", b"GET, HEAD")])
        except OstiaryError as error:
            await answer_problem(send, error)

    async def _fetch(self, scope: Scope, send: Send, wanted: Resource) -> None:
        entrance = await self._door.enter(presented(scope, b"", Face.REST, self._proxies))
        own = is_own(entrance.actor, wanted)
        name, params = call_of(wanted, own=own)
        outcome = await self._door.call(entrance, name, params, face=Face.REST)
        result = outcome.result if isinstance(outcome, Done) else {}
        if wanted.tile is None:
            await answer(send, 200, result["checkpoint"].encode(), [CHECKPOINT_TYPE, FRESH])
            return
        content, headers = base64.b64decode(result["content"]), [TILE_TYPE, _lasting(own=own)]
        if wanted.tile.level is None:
            content, more = _compressed(scope, content)
            headers += more
        await answer(send, 200, content, headers)


def resource(scope: Scope) -> Resource:
    """What the path names, as it is on the request line. Raises NotFound for any other spelling: percent-encoded, with dots, with a query."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    if len(raw) > PATH_BYTES_MAX or scope.get("query_string"):
        raise NotFound
    log, slash, rest = raw.decode("latin-1").removeprefix(PREFIX).partition("/")
    if not slash or not _LOG.fullmatch(log):
        raise NotFound
    if rest == "checkpoint":
        return Resource(log)
    tile = read_path(rest)
    if tile is None or tile.number > NUMBER_MAX:
        raise NotFound
    return Resource(log, tile)


def is_own(actor: Actor, wanted: Resource) -> bool:
    """Whether the caller comes as one of the log's own tenant. Entries are never open, so whoever asks for them is asked for a credential."""
    entries = wanted.tile is not None and wanted.tile.level is None
    return entries or (actor.kind is not ActorKind.ANONYMOUS and actor.tenant == wanted.log)


def call_of(wanted: Resource, *, own: bool) -> tuple[str, dict[str, Any]]:
    """The action that fetches it, and its parameters."""
    tile = wanted.tile
    if tile is None:
        return "audit.checkpoint_file" if own else "audit.open_checkpoint", {"log": wanted.log}
    params = {"log": wanted.log, "number": tile.number, "width": tile.width}
    if tile.level is None:
        return "audit.entries", params
    return "audit.tile" if own else "audit.open_tile", {**params, "level": tile.level}


def _lasting(*, own: bool) -> Header:
    """Immutable (RFC 8246); a shared cache keeps only what anybody may read."""
    return b"cache-control", f"{'private' if own else 'public'}, max-age={YEAR_S}, immutable".encode()


def _compressed(scope: Scope, content: bytes) -> tuple[bytes, list[Header]]:
    vary: Header = (b"vary", b"accept-encoding")
    if not re.search(r"(^|[ ,])gzip($|[ ,;])", text_header(scope, b"accept-encoding")) or not content:
        return content, [vary]
    return gzip.compress(content, 6, mtime=0), [vary, (b"content-encoding", b"gzip")]
