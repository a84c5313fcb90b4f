"""One event stream a tab. It says that something changed, never what: the page then asks for the part anew, with its own authority."""

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from ostiary.errors import OstiaryError
from ostiary.web.desk import Desk, Watching

APPROVALS, DOCUMENTS = "approval.read", "document.review"
"""What one must hold for as long as one listens."""
BEAT_S = 1.0
"""How often the viewer's authority is checked anew while a stream is open."""
QUIET_BEATS_MAX = 15
STREAM_BEATS_MAX = 3_600
"""A stream ends after an hour; the browser opens the next by itself."""


HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def events(desk: Desk) -> Response:
    """That something about approvals has changed. Who may not read them keeps the stream all the same: it says when the session is over."""
    needs = APPROVALS if desk.may(APPROVALS) else ""
    return _streamed(_stream(desk, desk.fittings.watch, "approvals", needs))


async def document_events(desk: Desk) -> Response:
    """That something about documents of the tenant has changed. Raises what `document.show` raises: who may not see this one hears nothing."""
    await desk.ask("document.show", {"document_id": desk.path("document_id")})
    return _streamed(_stream(desk, desk.fittings.documents, "document", DOCUMENTS))


def _streamed(stream: AsyncIterator[str]) -> Response:
    return StreamingResponse(stream, headers=HEADERS, media_type="text/event-stream")


async def _stream(desk: Desk, watch: Watching, name: str, needs: str) -> AsyncIterator[str]:
    tenant = desk.actor.tenant
    seen = _seen(desk)
    yield ": here\n\n"
    quiet = 0
    for _ in range(STREAM_BEATS_MAX):
        version = await watch.beyond(tenant, seen, BEAT_S)
        if desk.fittings.stopping():
            return
        if not await _still_here(desk, needs):
            yield _event("signed-out", seen)
            return
        quiet = 0 if version != seen else quiet + 1
        if version != seen:
            seen = version
            yield _event(name, seen)
        elif quiet >= QUIET_BEATS_MAX:
            quiet = 0
            yield ": here\n\n"


def _seen(desk: Desk) -> int:
    """The version that the page shows: the last one that the stream told, else the one before the page was made. Unknown counts as changed."""
    text = desk.request.headers.get("last-event-id") or desk.query("seen")
    return int(text) if text.isdecimal() and len(text) <= 18 else -1


async def _still_here(desk: Desk, needs: str) -> bool:
    """Whether the session stands, in the same tenant, and holds the permission that the stream needs."""
    try:
        actor = (await desk.fittings.door.enter(desk.presented)).actor
    except OstiaryError:
        return False
    holds = not needs or needs in actor.permissions
    return actor.kind == desk.actor.kind and actor.tenant == desk.actor.tenant and holds


def _event(name: str, version: int) -> str:
    return f"event: {name}\nid: {version}\ndata: {{}}\n\n"
