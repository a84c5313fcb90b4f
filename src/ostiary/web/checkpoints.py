"""The log's checkpoints: what was published and who cosigned it, the files for auditors, and (for the owner) who gets them."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from ostiary.actions import JsonValue
from ostiary.audit import verifier_file
from ostiary.errors import InvalidParameters, NotFound, OstiaryError
from ostiary.web.desk import Desk

KIND = "audit.publish_checkpoint"
ROWS = 20
_NOTHING: dict[str, Any] = {"checkpoints": [], "next": ""}


async def page(desk: Desk) -> Response:
    return await _page(desk)


async def latest(desk: Desk) -> dict[str, Any] | None:
    """The newest published checkpoint, for the audit page; None before the first."""
    found = (await desk.ask_or(_NOTHING, "audit.checkpoints", {"limit": 1}))["checkpoints"]
    return dict(found[0]) if found else None


async def file(desk: Desk) -> Response:
    """One published checkpoint, to be kept elsewhere."""
    size = desk.path("size")
    if not (size.isascii() and size.isdigit() and len(size) < 16):
        raise NotFound
    found = await desk.ask("audit.checkpoints", {"limit": 1, "cursor": str(int(size) + 1)})
    rows = [row for row in found["checkpoints"] if row["size"] == int(size)]
    if not rows:
        raise NotFound
    headers = {"Content-Disposition": f'attachment; filename="ostiary-checkpoint-{int(size)}.txt"', "Cache-Control": "no-store"}  # fmt: skip
    return Response(rows[0]["checkpoint"], headers=headers, media_type="text/plain; charset=utf-8")


async def verifier(desk: Desk) -> Response:
    """The stand-alone verifier, for whoever is signed in: it says nothing of this installation."""
    name = verifier_file.NAME
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(verifier_file.source(), headers=headers, media_type="text/x-python; charset=utf-8")


async def publish(desk: Desk) -> Response:
    """Publish now: a job does it, in a moment."""
    await desk.ask("job.start", {"kind": KIND, "params": {}})
    return desk.go("/audit/checkpoints", "checkpoint-asked")


async def save(desk: Desk) -> Response:
    form = desk.form
    asked = {
        "open": form.get("open") == "yes",
        "witnesses": _witnesses(form.get("witnesses", "")),
        "quorum": int(form["quorum"]) if form.get("quorum", "").isdigit() else 0,
        "webhook_url": form.get("webhook_url", "").strip(),
        "mail_to": form.get("mail_to", "").replace(",", " ").split(),
    }
    version = form.get("version", "")
    if version.isdigit():
        asked["version"] = int(version)
    try:
        made = await desk.ask("audit.publishing_put", asked)
    except InvalidParameters as error:
        return await _page(desk, values={**asked, "secret_made": False}, problem=error)
    if made["secret"]:
        return await _page(desk, secret=made["secret"])
    return desk.go("/audit/checkpoints", "publishing-saved")


async def renew(desk: Desk) -> Response:
    made = await desk.ask("audit.publishing_secret")
    return await _page(desk, secret=made["secret"])


async def _page(
    desk: Desk,
    *,
    values: Mapping[str, Any] | None = None,
    problem: OstiaryError | None = None,
    secret: str = "",
) -> Response:
    asked = {"limit": ROWS, "cursor": desk.query("before")}
    found = await desk.ask("audit.checkpoints", asked)
    standing = await desk.ask("audit.checkpoint")
    settings: Any = None
    if desk.may("audit.publish"):
        settings = dict(await desk.ask_or({}, "audit.publishing_show")) or None
    version = settings["version"] if settings else 0
    shown = dict(values) if values else settings
    return await desk.page(
        "audit/checkpoints.html", status=422 if problem else 200, rows=found["checkpoints"], next=found["next"], standing=standing, settings=shown, version=version,
        faults=_faults(problem) if problem else [], secret=secret, lines=_lines(shown["witnesses"]) if shown else "",
    )  # fmt: skip


def _witnesses(text: str) -> list[dict[str, JsonValue]]:
    """A line for each: its address, then its key."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    return [{"url": row[0], "key": row[1] if len(row) > 1 else ""} for row in rows]


def _lines(witnesses: list[dict[str, str]]) -> str:
    return "\n".join(f"{each['url']} {each['key']}" for each in witnesses)


def _faults(error: OstiaryError) -> list[str]:
    told = [f"{fault.pointer.removeprefix('/')}: {fault.detail}" for fault in error.faults]
    return told or [error.detail or error.title()]
