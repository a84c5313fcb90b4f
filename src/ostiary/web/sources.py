"""Databases that can be asked: which there are, the policy of one with what its columns are, what the database has otherwise by now, what its credential may do, and how others see it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from ostiary.access.roles import BUILT_IN
from ostiary.errors import Conflict, Fault, InvalidParameters, NotFound, OstiaryError
from ostiary.web import words
from ostiary.web.desk import Desk

FIRST: dict[str, Any] = {
    "version": 1,
    "rules": [{"name": "everybody", "tables": ["*"]}],
    "rows_max": 1000,
    "streams": False,
}
"""What somebody begins with: everything is open to whoever may ask, and what looks sensitive by its name is hidden."""


_LOOKS = ("drift", "check", "sample")
"""Buttons that show what the action of that name finds."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a page says besides the source itself."""

    faults: Sequence[Fault] = ()
    drift: Any = None
    check: Any = None
    preview: Any = None
    sample: Any = None
    form: dict[str, str] = field(default_factory=dict)


async def listed(desk: Desk) -> Response:
    sources = (await desk.ask("sources.list"))["sources"]
    known = {each["name"] for each in sources}
    connectors = (await desk.ask_or({"connectors": []}, "connector.list"))["connectors"]
    others = [
        each
        for each in connectors
        if each["settings"]["kind"] in words.DIALECTS and each["name"] not in known
    ]
    return await desk.page("sources/page.html", sources=sources, others=others)


async def one(desk: Desk) -> Response:
    return await _page(desk, Said())


async def work(desk: Desk) -> Response:
    """Save or remove the policy, read the catalogue, look at the credential, or see as others do, as the button says."""
    name, wanted = desk.path("name"), desk.form.get("do", "")
    form = dict(desk.form)
    try:
        if wanted == "save":
            await desk.ask("source.put", {"source": name, "policy": _policy(form.get("policy", ""))})
            return desk.go(f"/sources/{name}", "source-saved")
        if wanted == "remove":
            if form.get("confirm", "").strip() != name:
                raise InvalidParameters("Type the name to remove it.")
            await desk.ask("source.remove", {"source": name})
            return desk.go("/sources", "source-removed")
        if wanted == "index":
            await desk.ask("source.index", {"source": name})
            return desk.go(f"/sources/{name}", "source-indexed")
        if wanted == "tag":
            await _tag(desk, name)
            return desk.go(f"/sources/{name}", "source-saved")
        if wanted == "preview":
            return await _page(desk, Said(preview=await _preview(desk, name, form), form=form))
        if wanted in _LOOKS:
            return await _page(desk, Said(**{wanted: await desk.ask(f"source.{wanted}", {"source": name})}))
    except (InvalidParameters, Conflict) as error:
        return await _page(desk, Said(words.wrong(error), form=form))
    except NotFound:
        raise
    except OstiaryError as error:
        if error.code not in ("source.invalid", "target.refused", "target.unavailable", "target.timeout"):
            raise
        return await _page(desk, Said(words.wrong(error), form=form))
    raise NotFound


async def _tag(desk: Desk, name: str) -> None:
    """What was chosen of what samples hold, besides what the columns are already."""
    source = await desk.ask("source.show", {"source": name})
    tags = {each["column"]: each["tags"] for each in source["tagged"]}
    chosen = [each.split(" ", 1) for each in desk.lists.get("tag", []) if " " in each]
    said = dict(source["policy"]["tags"])
    for category, column in chosen:
        said[column] = sorted({*said.get(column, tags.get(column, ())), category})
    if chosen:
        await desk.ask("source.put", {"source": name, "policy": {**source["policy"], "tags": said}})


async def _preview(desk: Desk, name: str, form: dict[str, str]) -> Any:
    roles = [each for each in form.get("roles", "").replace(",", " ").split() if each]
    asked = {"source": name, "roles": roles, "purpose": form.get("purpose", "").strip(), "statement": form.get("statement", "").strip()}  # fmt: skip
    return await desk.ask("source.preview", asked)


def _policy(text: str) -> Any:
    """Raises InvalidParameters."""
    try:
        return json.loads(text)
    except ValueError as error:
        where = (
            f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        )
        raise InvalidParameters(faults=(Fault("", f"The policy is no JSON: {where or 'it cannot be read'}."),)) from None  # fmt: skip


async def _page(desk: Desk, said: Said) -> Response:
    name = desk.path("name")
    try:
        source = await desk.ask("source.show", {"source": name})
    except NotFound:
        source = None
        settings = (await desk.ask("connector.show", {"name": name}))["settings"]
        if settings["kind"] not in words.DIALECTS:
            raise
    policy = source["policy"] if source else FIRST
    text = said.form.get("policy") or json.dumps(_short(policy), indent=2, ensure_ascii=False)
    return await desk.page(
        "sources/one.html", status=422 if said.faults else 200, name=name, source=source, text=text, said=said, roles=sorted(BUILT_IN), form=said.form,
    )  # fmt: skip


def _short(policy: dict[str, Any]) -> dict[str, Any]:
    """Without what says nothing."""

    def kept(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: kept(each) for name, each in value.items() if each not in (None, [], {}, "", False) and (name, each) not in _USUAL}  # fmt: skip
        return [kept(each) for each in value] if isinstance(value, list) else value

    return {**kept(policy), "streams": policy.get("streams", False)}


_USUAL = (("group_min", 1), ("consent", "run"), ("first", 0), ("last", 4), ("to", "year"), ("stream_rows_max", 10_000_000))  # fmt: skip
