"""The log: search by facets, one event beside the list with its proof, verify, export, checkpoint."""

import base64
from collections.abc import AsyncIterator, Mapping
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.responses import Response, StreamingResponse

from ostiary.actions import JsonValue
from ostiary.audit import lines
from ostiary.audit.lines import EntryLine, Header
from ostiary.clock import DAY_US, parse_rfc3339, rfc3339
from ostiary.errors import InvalidParameters
from ostiary.web import checkpoints, words
from ostiary.web.desk import Desk
from ostiary.web.people import names
from ostiary.web.render import duration

ROWS = 60
EVENTS_PAGE = 100
PAGES_MAX = 10
"""How many pages of the log are read for one page of the timeline, when most of it is people looking around."""
_LOOKS = frozenset(
    {
        "checkpoint",
        "checkpoints",
        "file",
        "history",
        "list",
        "matrix",
        "policy_show",
        "proof",
        "publishing_show",
        "search",
        "show",
    }
)
FACETS = ("decision", "action", "actor", "subject", "call", "code")
DATES = (("since", 0), ("until", DAY_US))
FACES = {"console": "the console", "rest": "REST", "mcp": "MCP", "cli": "the command line", "job": "a job"}
_NOTHING: dict[str, Any] = {"events": [], "next": "", "hidden": 0}
_STEPS = ("Came in", "Within its limits", "Permitted", "On contract", "Consent", "Ran", "Recorded")
_STOPS = {
    "limit": 1,
    "access": 2,
    "contract": 3,
    "params": 3,
    "request": 3,
    "not_found": 5,
    "approval": 4,
    "idempotency": 4,
    "auth": 0,
}
_WENT = {"ran": len(_STEPS), "held": 4, "intended": 5, "failed": 5, "refused": 5}


async def page(desk: Desk) -> Response:
    return await _page(desk)


async def verify(desk: Desk) -> Response:
    """The server counts the whole log anew, and against a checkpoint that was kept outside if one is given."""
    kept = desk.form.get("checkpoint", "").strip()
    found = await desk.ask("audit.verify", {"checkpoint": kept + "\n" if kept else ""})
    return await _page(desk, verified=found)


async def reveal(desk: Desk) -> Response:
    """Open the sealed details of one event. The opening is an event of its own."""
    event_id = desk.path("event_id")
    found = await desk.ask("audit.reveal", {"event_id": event_id})
    return await _page(desk, event_id=event_id, parts=found["parts"])


async def checkpoint(desk: Desk) -> Response:
    found = await desk.ask("audit.checkpoint")
    return Response(
        found["checkpoint"], headers=_file("ostiary-checkpoint.txt"), media_type="text/plain; charset=utf-8"
    )


async def export(desk: Desk) -> Response:
    """The whole log as a file. Checkpoint and first page are asked for before the answer begins, so that a refusal is a page and not half a file."""
    csv = desk.query("format") == "csv"
    standing = await desk.ask("audit.checkpoint")
    first = await desk.ask("audit.export", {"start": 0, "end": standing["size"]})
    name = f"ostiary-audit-{rfc3339(desk.now_us())[:10]}.{'csv' if csv else 'jsonl'}"
    media = "text/csv; charset=utf-8" if csv else "application/jsonl"
    return StreamingResponse(_exported(desk, standing, first, csv=csv), headers=_file(name), media_type=media)


def _file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}


async def _exported(
    desk: Desk, standing: Mapping[str, JsonValue], first: Mapping[str, JsonValue], *, csv: bool
) -> AsyncIterator[bytes]:
    header = Header(standing["log"], standing["size"], standing["key"])
    yield lines.csv_columns() + lines.csv_header(header) if csv else lines.header_line(header)
    found: Mapping[str, JsonValue] = first
    while True:
        entries = [_entry(entry) for entry in found["entries"]]
        yield b"".join(lines.csv_entry(entry) if csv else lines.entry_line(entry) for entry in entries)
        if found["next"] is None:
            break
        found = await desk.ask("audit.export", {"start": found["next"], "end": standing["size"]})
    note = standing["checkpoint"]
    yield lines.csv_checkpoint(note) if csv else lines.checkpoint_line(note)


def _entry(entry: Mapping[str, JsonValue]) -> EntryLine:
    if entry["leaf"]:
        return EntryLine(entry["index"], b"", (), bytes.fromhex(entry["leaf"]))
    return EntryLine(
        entry["index"],
        lines.canonical(entry["event"]),
        tuple(base64.b64decode(text) for text in entry["sealed"]),
    )


