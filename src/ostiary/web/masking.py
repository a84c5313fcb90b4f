"""Who sees which kinds of sensitive value: one table of ticks."""

from typing import Any

from starlette.responses import Response

from ostiary.detection.categories import CATEGORIES
from ostiary.errors import Conflict
from ostiary.web.desk import Desk

TITLES = {
    "api_key": "API keys",
    "bank_account": "Bank account numbers",
    "card": "Card numbers",
    "crypto_wallet": "Crypto wallets",
    "date_of_birth": "Dates of birth",
    "driving_licence": "Driving licences",
    "email": "Email addresses",
    "health_id": "Health insurance numbers",
    "iban": "IBANs",
    "ip_address": "IP addresses",
    "mac_address": "MAC addresses",
    "national_id": "National identity numbers",
    "passport": "Passport numbers",
    "password": "Passwords",
    "phone": "Phone numbers",
    "private_key": "Private keys",
}


async def page(desk: Desk) -> Response:
    return await _page(desk)


async def save(desk: Desk) -> Response:
    """The whole policy, against the version that was shown: a change in between is said, not overwritten."""
    shown: dict[str, list[str]] = {}
    for tick in desk.lists.get("see", []):
        role, _, category = tick.partition("/")
        shown.setdefault(role, []).append(category)
    version = desk.form.get("version", "")
    try:
        await desk.ask(
            "privacy.policy_put", {"shown": shown, "version": int(version) if version.isdigit() else 0}
        )
    except Conflict:
        return await _page(desk, conflict=True)
    return desk.go("/masking", "masking-saved")


def _title(name: str) -> str:
    """The title of a category that only a program has named: it gets a line, so that saving the page does not lose it."""
    known = CATEGORIES.get(name)
    return f"{known.title} ({known.country})" if known and known.country else known.title if known else name


async def _page(desk: Desk, *, conflict: bool = False) -> Response:
    found = await desk.ask("privacy.policy_show")
    known = [role["name"] for role in (await desk.ask_or({"roles": []}, "role.list"))["roles"]]
    roles = known + sorted(set(found["shown"]) - set(known))
    finer = sorted({name for named in found["shown"].values() for name in named} - set(found["categories"]))
    categories: list[Any] = [
        (name, TITLES.get(name) or _title(name)) for name in (*found["categories"], *finer)
    ]
    return await desk.page(
        "masking/page.html", status=409 if conflict else 200, roles=roles, categories=categories, shown=found["shown"],
        version=found["version"], conflict=conflict,
    )  # fmt: skip
