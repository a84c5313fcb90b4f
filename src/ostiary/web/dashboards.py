"""Dashboards of saved questions: each tile is run anew as whoever looks. Without a script a tile leads to its question."""

from typing import Any

from starlette.responses import Response

from ostiary.errors import Conflict, InvalidParameters
from ostiary.web import words
from ostiary.web.desk import Desk


async def listed(desk: Desk) -> Response:
    return await _list(desk)


async def make(desk: Desk) -> Response:
    try:
        made = await desk.ask("dashboard.make", _asked(desk))
    except (InvalidParameters, Conflict) as error:
        return await _list(desk, wrong=words.wrong(error))
    return desk.go(f"/dashboards/{made['id']}")


async def one(desk: Desk) -> Response:
    return await _one(desk)


async def work(desk: Desk) -> Response:
    """Save it, or remove it, as the button says."""
    which = {"dashboard": desk.path("dashboard")}
    if desk.form.get("do") == "remove":
        await desk.ask("dashboard.remove", which)
        return desk.go("/dashboards", "dashboard-removed")
    version = desk.form.get("version", "")
    asked = {**which, **_asked(desk), "version": int(version) if version.isdecimal() and len(version) < 9 else 1}  # fmt: skip
    try:
        await desk.ask("dashboard.change", asked)
    except (InvalidParameters, Conflict) as error:
        return await _one(desk, wrong=words.wrong(error))
    return desk.go(f"/dashboards/{which['dashboard']}")


def _asked(desk: Desk) -> dict[str, Any]:
    """Tiles stay in the order in which the form has them: those that are there, then those that are new."""
    return {
        "title": desk.form.get("title", "").strip(),
        "tiles": list(dict.fromkeys(desk.lists.get("tile", []))),
        "shared": "shared" in desk.form,
    }


async def _list(desk: Desk, **more: Any) -> Response:
    boards = (await desk.ask("dashboard.list"))["dashboards"]
    questions = (await desk.ask("saved.list"))["questions"]
    shown = {"wrong": (), **more}
    return await desk.page("ask/dashboards.html", status=422 if shown["wrong"] else 200, boards=boards, questions=questions, form=dict(desk.form), **shown)  # fmt: skip


async def _one(desk: Desk, **more: Any) -> Response:
    board = await desk.ask("dashboard.show", {"dashboard": desk.path("dashboard")})
    questions = (await desk.ask("saved.list"))["questions"]
    there = [each["id"] for each in board["questions"]]
    others = [each for each in questions if each["id"] not in there]
    shown = {"wrong": (), **more}
    return await desk.page("ask/dashboard.html", status=422 if shown["wrong"] else 200, board=board, others=others, changes=board["own"] or desk.may("source.manage"), **shown)  # fmt: skip
