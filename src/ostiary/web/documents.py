"""Documents under review: the list with the way in, a document with its findings side by side, decisions, and the export. Every step works without JavaScript; with it, decisions
answer in JSON and the page stays where it is. Nothing of a document is shown but as text, as a picture that was drawn of it, or as a file to be saved."""

import base64
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import orjson
from starlette.responses import JSONResponse, Response, StreamingResponse

from ostiary.errors import Conflict, InvalidParameters, MalformedRequest, NotFound, OstiaryError
from ostiary.review.filenames import disposition
from ostiary.web import multipart, words
from ostiary.web.desk import Desk
from ostiary.web.people import names

ROWS = 50
LOOK_AGAIN_S = 2
NO_PLAN = "Everything that is known, each value replaced by its kind"
SERVED = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""With everything that comes out of a document: it is no page of ours, and no page at all."""
STATES = {
    "reading": words.Word("Being read", "run", "wait"),
    "open": words.Word("Under review", "eye", "info"),
    "exporting": words.Word("Being exported", "run", "wait"),
    "failed": words.Word("Could not be read", "fail", "no"),
    "exported": words.Word("Exported", "done", "ok"),
}
DECIDED = {
    "proposed": words.Word("Waits", "wait", "wait"),
    "accepted": words.Word("Goes", "check", "ok"),
    "rejected": words.Word("Stays", "cross", "no"),
}
KINDS = {"hidden": "hidden text", "metadata": "what the file says of itself", "attachment": "attachment"}


async def listed(desk: Desk) -> Response:
    return await _list(desk)


async def upload(desk: Desk) -> Response:
    """A file comes in, sealed as it comes; then it is opened."""
    try:
        location = await _opened(desk)
    except OstiaryError as error:
        if _wants_json(desk):
            return _problem(error)
        if isinstance(error, InvalidParameters | MalformedRequest | Conflict):
            return await _list(
                desk, wrong=[fault.detail for fault in error.faults] or [error.detail or error.title()]
            )
        raise
    return JSONResponse({"location": location}) if _wants_json(desk) else desk.go(location)


async def one(desk: Desk) -> Response:
    return await _page(desk)


async def standing(desk: Desk) -> Response:
    """What others decided since the page was made: who, and how much. What the viewer did stands on the page already."""
    document, seen = desk.path("document_id"), _whole({"seen": desk.query("seen", "0")}, "seen")
    row = await desk.ask("document.show", {"document_id": document})
    rows = (await desk.ask("document.decisions", {"document_id": document}))["decisions"] if row["state"] in ("open", "exporting") else []  # fmt: skip
    since = [each for each in rows if each["number"] > seen and each["by"] != desk.actor.id]
    known = await names(desk) if since else {}
    count: Counter[tuple[str, str]] = Counter()
    for each in since:
        count[known.get(each["by"], each["by"]), each["kind"]] += each["findings"]
    shown, output = desk.query("state"), row["output"]
    moved = _row(row, known)["word"].text if (row["state"], output["at"] if output else "") != (shown, desk.query("output")) else ""  # fmt: skip
    return desk.part("documents/standing.html", row=row, since=sorted(count.items()), moved=moved, leaf=_whole({"leaf": desk.query("leaf", "0")}, "leaf"))  # fmt: skip


async def decide(desk: Desk) -> Response:
    """What the button says: `accept`, `reject` or `propose`, each with a finding's id, or with a category as `accept-all`."""
    try:
        done = await desk.ask("document.decide", _decision(desk))
    except OstiaryError as error:
        if isinstance(error, Conflict):
            error.detail = _named(error.detail, await names(desk))
        if _wants_json(desk):
            return _problem(error)
        if isinstance(error, Conflict | InvalidParameters):
            return await _page(desk, wrong=error.detail or error.title())
        raise
    return JSONResponse(done) if _wants_json(desk) else _back(desk)


async def add(desk: Desk) -> Response:
    """A stretch of text by its place or by what it says, or an area of a page."""
    form = desk.form
    try:
        asked = {
            "document_id": desk.path("document_id"),
            "seen": _whole(form, "seen"),
            "category": form.get("category", "").strip().lower().replace(" ", "_") or "other",
        }
        if form.get("page"):
            sides = {side: _number(form, side) for side in ("left", "bottom", "right", "top")}
            await desk.ask("document.add_area", {**asked, "page": _whole(form, "page"), **sides})
        else:
            place = await _place(desk)
            await desk.ask(
                "document.add_text", {**asked, **place, "everywhere": form.get("everywhere") == "on"}
            )
    except (Conflict, InvalidParameters) as error:
        faults = " ".join(fault.detail for fault in error.faults)
        return await _page(desk, wrong=error.detail or faults or error.title())
    return _back(desk)


async def undo(desk: Desk) -> Response:
    try:
        await desk.ask("document.undo", {"document_id": desk.path("document_id")})
    except NotFound:
        return await _page(desk, wrong="You have decided nothing here that could be undone.")
    except Conflict as error:
        return await _page(desk, wrong=error.detail)
    return _back(desk)


