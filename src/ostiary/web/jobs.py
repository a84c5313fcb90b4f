"""Long work: how it stands, its start, its end before time, and its second try. A page with a running job looks again by itself."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.responses import Response, StreamingResponse

from ostiary.errors import NotFound
from ostiary.web import words
from ostiary.web.desk import Desk
from ostiary.web.people import names

TABS = (
    ("", "All"),
    ("running", "Running"),
    ("queued", "Waiting"),
    ("done", "Done"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
)
EXPORT = "audit.export"
NO_NAMES: Mapping[str, str] = {}

_STATES = {
    "queued": words.Word("Waiting", "wait"),
    "running": words.Word("Running", "run", "run"),
    "done": words.Word("Done", "done", "ok"),
    "failed": words.Word("Failed", "fail", "no"),
    "cancelled": words.Word("Cancelled", "reject"),
}


async def listed(desk: Desk) -> Response:
    asked = desk.query("state")
    state = asked if asked in dict(TABS) else ""
    found = await desk.ask("job.list", {"state": state or "any", "cursor": desk.query("after")})
    known = await names(desk)
    kinds = (await desk.ask("job.kinds"))["kinds"]
    rows = [shown(row, known) for row in found["jobs"]]
    return await desk.page(
        "jobs/page.html",
        jobs=rows,
        next=found["next"],
        state=state,
        tabs=TABS,
        kinds=[kind for kind in kinds if kind["startable"] and not kind["params"].get("required")],
        moving=any(row["moving"] for row in rows),
    )


async def one(desk: Desk) -> Response:
    found = await desk.ask("job.show", {"job_id": desk.path("job_id")})
    job = shown(found, await names(desk))
    kinds = (await desk.ask("job.kinds"))["kinds"]
    about = next((kind["description"] for kind in kinds if kind["name"] == job["kind"]), "")
    response = await desk.page("jobs/one.html", job=job, about=about, fetchable=_fetchable(job))
    return over(desk, response) if not job["moving"] else response


async def start(desk: Desk) -> Response:
    made = await desk.ask("job.start", {"kind": desk.form.get("kind", "")})
    return desk.go(f"/jobs/{made['id']}", "job-started")


async def cancel(desk: Desk) -> Response:
    job = await desk.ask("job.cancel", {"job_id": desk.path("job_id")})
    return desk.go(f"/jobs/{job['id']}", "job-cancelled")


async def retry(desk: Desk) -> Response:
    job = await desk.ask("job.retry", {"job_id": desk.path("job_id")})
    return desk.go(f"/jobs/{job['id']}", "job-again")


async def fetch(desk: Desk) -> Response:
    """The file of an export: its parts one after the other. Each part is a call of its own, with the viewer's rights at that moment."""
    job = await desk.ask("job.show", {"job_id": desk.path("job_id")})
    if not _fetchable(job):
        raise NotFound
    first = await desk.ask("audit.export_part", {"job_id": job["id"], "part": 0})

    async def parts() -> AsyncIterator[bytes]:
        part: dict[str, Any] = first
        yield part["text"].encode()
        while part["next"] is not None:
            part = await desk.ask("audit.export_part", {"job_id": job["id"], "part": part["next"]})
            yield part["text"].encode()

    headers = {
        "Content-Disposition": f'attachment; filename="ostiary-audit-{job["id"]}.jsonl"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(parts(), headers=headers, media_type="application/jsonl")


def over(desk: Desk, response: Response) -> Response:
    """To a page that looked again by itself: load the whole of it, since what may be done now is another thing."""
    if desk.partial:
        response.headers["HX-Refresh"] = "true"
    return response


def _fetchable(job: dict[str, Any]) -> bool:
    return bool(job["kind"] == EXPORT and job["state"] == "done")


def shown(row: dict[str, Any], known: Mapping[str, str] = NO_NAMES) -> dict[str, Any]:
    """A job as the pages show it: its state in words, how far it is, about how long it takes yet."""
    word = _STATES.get(row["state"], words.state(row["state"]))
    if row["cancelling"]:
        word = words.Word("Being cancelled", "wait", "wait")
    elif row["state"] == "queued" and row["code"]:
        word = words.Word("Tries again", "wait", "wait")
    left_s = row["left_s"]
    return {
        **row,
        "word": word,
        "actor": {
            "kind": row["by_kind"],
            "id": row["by_id"],
            "name": known.get(row["by_id"], ""),
        },
        "moving": row["state"] in ("queued", "running"),
        "code_title": words.title(row["code"]) if row["code"] else "",
        "remedy": words.REMEDIES.get(row["code"], "") if row["state"] == "failed" else "",
        "left": f"about {_rough(left_s)} left" if left_s else "",
        "amount": f"{row['count']:,} of {row['total']:,}"
        if row["total"]
        else f"{row['count']:,}"
        if row["count"]
        else "",
    }


def _rough(seconds: int) -> str:
    """An estimate is no more exact than this."""
    if seconds < 90:
        return f"{seconds} s"
    return f"{round(seconds / 60)} min" if seconds < 5_400 else f"{round(seconds / 3_600)} h"
