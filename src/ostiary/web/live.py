"""One event stream a tab. It says that something changed, never what: the page then asks for the part anew, with its own authority."""

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from ostiary.errors import OstiaryError
from ostiary.web.desk import Desk

SEES = "approval.read"
BEAT_S = 1.0
"""How often the viewer's authority is checked anew while a stream is open."""
QUIET_BEATS_MAX = 15
STREAM_BEATS_MAX = 3_600
"""A stream ends after an hour; the browser opens the next by itself."""


async def events(desk: Desk) -> Response:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(desk), headers=headers, media_type="text/event-stream")


async def _stream(desk: Desk) -> AsyncIterator[str]:
    tenant, watch = desk.actor.tenant, desk.fittings.watch
    seen = _seen(desk)
    yield ": here\n\n"
    quiet = 0
    for _ in range(STREAM_BEATS_MAX):
        version = await watch.beyond(tenant, seen, BEAT_S)
        if desk.fittings.stopping():
            return
        if not await _still_here(desk):
            yield _event("signed-out", seen)
            return
        quiet = 0 if version != seen else quiet + 1
        if version != seen:
            seen = version
            yield _event("approvals", seen)
        elif quiet >= QUIET_BEATS_MAX:
            quiet = 0
            yield ": here\n\n"


def _seen(desk: Desk) -> int:
    """The version that the page shows: the last one that the stream told, else the one before the page was made. Unknown counts as changed."""
    text = desk.request.headers.get("last-event-id") or desk.query("seen")
    return int(text) if text.isdecimal() and len(text) <= 18 else -1


async def _still_here(desk: Desk) -> bool:
    """Whether the session stands, in the same tenant, and what it could see of approvals it still can."""
    try:
        actor = (await desk.fittings.door.enter(desk.presented)).actor
    except OstiaryError:
        return False
    lost = desk.may(SEES) and SEES not in actor.permissions
    return actor.kind == desk.actor.kind and actor.tenant == desk.actor.tenant and not lost


def _event(name: str, version: int) -> str:
    return f"event: {name}\nid: {version}\ndata: {{}}\n\n"