async def export(desk: Desk) -> Response:
    asked = {"document_id": desk.path("document_id"), "seen": _whole(desk.form, "seen")}
    try:
        await desk.ask("document.export", asked)
    except OstiaryError as error:
        if error.status not in (403, 409):
            raise
        return await _page(desk, wrong=error.detail or error.title())
    return desk.go(f"/documents/{desk.path('document_id')}")


async def remove(desk: Desk) -> Response:
    document = desk.path("document_id")
    if desk.form.get("confirm") != "on":
        return await _page(desk, wrong="Tick the box to remove it.")
    await desk.ask("document.remove", {"document_id": document})
    return desk.go("/documents", "document-removed")


async def picture(desk: Desk) -> Response:
    page = desk.path("page")
    asked = {"document_id": desk.path("document_id"), "page": int(page) if page.isdecimal() and len(page) < 6 else 0}  # fmt: skip
    drawn = await desk.ask("document.page", asked)
    return Response(base64.b64decode(drawn["png"]), headers=SERVED, media_type="image/png")


async def fetch(desk: Desk) -> Response:
    """The output or its record, part by part: each a call with the viewer's rights at that moment."""
    what = desk.path("what")
    if what not in ("document", "record"):
        raise NotFound
    asked = {"document_id": desk.path("document_id"), "what": what}
    first = await desk.ask("document.fetch", asked)

    async def parts() -> AsyncIterator[bytes]:
        part: dict[str, Any] = first
        yield base64.b64decode(part["content"])
        while part["next"] is not None:
            part = await desk.ask("document.fetch", {**asked, "part": part["next"]})
            yield base64.b64decode(part["content"])

    headers = {**SERVED, "Content-Disposition": disposition(first["name"])}
    return StreamingResponse(parts(), headers=headers, media_type="application/octet-stream")


async def key(desk: Desk) -> Response:
    """The public key that verifies the record, as `ostiary verify-redaction --key` takes it."""
    found = await desk.ask("document.key", {"document_id": desk.path("document_id")})
    headers = {**SERVED, "Content-Disposition": disposition("ostiary-documents.pem")}
    return Response(found["pem"], headers=headers, media_type="application/octet-stream")


async def _opened(desk: Desk) -> str:
    """Where the new document is shown."""
    intake = desk.fittings.intake
    if intake is None:
        raise NotFound
    kind = desk.request.headers.get("content-type", "")
    coming = await multipart.incoming(desk.request.stream(), kind)
    ticket = await desk.ask("document.upload")
    await desk.ask("document.receive", {"upload_id": ticket["upload_id"]})
    taken = await intake.take(desk.actor.tenant, ticket["upload_id"], coming.pieces)
    fields = coming.fields
    asked = {
        "upload_id": ticket["upload_id"], "sha256": taken.digest, "name": coming.name[:500] or "document", "plan": fields.get("plan", ""),
        **{name: fields.get(name) == "on" for name in ("strict", "all_decided", "four_eyes")},
    }  # fmt: skip
    shown = await desk.ask("document.open", asked)
    return f"/documents/{shown['id']}"


async def _list(desk: Desk, *, wrong: list[str] | None = None) -> Response:
    found = await desk.ask("document.list", {"limit": ROWS, "cursor": desk.query("after")})
    plans = (await desk.ask_or({"documents": []}, "redaction_plan.list"))["documents"]
    known = await names(desk) if found["documents"] else {}
    rows = [_row(row, known) for row in found["documents"]]
    return await desk.page(
        "documents/page.html", status=422 if wrong else 200, rows=rows, next=found["next"], plans=[plan["name"] for plan in plans], no_plan=NO_PLAN, wrong=wrong or [],
    )  # fmt: skip


async def _page(desk: Desk, *, wrong: str = "") -> Response:
    document = desk.path("document_id")
    heard = desk.fittings.documents.version(desk.actor.tenant)
    row = await desk.ask("document.show", {"document_id": document})
    known = await names(desk)
    if row["state"] in ("reading", "failed"):
        response = await desk.page("documents/waiting.html", row=_row(row, known), why=words.title(row["code"]) if row["code"] else "")  # fmt: skip
        return _again(response, row["state"] == "reading")
    leaf = _whole(desk.form, "leaf") if desk.form else _whole({"leaf": desk.query("leaf", "0")}, "leaf")
    look = await desk.ask("document.look", {"document_id": document, "leaf": leaf})
    page = None
    if look["page"]:
        page = await desk.ask_or(None, "document.page", {"document_id": document, "page": look["page"]})
    decisions = (await desk.ask("document.decisions", {"document_id": document}))["decisions"]
    findings = [_finding(each, look, known) for each in look["findings"]]
    response = await desk.page(
        "documents/one.html", status=409 if wrong else 200, heard=heard, row=_row(row, known), leaf=leaf, look=look, page=page, findings=findings, groups=_groups(findings),
        pieces=[_piece(piece, findings) for piece in look["pieces"]], boxes=[each for each in findings if each["boxes"]], decisions=[{**each, "by": known.get(each["by"], each["by"])} for each in decisions],
        waiting=sum(look["leaves"]), decided=DECIDED, wrong=wrong, why=words.title(row["code"]) if row["code"] else "", exports=desk.may("document.export"),
        categories=sorted(look["counts"]), matrix=" ".join(f"{each:.6g}" for each in page["to_picture"]) if page else "", to_page=orjson.dumps(page["to_page"]).decode() if page else "",
        following=_following(look["leaves"], leaf),
    )  # fmt: skip
    return _again(response, row["state"] == "exporting")


