"""The tenant's policy: the document that holds, what is wrong with another, what it would have changed, and applying it."""

from typing import Any

import yaml
from starlette.responses import Response

from ostiary.errors import Conflict, PolicyInvalid
from ostiary.web.desk import Desk
from ostiary.web.people import names

LINE_CHARACTERS = 120
REPLAY_PAGES_MAX = 5
REPLAY_SINCE_S = 7 * 86_400
FLIPS_SHOWN_MAX = 100
HISTORY_ROWS = 20


async def page(desk: Desk) -> Response:
    shown = await desk.ask("policy.show")
    text = yaml.safe_dump(shown["policy"], sort_keys=False, allow_unicode=True, width=LINE_CHARACTERS)
    return await _page(desk, text, shown["version"])


async def work(desk: Desk) -> Response:
    """Check, try or apply what is in the form, as the button says."""
    text, wanted = desk.form.get("file", ""), desk.form.get("do", "check")
    expected = int(desk.form["expected"]) if desk.form.get("expected", "").isdigit() else 0
    if wanted == "apply":
        try:
            await desk.ask("policy.apply", {"text": text, "expected": expected})
        except PolicyInvalid as error:
            mistakes = [{"pointer": fault.pointer, "detail": fault.detail} for fault in error.faults]
            return await _page(desk, text, expected, mistakes=mistakes)
        except Conflict as error:
            return await _page(desk, text, expected, mistakes=[{"pointer": "", "detail": str(error)}])
        return desk.go("/policy", "policy-applied")
    checked = await desk.ask("policy.check", {"text": text})
    if not checked["ok"]:
        return await _page(desk, text, expected, mistakes=checked["mistakes"])
    tried = await _tried(desk, text) if wanted == "try" else None
    return await _page(desk, text, expected, never_met=checked["never_met"], checked=True, tried=tried)


async def _tried(desk: Desk, text: str) -> dict[str, Any]:
    """The newest of the last seven days, as far as a page can wait for; the command line looks at all of it."""
    whole: dict[str, Any] = {"decided": 0, "closed": 0, "flips": [], "more": False}
    asked: dict[str, Any] = {"text": text, "since_s": REPLAY_SINCE_S}
    for _ in range(REPLAY_PAGES_MAX):
        found = await desk.ask("policy.replay", asked)
        whole["decided"] += found["decided"]
        whole["closed"] += found["closed"]
        whole["flips"] += found["flips"]
        asked |= {"cursor": found["next"], "until_us": found["until_us"]}
        if not found["next"]:
            break
    whole["more"] = bool(asked.get("cursor"))
    whole["shown"] = whole["flips"][:FLIPS_SHOWN_MAX]
    return whole


async def _page(
    desk: Desk,
    text: str,
    expected: int,
    *,
    mistakes: list[dict[str, str]] | None = None,
    never_met: list[str] | None = None,
    checked: bool = False,
    tried: dict[str, Any] | None = None,
) -> Response:
    past = (await desk.ask_or({"policies": []}, "policy.history", {"limit": HISTORY_ROWS}))["policies"]
    known = await names(desk) if past else {}
    return await desk.page(
        "settings/policy.html",
        status=422 if mistakes else 200,
        file=text,
        expected=expected,
        mistakes=mistakes or [],
        never_met=never_met or [],
        checked=checked,
        tried=tried,
        past=[{**row, "by": known.get(row["applied_by"], row["applied_by"])} for row in past],
        manages=desk.may("policy.manage"),
    )
