"""Imports: make drafts from a document, read each with why it says what it says, change labels, accept. A page never decides: it asks `contract.*`."""

from collections.abc import Mapping
from typing import Any

import orjson
import yaml
from starlette.responses import Response

from ostiary.actions import Confirmation, JsonValue, Risk
from ostiary.contracts.contract import LABELS
from ostiary.contracts.labels.fields import fields
from ostiary.errors import ContractInvalid, Fault, InvalidParameters, NotFound
from ostiary.web import words
from ostiary.web.desk import Desk
from ostiary.web.people import names

LINE_CHARACTERS = 110
LABEL_FIELD = "label "
"""Before the pointer, in the name of a form's field."""

MEANINGS = {
    "recipient": "who gets it",
    "account": "where money goes",
    "url": "an address on the network",
    "address": "a place",
    "id": "which record is touched",
    "amount": "how much",
    "currency": "of what",
    "content": "what somebody gets to read",
    "selector": "which records are found",
}


async def listed(desk: Desk) -> Response:
    return await _list(desk)


async def _list(desk: Desk, *, faults: tuple[Fault, ...] = (), **given: str) -> Response:
    found = await desk.ask("contract.imports")
    connectors = await desk.ask_or({"connectors": []}, "connector.list")
    return await desk.page(
        "contracts/imports.html", status=422 if faults else 200, imports=found["imports"], known=await names(desk), faults=faults, given=given,
        connectors=[row["name"] for row in connectors["connectors"]],
    )  # fmt: skip


async def make(desk: Desk) -> Response:
    connector, text = desk.form.get("connector", "").strip(), desk.form.get("file", "")
    try:
        made = await desk.ask("contract.import", {"connector": connector, "text": text})
    except (ContractInvalid, InvalidParameters) as error:
        faults = words.wrong(error)
        return await _list(desk, faults=faults, connector=connector, text=text)
    return desk.go(f"/contracts/imports/{made['summary']['import_id']}", "drafts-made")


async def one(desk: Desk) -> Response:
    return await _one(desk)


async def _one(desk: Desk, *, faults: tuple[Fault, ...] = (), chosen: list[str] | None = None) -> Response:
    shown = await desk.ask("contract.drafts", {"import_id": desk.path("import_id")})
    standing = await desk.ask("contract.list")
    stand = {row["name"] for row in standing["contracts"]}
    drafts = [_row(draft, stand) for draft in shown["drafts"]]
    return await desk.page(
        "contracts/import.html", status=422 if faults else 200, summary=shown["summary"], notes=shown["notes"], left=shown["left"], drafts=drafts,
        faults=faults, chosen=chosen or [], version=standing["version"], replaces=any(row["stands"] for row in drafts if row["state"] == "open"),
    )  # fmt: skip


async def draft(desk: Desk) -> Response:
    return await _draft(desk, await _found(desk, desk.query("name")))


async def save(desk: Desk) -> Response:
    """From the choices of the page, or, where the text was changed, from the text."""
    found = await _found(desk, desk.form.get("name", ""))
    text = desk.form.get("text")
    if text is None:
        text = orjson.dumps(_chosen(found["contract"], desk.form)).decode()
    try:
        saved = await desk.ask(
            "contract.edit_draft", {"import_id": desk.path("import_id"), "name": found["name"], "text": text}
        )
    except ContractInvalid as error:
        return await _draft(desk, found, faults=error.faults, text=desk.form.get("text"))
    return desk.go(f"/contracts/imports/{desk.path('import_id')}/draft", "draft-saved", name=saved["name"])


async def accept(desk: Desk) -> Response:
    chosen = desk.lists.get("accept", [])
    if not chosen:
        return await _one(desk, faults=(Fault("", "Choose at least one draft."),))
    expected = desk.form.get("expected", "")
    asked = {
        "import_id": desk.path("import_id"),
        "names": chosen,
        "replace": desk.form.get("replace") == "yes",
        "expected": int(expected) if expected.isdigit() else 0,
    }
    try:
        await desk.ask("contract.accept_drafts", asked)
    except ContractInvalid as error:
        return await _one(desk, faults=error.faults or (Fault("", error.detail),), chosen=chosen)
    return desk.go("/contracts", "contract-applied")


