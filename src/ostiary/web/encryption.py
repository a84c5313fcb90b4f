"""The versions of the tenant's key: what each still wraps, a rotation with its progress, and whether an older root key may go."""

from typing import Any

from starlette.responses import Response

from ostiary.web import jobs, words
from ostiary.web.desk import Desk

KIND = "vault.rotation"

_STATES = {
    "active": words.Word("Active", "done", "ok"),
    "opening": words.Word("Opens only", "lock"),
    "retired": words.Word("Retired", "expire"),
    "destroyed": words.Word("Destroyed", "reject", "no"),
}


async def page(desk: Desk) -> Response:
    versions = (await desk.ask("vault.keys"))["versions"]
    found = await desk.ask_or({"jobs": []}, "job.list", {"kind": KIND, "limit": 1})
    rotation = jobs.shown(found["jobs"][0]) if found["jobs"] else None
    root = versions[0]["root_key"] if versions else ""
    moving = bool(rotation and rotation["moving"])
    response = await desk.page(
        "settings/encryption.html",
        versions=[{**row, "word": _word(row["state"])} for row in versions],
        older=_older(versions, root),
        root=root,
        rotation=rotation,
        moving=moving,
    )
    return response if moving else jobs.over(desk, response)


async def rotate(desk: Desk) -> Response:
    params = {name: desk.form.get(name) == "yes" for name in ("data_keys", "retire")}
    made = await desk.ask("job.start", {"kind": KIND, "params": params})
    return desk.go(f"/jobs/{made['id']}", "job-started")


def _word(state: str) -> words.Word:
    return _STATES.get(state, words.Word(state, "info"))


def _older(versions: list[dict[str, Any]], root: str) -> int:
    """How many versions another root key than the newest one's wraps as well, or alone."""
    return sum(bool(row["further_root_keys"]) or row["root_key"] != root for row in versions)
