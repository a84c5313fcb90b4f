"""Names for ids, so that pages read well: people of this tenant, and its keys. What the viewer may not see stays an id."""

from ostiary.web.desk import Desk


async def names(desk: Desk) -> dict[str, str]:
    """Id -> name, for members and keys, as far as this viewer may read them."""
    known: dict[str, str] = {}
    if desk.may("member.read"):
        members = (await desk.ask_or({}, "member.list")).get("members", [])
        known.update({row["person"]: row["name"] for row in members})
    if desk.may("key.read"):
        keys = (await desk.ask_or({}, "key.list")).get("keys", [])
        known.update({row["key_id"]: row["name"] for row in keys})
    return known
