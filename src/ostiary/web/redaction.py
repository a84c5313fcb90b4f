"""Rule sets and redaction plans: the list, and an editor that says while one writes what is wrong and what becomes of a sample text. And the scopes that
tokens are made in: what is lost with one, and how it is destroyed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from ostiary.errors import Conflict, Fault, InvalidParameters, NotFound, OnHold, RedactionInvalid
from ostiary.web import words
from ostiary.web.desk import Desk
from ostiary.web.people import names

HISTORY_ROWS = 20
PLAN_EXAMPLE = """scope: letters
default: replace
rules:
  email: token
  card: {operator: mask, last: 4}
  date_of_birth: {operator: generalise, date: year}
"""
RULES_EXAMPLE = """without: [date, url]
allow: [support@example.com]
patterns:
  - {name: ticket, category: ticket, pattern: 'ACME-[0-9]{4,8}'}
"""
SAMPLE = "Jane Doe, born 12 May 1980, writes from jane.doe@example.com about card 4111 1111 1111 1111.\n"


@dataclass(frozen=True, slots=True)
class Kind:
    """What differs between the two. `room`: the first word of its actions."""

    path: str
    room: str
    noun: str
    example: str


KINDS = {
    "plans": Kind("plans", "redaction_plan", "redaction plan", PLAN_EXAMPLE),
    "rules": Kind("rules", "redaction_rules", "rule set", RULES_EXAMPLE),
}


async def listed(desk: Desk) -> Response:
    plans = (await desk.ask("redaction_plan.list"))["documents"]
    rules = (await desk.ask("redaction_rules.list"))["documents"]
    scopes = (await desk.ask_or({"scopes": []}, "redaction_scope.list"))["scopes"]
    known = await names(desk) if plans or rules else {}
    groups = [(KINDS["plans"], _by(plans, known)), (KINDS["rules"], _by(rules, known))]
    return await desk.page(
        "redaction/page.html", groups=groups, scopes=scopes, manages=desk.may("privacy.manage")
    )


async def scope(desk: Desk) -> Response:
    """What is lost with a scope, and the form that destroys it."""
    return await _scope(desk)


async def destroy(desk: Desk) -> Response:
    asked = {"name": desk.path("name"), "confirm": desk.form.get("confirm", "").strip()}
    try:
        begun = await desk.ask("redaction_scope.destroy", asked)
    except (InvalidParameters, OnHold, Conflict) as error:
        return await _scope(desk, words.wrong(error))
    return desk.go(f"/retention/erasures/{begun['id']}")


async def one(desk: Desk) -> Response:
    """The editor of what is named in the query; of something new, if nothing is."""
    kind, name = _kind(desk), desk.query("name")
    if not name:
        return await _page(desk, kind, {"text": kind.example, "sample": SAMPLE})
    shown = await desk.ask(f"{kind.room}.show", {"name": name})
    form = {"name": name, "text": shown["text"], "sample": SAMPLE, "expected": str(shown["version"])}
    return await _page(desk, kind, form)


async def look(desk: Desk) -> Response:
    """What is wrong with what is in the form, and what becomes of the sample: a piece of the page, while one writes."""
    return desk.part("redaction/verdict.html", **await _verdict(desk, _kind(desk), desk.form))


async def work(desk: Desk) -> Response:
    """Check, save or remove what is in the form, as the button says."""
    kind, form, wanted = _kind(desk), dict(desk.form), desk.form.get("do", "check")
    name, expected = form.get("name", "").strip(), form.get("expected", "")
    if wanted == "remove":
        if form.get("confirm", "").strip() != name:
            raise InvalidParameters("Type the name to remove it.")
        await desk.ask(f"{kind.room}.remove", {"name": name})
        return desk.go("/redaction", "redaction-removed")
    if wanted == "infer":
        return await _page(desk, kind, form, shape=await _shape(desk, form))
    if wanted != "save":
        return await _page(desk, kind, form)
    asked = {
        "name": name,
        "text": form.get("text", ""),
        "expected": int(expected) if expected.isdigit() else 0,
    }
    try:
        await desk.ask(f"{kind.room}.put", asked)
    except RedactionInvalid:
        return await _page(desk, kind, form)
    except (Conflict, InvalidParameters) as error:
        wrong = [fault.detail for fault in error.faults] or [error.detail]
        return await _page(desk, kind, form, wrong=wrong)
    return desk.go("/redaction", "redaction-saved")


async def _scope(desk: Desk, faults: Sequence[Fault] = ()) -> Response:
    scopes = (await desk.ask("redaction_scope.list"))["scopes"]
    found = next((each for each in scopes if each["name"] == desk.path("name")), None)
    if found is None:
        raise NotFound
    status, erases = 422 if faults else 200, desk.may("subject.erase")
    return await desk.page("redaction/scope.html", status=status, scope=found, faults=faults, erases=erases)


async def shape(desk: Desk) -> Response:
    """What the examples in the form have in common: a piece of the page."""
    return desk.part("redaction/shape.html", shape=await _shape(desk, desk.form))


async def _shape(desk: Desk, form: Any) -> dict[str, Any]:
    """`line`: what to write under `patterns`; `reading`: the same in words; `wrong`: why there is none."""
    asked = {"examples": _lines(form.get("examples", "")), "counter": _lines(form.get("counter", ""))}
    try:
        found = await desk.ask("redaction_rules.infer", asked)
    except (RedactionInvalid, InvalidParameters) as error:
        return {"line": "", "reading": "", "wrong": [fault.detail for fault in error.faults] or [error.title()]}  # fmt: skip
    quoted = found["pattern"].replace("'", "''")
    line = f"- {{name: my-pattern, category: my_category, pattern: '{quoted}'}}"
    return {"line": line, "reading": found["reading"], "wrong": []}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


async def _page(
    desk: Desk, kind: Kind, form: dict[str, str], *, wrong: list[str] | None = None, shape: dict[str, Any] | None = None
) -> Response:  # fmt: skip
    form = {"name": "", "text": "", "sample": "", "expected": "0", **form}
    verdict = await _verdict(desk, kind, form)
    past: list[Any] = []
    if form.get("expected", "") not in ("", "0"):
        asked = {"name": form.get("name", ""), "limit": HISTORY_ROWS}
        past = (await desk.ask_or({"versions": []}, f"{kind.room}.history", asked))["versions"]
    known = await names(desk) if past else {}
    return await desk.page(
        "redaction/one.html", status=422 if wrong or verdict["mistakes"] else 200, kind=kind, form=form, wrong=wrong or [], past=_by(past, known),
        manages=desk.may("privacy.manage"), shape=shape, **verdict,
    )  # fmt: skip


async def _verdict(desk: Desk, kind: Kind, form: Any) -> dict[str, Any]:
    sample = form.get("sample", "")
    try:
        asked = {"text": form.get("text", ""), "sample": sample}
        found = await desk.ask(f"{kind.room}.check", asked)
    except InvalidParameters as error:  # longer than may be asked
        mistakes = [{"pointer": fault.pointer, "detail": fault.detail} for fault in error.faults]
        found = {"mistakes": mistakes, "unknown": [], "tried": None}
    tried = found["tried"]
    changes = tried["changes"] if tried else []
    return {
        "mistakes": found["mistakes"],
        "unknown": found["unknown"],
        "tried": tried,
        "before": _stretches(sample, [(each["start"], each["end"], each) for each in changes]),
        "after": _stretches(tried["text"], [(each["new_start"], each["new_end"], each) for each in changes])
        if tried
        else [],
    }


def _stretches(text: str, spans: list[tuple[int, int, Any]]) -> list[tuple[str, Any]]:
    """The text in pieces, each with what was found there, or None."""
    found: list[tuple[str, Any]] = []
    position = 0
    for start, end, what in spans:
        found += [(text[position:start], None), (text[start:end], what)]
        position = end
    return [(piece, what) for piece, what in (*found, (text[position:], None)) if piece or what]


def _by(rows: list[Any], known: Any) -> list[Any]:
    return [{**row, "by": known.get(row["applied_by"], row["applied_by"])} for row in rows]


def _kind(desk: Desk) -> Kind:
    kind = KINDS.get(desk.path("kind"))
    if kind is None:
        raise NotFound
    return kind