async def discard(desk: Desk) -> Response:
    await desk.ask("contract.discard_import", {"import_id": desk.path("import_id")})
    return desk.go("/contracts/imports", "import-discarded")


async def _found(desk: Desk, name: str) -> dict[str, Any]:
    shown = await desk.ask("contract.drafts", {"import_id": desk.path("import_id")})
    found: dict[str, Any] | None = next((each for each in shown["drafts"] if each["name"] == name), None)
    if found is None:
        raise NotFound
    return found


async def _draft(
    desk: Desk, found: Mapping[str, Any], *, faults: tuple[Fault, ...] = (), text: str | None = None
) -> Response:
    contract = found["contract"]
    if text is None:
        text = yaml.safe_dump(contract, sort_keys=False, allow_unicode=True, width=LINE_CHARACTERS)
    return await desk.page(
        "contracts/draft.html", status=422 if faults else 200, import_id=desk.path("import_id"), draft=found, said=_said(contract), text=text, faults=faults,
        why={each["pointer"]: each["detail"] for each in found["why"]}, rows=_parameters(found), labels=sorted(LABELS), meanings=MEANINGS,
        risks=[risk.value for risk in Risk], confirmations=[each.value for each in Confirmation],
    )  # fmt: skip


def _said(contract: Mapping[str, Any]) -> dict[str, Any]:
    """What a page shows of a draft, whatever a person wrote into it."""
    words = {
        key: _text(contract.get(key))
        for key in ("title", "description", "effect", "risk", "confirmation", "sentence")
    }
    readers = contract.get("readers")
    listed = readers.items() if isinstance(readers, dict) else ()
    return {
        **words,
        "trusted": _texts(contract.get("trusted")),
        "readers": [(str(field), _texts(who)) for field, who in listed],
    }


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: JsonValue) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [each for each in listed if isinstance(each, str)]


def _row(draft: Mapping[str, Any], stand: set[str]) -> dict[str, Any]:
    contract = draft["contract"]
    labels = contract.get("labels")
    return {
        **draft,
        "stands": draft["name"] in stand,
        "risk": str(contract.get("risk", "high")),
        "writes": contract.get("effect") != "read",
        "confirmation": str(contract.get("confirmation", "always")),
        "sentence": str(contract.get("sentence", "")),
        "labels": {str(path).removeprefix("/"): str(label) for path, label in labels.items()}
        if isinstance(labels, dict)
        else {},
        "why": {each["pointer"]: each["detail"] for each in draft["why"]},
    }


def _parameters(draft: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every value that a call of it holds: what it is called, its kind, its label and why."""
    why = {each["pointer"]: each["detail"] for each in draft["why"]}
    labels = draft["contract"].get("labels")
    given = (
        {path if path.startswith("/") else f"/{path}": label for path, label in labels.items()}
        if isinstance(labels, dict)
        else {}
    )
    return [
        {
            "pointer": field.path,
            "field": LABEL_FIELD + field.path,
            "kind": ("list of " if field.many else "") + (field.format or field.kind or "any value"),
            "description": field.description,
            "label": given.get(field.path, ""),
            "why": why.get(field.path, ""),
        }
        for field in fields(draft["contract"].get("parameters"))
    ]


def _chosen(contract: Mapping[str, JsonValue], form: Mapping[str, str]) -> dict[str, JsonValue]:
    """The draft with what was chosen on its page. A label that is chosen empty is none."""
    labels = contract.get("labels")
    kept = (
        {path if path.startswith("/") else f"/{path}": label for path, label in labels.items()}
        if isinstance(labels, dict)
        else {}
    )
    for name, label in form.items():
        if name.startswith(LABEL_FIELD):
            path = name.removeprefix(LABEL_FIELD)
            kept.pop(path, None)
            kept |= {path: label} if label else {}
    trusted = [line.strip() for line in form.get("trusted", "").splitlines() if line.strip()]
    return {
        **contract,
        **{key: form[key] for key in ("risk", "confirmation", "sentence") if form.get(key)},
        "labels": kept,
        "trusted": trusted,
    }
