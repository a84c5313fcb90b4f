"""Who may do what: people, roles, and the matrix of every action against every role."""

from itertools import groupby
from typing import Any

from starlette.responses import Response

from ostiary.web.desk import Desk

GROUPS = {
    "approval": "Approvals",
    "audit": "Audit",
    "call": "Calls",
    "connector": "Connectors",
    "contract": "Contracts",
    "key": "API keys",
    "me": "One's own account",
    "member": "Members",
    "permission": "Roles",
    "privacy": "Masking",
    "role": "Roles",
    "session": "Sessions",
    "setup": "Setting up",
    "tenant": "Tenants",
}


async def listed(desk: Desk) -> Response:
    found = await desk.ask("member.list")
    roles = (await desk.ask_or({}, "role.list")).get("roles", [])
    return await desk.page("members/page.html", members=found["members"], roles=roles)


async def add(desk: Desk) -> Response:
    asked = {name: desk.form.get(name, "").strip() for name in ("email", "name", "role")}
    await desk.ask("member.add", asked)
    return desk.go("/members", "member-added")


async def change_role(desk: Desk) -> Response:
    await desk.ask("member.change_role", {"person": desk.path("person"), "role": desk.form.get("role", "")})
    return desk.go("/members", "member-changed")


async def remove(desk: Desk) -> Response:
    await desk.ask("member.remove", {"person": desk.path("person")})
    return desk.go("/members", "member-removed")


async def roles(desk: Desk) -> Response:
    found = await desk.ask("role.list")
    return await desk.page("members/roles.html", roles=found["roles"], permissions=found["permissions"])


async def put_role(desk: Desk) -> Response:
    asked: dict[str, Any] = {
        "name": desk.form.get("name", "").strip(),
        "title": desk.form.get("title", "").strip(),
    }
    await desk.ask("role.put", {**asked, "permissions": desk.lists.get("permissions", [])})
    return desk.go("/roles", "role-saved")


async def remove_role(desk: Desk) -> Response:
    await desk.ask("role.remove", {"name": desk.path("name")})
    return desk.go("/roles", "role-removed")


async def matrix(desk: Desk) -> Response:
    found = await desk.ask("permission.matrix")
    rows = sorted(found["actions"], key=lambda row: (_group(row), str(row["action"])))
    groups = [(name, list(of)) for name, of in groupby(rows, _group)]
    return await desk.page("members/matrix.html", roles=found["roles"], groups=groups)


def _group(row: dict[str, Any]) -> str:
    room = str(row["action"]).split(".", 1)[0]
    return GROUPS.get(room, room.capitalize())