async def _page(desk: Desk, *, verified: Any = None, event_id: str = "", parts: Any = None) -> Response:
    filters = {name: desk.query(name).strip() for name in (*FACETS, "since", "until")}
    problem, found = "", _NOTHING
    looks = desk.query("looks") == "1"
    try:
        found = await _search(desk, filters, looks=looks)
    except InvalidParameters as error:
        problem = error.detail or "; ".join(
            f"{fault.pointer.removeprefix('/')}: {fault.detail}" for fault in error.faults
        )
    known = await names(desk)
    chosen = event_id or desk.query("event")
    event = await _event(desk, chosen, known, parts) if chosen else None
    proof = await desk.ask_or(None, "audit.proof", {"event_id": chosen}) if chosen else None
    published = await checkpoints.latest(desk)
    kept = {name: value for name, value in filters.items() if value} | ({"looks": "1"} if looks else {})
    return await desk.page(
        "audit/page.html", filters=filters, filtered=any(filters.values()), looks=looks, hidden=found["hidden"],
        with_looks=urlencode({**kept, "looks": "1"}), without_looks=urlencode({name: value for name, value in kept.items() if name != "looks"}), days=_days(found["events"], kept, known), problem=problem,
        next=urlencode({**kept, "after": found["next"]}) if found["next"] else "", closed=urlencode(kept), verified=verified, published=published,
        event=event, proof=_proof(proof) if proof else None, path=_path(event) if event else [],
    )  # fmt: skip


async def _search(desk: Desk, filters: Mapping[str, str], *, looks: bool) -> dict[str, Any]:
    """A page of events. What people merely looked at in this console is recorded like all else, and left out here unless it is asked for."""
    events: list[dict[str, Any]] = []
    hidden, cursor = 0, desk.query("after")
    for _ in range(PAGES_MAX):
        found = await desk.ask("audit.search", _asked(filters, cursor))
        shown = [event for event in found["events"] if looks or not is_look(event)]
        hidden += len(found["events"]) - len(shown)
        events += shown
        cursor = found["next"]
        if len(events) >= ROWS or not cursor:
            break
    return {"events": events, "next": cursor, "hidden": hidden}


def is_look(event: Mapping[str, JsonValue]) -> bool:
    """Whether an event is only that a person looked at a page of the console."""
    verb = str(event["action"]).rsplit(".", 1)[-1]
    return event["face"] == "console" and event["decision"] == "ran" and verb in _LOOKS


def _asked(filters: Mapping[str, str], cursor: str) -> dict[str, JsonValue]:
    asked: dict[str, JsonValue] = {name: filters[name] for name in FACETS if filters[name]}
    for name, shift in DATES:
        if filters[name]:
            try:
                asked[f"{name}_us"] = parse_rfc3339(f"{filters[name]}T00:00:00Z") + shift
            except ValueError:
                raise InvalidParameters(f"The date under {name} is not one: write 2026-01-31.") from None
    return {**asked, "limit": EVENTS_PAGE, "cursor": cursor}


def _days(
    events: list[dict[str, Any]], kept: Mapping[str, str], known: Mapping[str, str]
) -> list[tuple[str, list[dict[str, Any]]]]:
    rows = [_row(event, known) | {"query": urlencode({**kept, "event": event["id"]})} for event in events]
    return [(day, list(of)) for day, of in groupby(rows, lambda row: str(row["at"])[:10] + "T00:00:00Z")]


def _row(event: Mapping[str, JsonValue], known: Mapping[str, str]) -> dict[str, Any]:
    return {**event, "actor_name": known.get(event["actor_id"], "")}


async def _event(desk: Desk, event_id: str, known: Mapping[str, str], parts: Any) -> dict[str, Any]:
    found = (await desk.ask("audit.show", {"event_id": event_id}))["event"]
    code = found["code"]
    refused = found["decision"] in ("refused", "failed", "rejected")
    return {
        **_row(found, known),
        "code_title": words.title(code),
        "refused": refused,
        "remedy": words.REMEDIES.get(code, "") if refused else "",
        "facts": _facts(found),
        "parts": parts,
    }


def _facts(event: Mapping[str, JsonValue]) -> list[tuple[str, str]]:
    facts = [
        ("Came by", FACES.get(event["face"], event["face"])),
        ("Took", duration(event["duration_us"]) if event["duration_us"] else ""),
        ("Risk", event["risk"]),
        (
            "Counts",
            ", ".join(
                f"{name.replace('masked.', 'masked ')}: {count}" for name, count in event["counts"].items()
            ),
        ),
        ("For", event["behalf"]),
        ("From", event["address"]),
    ]
    return [(label, str(value)) for label, value in facts if value]


def _path(event: Mapping[str, JsonValue]) -> list[dict[str, Any]]:
    """How far the call came, step by step, as the door's own order says; empty for events that are not a passage."""
    decision, code = event["decision"], str(event["code"])
    if decision not in _WENT:
        return []
    stop = _WENT[decision]
    if decision == "refused":
        stop = (
            0
            if code.startswith("auth.") and code != "auth.step_up_required"
            else _STOPS.get(code.split(".", 1)[0], 5)
        )
    steps = [{"title": step, "word": words.Word("", "check", "ok"), "text": ""} for step in _STEPS[:stop]]
    if stop < len(_STEPS):
        said = {
            "held": "A person is asked.",
            "intended": "It began; how it ended is an event of its own.",
        }.get(decision, words.title(code))
        steps.append({"title": _STEPS[stop], "word": words.decision(decision), "text": said})
    return steps


def _proof(proof: Mapping[str, JsonValue]) -> dict[str, Any]:
    """The proof for reading, and as JSON for the browser to recompute (RFC 9162 section 2.1.3)."""
    data = {name: proof[name] for name in ("index", "size", "hashes", "envelope", "checkpoint", "key")}
    return {**proof, "data": orjson.dumps(data).decode()}
