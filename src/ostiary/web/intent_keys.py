"""The keys whose signatures count as a person's own words: what counts now, letting one count, and revoking one. Only public halves are asked for."""

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from ostiary.errors import Conflict, Fault, InvalidParameters, NotFound
from ostiary.provenance import public_key
from ostiary.web import words
from ostiary.web.desk import Desk
from ostiary.web.people import names

HERE = "/intent-keys"
COUNTS = words.Word("Counts", "done", "ok")
REVOKED = words.Word("Revoked", "reject", "no")
FIELDS = {"title": "Name", "public_key": "Public key", "roles": "Speaks for"}


async def page(desk: Desk) -> Response:
    return await _page(desk)


async def register(desk: Desk) -> Response:
    asked: dict[str, Any] = {
        "title": desk.form.get("title", "").strip(),
        "roles": desk.lists.get("roles", []),
    }
    try:
        asked["public_key"] = public_key.read(desk.form.get("public_key", ""))
        made = await desk.ask("intent_key.register", asked)
    except public_key.NoPublicKey as error:
        return await _page(desk, faults=[Fault("/public_key", str(error))], values=asked)
    except InvalidParameters as error:
        return await _page(desk, faults=error.faults, values={**desk.form, **asked})
    except Conflict as error:
        return await _page(desk, faults=[Fault("", error.detail)], values={**desk.form, **asked})
    return await _page(desk, made=made)


async def revoke(desk: Desk) -> Response:
    key_id = desk.path("intent_key_id")
    found = (await desk.ask("intent_key.list"))["keys"]
    key = next((row for row in found if row["key_id"] == key_id), None)
    if key is None:
        raise NotFound
    if desk.form.get("title", "").strip() != key["title"].strip():
        raise InvalidParameters("Type the key's name to revoke it.")
    await desk.ask("intent_key.revoke", {"intent_key_id": key_id})
    return desk.go(HERE, "intent-key-revoked")


async def _page(
    desk: Desk, *, made: Any = None, faults: Sequence[Fault] = (), values: Any = None
) -> Response:
    rows = (await desk.ask("intent_key.list"))["keys"]
    known = await names(desk) if rows else {}
    roles = (await desk.ask_or({}, "role.list")).get("roles", [])
    titles = {role["name"]: role["title"] or role["name"] for role in roles}
    shown = [
        {
            **row,
            "word": REVOKED if row["revoked_at"] else COUNTS,
            "by": known.get(row["created_by"], row["created_by"]),
            "speaks_for": [titles.get(role, role) for role in row["roles"] or ()],
        }
        for row in sorted(rows, key=lambda row: bool(row["revoked_at"]))
    ]
    return await desk.page(
        "intent_keys/page.html", status=422 if faults else 200, keys=shown, roles=roles, made=made, values=values or {},
        faults=words.faults(faults, FIELDS),
    )  # fmt: skip
