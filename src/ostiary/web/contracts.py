"""What is agreed: the list, one contract in words, and applying a file, which is checked and shown as a difference before anything changes."""

from collections.abc import Mapping
from typing import Any

import yaml
from starlette.responses import Response

from ostiary.actions import JsonValue
from ostiary.errors import ContractInvalid, InvalidParameters
from ostiary.web import words
from ostiary.web.desk import Desk
from ostiary.web.people import names

ADDED, CHANGED, REMOVED = (
    words.Word("Added", "plus", "ok"),
    words.Word("Changed", "run", "run"),
    words.Word("Removed", "cross", "no"),
)
LINE_CHARACTERS = 110
EXAMPLE = """version: 1
actions:
  - name: invoice.refund
    title: Refund an invoice
    description: Pay an amount of an invoice back to the customer.
    parameters:
      type: object
      required: [invoice, amount]
      properties:
        invoice: { type: string, maxLength: 20, description: "The invoice's number" }
        amount: { type: number, exclusiveMinimum: 0, maximum: 500 }
    roles: [support]
    risk: high
    confirmation: always
    sentence: Refund {amount} of invoice {invoice}
    labels: { invoice: id, amount: amount }
    target:
      connector: billing
      http: { method: POST, path: /refunds, body: { invoice: "{invoice}", amount: "{amount}" } }
"""


async def listed(desk: Desk) -> Response:
    found = await desk.ask("contract.list")
    return await desk.page("contracts/page.html", contracts=found["contracts"], version=found["version"])


async def one(desk: Desk) -> Response:
    found = await desk.ask("contract.show", {"name": desk.path("name")})
    history = await desk.ask_or({"files": []}, "contract.history", {"limit": 20})
    known = await names(desk)
    return await desk.page(
        "contracts/one.html", summary=found["summary"], contract=found["contract"], parameters=parameters(found["parameters"]),
        version=found["version"], history=_history(found["summary"]["name"], history["files"], known),
    )  # fmt: skip


async def ask_file(desk: Desk) -> Response:
    """Filled with what stands, since a file replaces all of it; with an example where nothing does."""
    standing = await desk.ask_or(None, "contract.file", {"version": 0})
    if standing is None:
        return await _form(desk, EXAMPLE)
    text = yaml.safe_dump(standing["file"], sort_keys=False, allow_unicode=True, width=LINE_CHARACTERS)
    return await _form(desk, text, expected=standing["version"])


async def check(desk: Desk) -> Response:
    """What is wrong with the file, by line; or what it would change."""
    text = desk.form.get("file", "")
    standing = await desk.ask("contract.list")
    found = await desk.ask("contract.check", {"text": text})
    if not found["ok"]:
        return await _form(desk, text, mistakes=found["mistakes"], expected=standing["version"])
    return await _form(
        desk, text, changes=_changes(found["change"]), advice=found["advice"], expected=standing["version"]
    )


async def apply(desk: Desk) -> Response:
    """Against the version that the difference was shown for: a change in between is said, not overwritten."""
    text, expected = desk.form.get("file", ""), desk.form.get("expected", "")
    try:
        await desk.ask(
            "contract.apply", {"text": text, "expected": int(expected) if expected.isdigit() else 0}
        )
    except ContractInvalid as error:
        mistakes = [{"line": 0, "pointer": fault.pointer, "detail": fault.detail} for fault in error.faults]
        return await _form(desk, text, mistakes=mistakes)
    return desk.go("/contracts", "contract-applied")


async def remove(desk: Desk) -> Response:
    name = desk.path("name")
    if desk.form.get("name", "").strip() != name:
        raise InvalidParameters("Type the contract's name to remove it.")
    await desk.ask("contract.remove", {"name": name})
    return desk.go("/contracts", "contract-removed")


async def _form(
    desk: Desk, text: str, *, mistakes: list[Any] | None = None, changes: list[Any] | None = None, advice: list[Any] | None = None, expected: int = 0
) -> Response:  # fmt: skip
    return await desk.page(
        "contracts/apply.html", status=422 if mistakes else 200, file=text, mistakes=mistakes or [], changes=changes, advice=advice or [],
        expected=expected,
    )  # fmt: skip


def _changes(change: Mapping[str, JsonValue]) -> list[dict[str, Any]]:
    return [
        *({"name": name, "word": ADDED, "fields": []} for name in change["added"]),
        *({"name": one["name"], "word": CHANGED, "fields": one["fields"]} for one in change["changed"]),
        *({"name": name, "word": REMOVED, "fields": []} for name in change["removed"]),
    ]


def _history(
    name: str, files: list[Mapping[str, JsonValue]], known: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The applied files that touched this contract."""
    found = []
    for file in files:
        for word, listed in ((ADDED, file["added"]), (CHANGED, file["changed"]), (REMOVED, file["removed"])):
            if name in listed:
                by = known.get(file["applied_by"], file["applied_by"])
                found.append({"word": word, "at": file["applied_at"], "by": by, "version": file["version"]})
    return found


def parameters(schema: Mapping[str, JsonValue]) -> list[dict[str, Any]]:
    """A JSON Schema of an object as rows for people: name, kind, limits, whether it must be there."""
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "description": of.get("description", ""),
            "kind": _kind(of),
            "limits": _limits(of),
            "required": name in required,
        }
        for name, of in schema.get("properties", {}).items()
        if isinstance(of, dict)
    ]


_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "yes or no",
    "array": "list",
    "object": "object",
}
_LIMITS = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "more than {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "less than {}"),
    ("minLength", "{} characters or more"),
    ("maxLength", "at most {} characters"),
    ("pattern", "fits {}"),
    ("maxItems", "at most {} items"),
)


def _kind(of: Mapping[str, JsonValue]) -> str:
    if "enum" in of:
        return "one of " + ", ".join(str(value) for value in of["enum"])
    kind = _KINDS.get(str(of.get("type", "")), "any value")
    return f"{kind} ({of['format']})" if "format" in of else kind


def _limits(of: Mapping[str, JsonValue]) -> str:
    said = [text.format(of[name]) for name, text in _LIMITS if name in of]
    return ", ".join("not empty" if text == "1 characters or more" else text for text in said)
