"""What the tables of a source mean: its semantic model as YAML, checked and saved as the next version, with the versions before it."""

from typing import Any

from starlette.responses import Response

from ostiary.errors import Conflict, Fault, InvalidParameters, OstiaryError
from ostiary.web import words
from ostiary.web.desk import Desk


async def one(desk: Desk) -> Response:
    return await _page(desk, asked={"drafted": desk.query("drafted") == "yes", "version": _version(desk.query("version"))})  # fmt: skip


async def work(desk: Desk) -> Response:
    """Check, save, or take the model away, as the button says."""
    name, form = desk.path("name"), desk.form
    wanted, text = form.get("do", ""), form.get("model", "")
    version = _version(form.get("version", ""))
    try:
        if wanted == "remove":
            await desk.ask("source.model.remove", {"source": name})
            return desk.go(f"/sources/{name}/model", "model-removed")
        if wanted == "check":
            found = await desk.ask("source.model.check", {"source": name, "model": text})
            return await _page(desk, shown=found, text=found["model"], version=version, checked=True)
        await desk.ask("source.model.put", {"source": name, "model": text, "version": version})
    except (InvalidParameters, Conflict) as error:
        return await _page(desk, text=text, version=version, faults=words.wrong(error))
    except OstiaryError as error:
        if error.code not in ("source.invalid", "library.missing"):
            raise
        return await _page(desk, text=text, version=version, faults=words.wrong(error))
    return desk.go(f"/sources/{name}/model", "model-saved")


def _version(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= 6 else 0


async def _page(
    desk: Desk, *, asked: Any = None, shown: Any = None, text: str = "", version: int | None = None, checked: bool = False, faults: tuple[Fault, ...] = ()
) -> Response:  # fmt: skip
    """`version`: the one that what is in the field goes on from."""
    name = desk.path("name")
    shown = shown or await desk.ask("source.model.show", {"source": name, **(asked or {})})
    last = shown["versions"][0]["version"] if shown["versions"] else 0
    return await desk.page(
        "sources/model.html", status=422 if faults else 200, name=name, shown=shown, text=text or shown["model"],
        version=last if version is None else version, last=last, checked=checked, faults=faults,
    )  # fmt: skip
