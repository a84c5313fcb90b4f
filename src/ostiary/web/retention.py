"""What is kept and what is let go: how long, legal holds, erasures of subjects with their certificates, and the end of the tenant."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from ostiary.errors import Conflict, Fault, InvalidParameters, OnHold
from ostiary.web import words
from ostiary.web.desk import Desk

ROWS = 20
LOOK_AGAIN_S = 3
SCOPES = (
    ("subject", "One person", "every event, call and key of that subject"),
    ("action", "Actions", "what was asked under these names"),
    ("time", "A span of time", "what happened between two days, UTC"),
    ("tenant", "Everything", "nothing at all is purged, erased or destroyed"),
)
TABLES = {
    "audit_event": "events in the log",
    "call": "calls with parameters or answers",
    "approval": "approval cards",
    "data_key": "keys",
}
PURPOSES = {
    "audit": "details of events",
    "audit-file": "large details",
    "call": "calls and approvals",
    "job": "jobs",
}
_STATES = {
    "asked": words.Word("Waits for a worker", "wait", "wait"),
    "destroying": words.Word("Being destroyed", "run", "wait"),
    "done": words.Word("Erased", "done", "ok"),
    "refused": words.Word("Stopped by a hold", "refuse", "no"),
}
_STEPS = (
    ("asked", "Asked for", "No hold stands on it."),
    ("destroying", "Keys destroyed", "What waited is closed, the ledger names the keys, then they are overwritten in every process."),
    ("done", "Checked and certified", "Nothing opens any more; the log vouches for the certificate."),
)  # fmt: skip


async def page(desk: Desk) -> Response:
    return await _page(desk)


async def put_rule(desk: Desk) -> Response:
    days = desk.form.get("days", "")
    asked = {"kind": desk.form.get("kind", ""), "days": int(days) if days.isdigit() and len(days) < 6 else -1}
    try:
        await desk.ask("retention.put", asked)
    except InvalidParameters as error:
        return await _page(desk, faults=error.faults)
    return desk.go("/retention", "retention-saved")


async def place(desk: Desk) -> Response:
    form, scope = desk.form, desk.form.get("scope", "")
    asked: dict[str, Any] = {"scope": scope, "reason": form.get("reason", "").strip()}
    if scope in ("subject", "action"):
        asked[scope] = form.get(scope, "").strip()
    if scope == "time":
        asked |= {"since_us": _day(form.get("since", "")), "until_us": _day(form.get("until", ""))}
    try:
        placed = await desk.ask("hold.place", asked)
    except InvalidParameters as error:
        return await _page(desk, faults=error.faults, values=form)
    if placed["began_before"]:
        return await _page(desk, began=placed["began_before"])
    return desk.go("/retention", "hold-placed")


async def release(desk: Desk) -> Response:
    await desk.ask("hold.release", {"hold_id": desk.path("hold_id")})
    return desk.go("/retention", "hold-released")


async def ask_whom(desk: Desk) -> Response:
    return await desk.page("retention/erase.html", subject="", lost=None, faults=())


async def preview(desk: Desk) -> Response:
    return await _preview(desk, desk.form.get("subject", "").strip())


async def erase(desk: Desk) -> Response:
    subject = desk.form.get("subject", "")
    try:
        asked = await desk.ask(
            "subject.erase", {"subject": subject, "confirm": desk.form.get("confirm", "").strip()}
        )
    except (InvalidParameters, OnHold) as error:
        return await _preview(desk, subject, words.wrong(error))
    return desk.go(f"/retention/erasures/{asked['id']}")


async def one(desk: Desk) -> Response:
    row = await desk.ask("erasure.show", {"erasure_id": desk.path("erasure_id")})
    certificate = None
    if row["state"] == "done":
        certificate = await desk.ask_or(None, "erasure.certificate", {"erasure_id": row["id"]})
    done = [name for name, _, _ in _STEPS].index(row["state"]) if row["state"] != "refused" else -1
    going = row["state"] in ("asked", "destroying")
    response = await desk.page(
        "retention/erasure.html",
        row=_erasure(row),
        steps=_STEPS,
        reached=done,
        certificate=certificate,
        tables=TABLES,
        refresh=going,
    )
    if going:
        response.headers["Refresh"] = str(LOOK_AGAIN_S)
    return response


async def certificate(desk: Desk) -> Response:
    """The signed file, to be kept; `ostiary erasures verify` and the verifier for auditors check it offline."""
    erasure = desk.path("erasure_id")
    made = await desk.ask("erasure.certificate", {"erasure_id": erasure})
    headers = {"Content-Disposition": f'attachment; filename="{made["certificate"]["id"]}.json"', "Cache-Control": "no-store"}  # fmt: skip
    return Response(json.dumps(made, indent=1) + "\n", headers=headers, media_type="application/json")


async def end(desk: Desk) -> Response:
    try:
        await desk.ask("tenant.destroy", {"confirm": desk.form.get("confirm", "").strip()})
    except (InvalidParameters, OnHold, Conflict) as error:
        return await _page(desk, faults=words.wrong(error))
    return desk.go("/retention", "end-asked")


async def keep(desk: Desk) -> Response:
    await desk.ask("tenant.keep")
    return desk.go("/retention", "end-kept")


async def _preview(desk: Desk, subject: str, faults: Sequence[Fault] = ()) -> Response:
    try:
        lost = await desk.ask("subject.preview", {"subject": subject})
    except InvalidParameters as error:
        return await desk.page("retention/erase.html", status=422, subject=subject, lost=None, faults=error.faults)  # fmt: skip
    return await desk.page(
        "retention/erase.html",
        status=422 if faults else 200,
        subject=subject,
        lost=lost,
        tables=TABLES,
        purposes=PURPOSES,
        faults=faults,
    )


async def _page(
    desk: Desk, *, faults: Sequence[Fault] = (), values: Any = None, began: Sequence[str] = ()
) -> Response:
    manages, erases, owns = desk.may("retention.manage"), desk.may("subject.erase"), desk.may("tenant.manage")
    rules = (await desk.ask("retention.get"))["rules"] if manages else []
    holds = (await desk.ask("hold.list", {"standing": False, "limit": ROWS}))["holds"] if manages else []
    erasures = (await desk.ask("erasure.list", {"limit": ROWS}))["erasures"] if erases else []
    ending = await desk.ask_or(None, "tenant.ending") if owns else None
    return await desk.page(
        "retention/page.html",
        status=422 if faults else 200,
        rules=rules,
        holds=holds,
        erasures=[_erasure(row) for row in erasures],
        ending=ending,
        scopes=SCOPES,
        faults=faults,
        values=values or {},
        began=began,
    )


def _erasure(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "word": _STATES.get(row["state"], words.Word(row["state"], "info"))}


def _day(text: str) -> int:
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * 1_000_000
    except ValueError:
        return 0