def _again(response: Response, going: bool) -> Response:
    if going:
        response.headers["Refresh"] = str(LOOK_AGAIN_S)
    return response


def _row(row: dict[str, Any], known: Any) -> dict[str, Any]:
    state = "exported" if row["state"] == "open" and row["output"] else row["state"]
    output = row["output"]
    if output:
        output = {**output, "by": known.get(output["by"], output["by"])}
    return {**row, "word": STATES[state], "by": known.get(row["opened_by"], row["opened_by"]), "output": output}  # fmt: skip


def _finding(each: dict[str, Any], look: dict[str, Any], known: Any) -> dict[str, Any]:
    place = next((piece["place"] for piece in look["pieces"] if piece["number"] == each["piece"]), f"page {look['page']}")  # fmt: skip
    return {**each, "word": DECIDED[each["state"]], "by": known.get(each["by"], each["by"]), "place": place, "torn": each["id"] in look["torn"]}  # fmt: skip


def _groups(findings: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for each in findings:
        groups.setdefault(each["category"], []).append(each)
    return sorted(groups.items())


def _piece(piece: dict[str, Any], findings: list[dict[str, Any]]) -> dict[str, Any]:
    """A piece with its text cut where findings begin and end. Of two that overlap the one that goes is marked; both stand in the list."""
    text, position = piece["text"], 0
    own = [each for each in findings if each["piece"] == piece["number"]]
    own.sort(key=lambda each: (each["start"], each["state"] == "rejected", -each["end"]))
    runs: list[tuple[str, Any]] = []
    for each in own:
        if each["start"] >= position:
            runs += [(text[position : each["start"]], None), (text[each["start"] : each["end"]], each)]
            position = each["end"]
    runs.append((text[position:], None))
    return {**piece, "runs": [run for run in runs if run[0]], "said": KINDS.get(piece["kind"], "")}


def _following(leaves: list[int], leaf: int) -> int | None:
    """The next leaf on which a finding waits, around the end."""
    order = [*range(leaf + 1, len(leaves)), *range(leaf)]
    return next((at for at in order if leaves[at]), None)


def _named(text: str, known: dict[str, str]) -> str:
    """With the names of those whom it calls by id."""
    return " ".join(known.get(word, word) for word in text.split(" "))


def _decision(desk: Desk) -> dict[str, Any]:
    form = desk.form
    asked: dict[str, Any] = {"document_id": desk.path("document_id"), "seen": _whole(form, "seen"), "reason": form.get("reason", "")[:300]}  # fmt: skip
    for kind in ("accept", "reject", "propose"):
        if one := form.get(kind):
            return {**asked, "decision": kind, "findings": [one], "alike": form.get("alike") == "on"}
        if category := form.get(f"{kind}-all"):
            return {**asked, "decision": kind, "category": category, "waiting": kind == "accept"}
    raise InvalidParameters("Say what is to become of which finding.")


async def _place(desk: Desk) -> dict[str, int]:
    """Where a stretch stands: as it was selected, or the first place of what was typed. Raises InvalidParameters."""
    form = desk.form
    if form.get("piece"):
        return {name: _whole(form, name) for name in ("piece", "start", "end")}
    typed = form.get("text", "").strip()
    look = await desk.ask("document.look", {"document_id": desk.path("document_id"), "leaf": _whole(form, "leaf")})  # fmt: skip
    for piece in look["pieces"] if typed else ():
        at = piece["text"].casefold().find(typed.casefold())
        if at >= 0 and piece["text"][at : at + len(typed)].casefold() == typed.casefold():
            return {"piece": piece["number"], "start": at, "end": at + len(typed)}
    raise InvalidParameters("This text does not stand on this page.")


def _back(desk: Desk) -> Response:
    leaf = _whole(desk.form, "leaf")
    return desk.go(f"/documents/{desk.path('document_id')}", leaf=str(leaf))


def _whole(form: Any, name: str) -> int:
    text = form.get(name, "0")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InvalidParameters("Send the form as the page gives it.")
    return int(text)


def _number(form: Any, name: str) -> float:
    try:
        return round(float(form.get(name, "")), 2)
    except ValueError:
        raise InvalidParameters("Send the form as the page gives it.") from None


def _wants_json(desk: Desk) -> bool:
    return desk.request.headers.get("accept") == "application/json"


def _problem(error: OstiaryError) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(error.problem()), error.status, headers, "application/problem+json")
