"""Where sensitive data lies: the places, how a run over one of them goes, what was found, and reports to take away."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from ostiary.errors import AddressRefused, Conflict, Fault, InvalidParameters, NotFound, RedactionInvalid
from ostiary.scanning.place import STATES
from ostiary.web import words
from ostiary.web.desk import Desk
from ostiary.web.people import names

KINDS = {
    "folder": words.Word("Folder", "contracts"),
    "bucket": words.Word("Bucket", "globe"),
    "database": words.Word("Database", "database"),
}
RUN_STATES = {
    "going": words.Word("Looking", "run", "run"),
    "paused": words.Word("Paused", "wait", "wait"),
    "done": words.Word("Done", "done", "ok"),
    "failed": words.Word("Failed", "fail", "no"),
    "cancelled": words.Word("Cancelled", "reject"),
}
LEVELS = {
    "none": words.Word("None", "none"),
    "low": words.Word("Low", "info", "ok"),
    "medium": words.Word("Medium", "warn", "wait"),
    "high": words.Word("High", "warn", "no"),
}
WHICH = (("found", "Found"), ("skipped", "Not looked at"), ("gone", "Gone"), ("all", "All"))
EVERY = (("0", "Only when asked"), ("1", "Every hour"), ("24", "Every day"), ("168", "Every week"), ("720", "Every 30 days"))  # fmt: skip
EXPOSURES = (("closed", "A few people"), ("internal", "The company"), ("public", "Anybody"))
FORMATS = {"html": "html", "csv": "csv", "json": "json"}
ITEMS_SHOWN = 25
BARS_MAX = 12
CHART_WIDTH, CHART_HEIGHT, CHART_EDGE = 600, 120, 8
"""The trend's picture, in its own units."""
DOES = ("start", "pause", "resume", "cancel")


async def listed(desk: Desk) -> Response:
    places = (await desk.ask("discovery_place.list"))["places"]
    rows = [_place(row) for row in places]
    return await desk.page("discovery/page.html", rows=rows, moving=any(row["moving"] for row in rows))


async def ask_new(desk: Desk) -> Response:
    return await _form(desk, {"kind": "folder", "exposure": "internal", "every_h": "0"})


async def ask_change(desk: Desk) -> Response:
    found = await _found(desk, desk.path("place"))
    settings = {name: str(value) for name, value in found["settings"].items()}
    return await _form(desk, {**settings, "name": found["name"], "every_h": str(found["every_h"])}, found=found)  # fmt: skip


async def save(desk: Desk) -> Response:
    form = desk.form
    name = form.get("name", "").strip()
    try:
        await desk.ask("discovery_place.put", {"place": name, **_asked(form)})
    except (AddressRefused, Conflict, InvalidParameters, RedactionInvalid) as error:
        faults = words.wrong(error)
        return await _form(desk, dict(form), faults=faults)
    return desk.go(f"/discovery/{name}", "place-saved")


async def one(desk: Desk) -> Response:
    name, which = desk.path("place"), desk.query("which", "found")
    which = which if which in dict(WHICH) else "found"
    place = _place(await _found(desk, name))
    found = await desk.ask("discovery.inventory", {"place": name})
    page = {"place": name, "which": which, "limit": ITEMS_SHOWN, "cursor": desk.query("after")}
    items = await desk.ask("discovery.items", page)
    trend = await desk.ask("discovery.trend", {"place": name})
    known = await names(desk) if place["run"] else {}
    response = await desk.page(
        "discovery/one.html",
        place=place,
        found=found,
        bars=_bars(found["categories"]),
        items=items["items"],
        next=items["next"],
        which=which,
        tabs=WHICH,
        trend=trend,
        chart=_chart(trend["points"]),
        level=LEVELS[found["level"]],
        levels=LEVELS,
        states=STATES,
        not_looked=[(state, count) for state, count in found["states"].items() if state != "looked"],
        every=dict(EVERY).get(str(place["every_h"]), f"Every {place['every_h']} hours"),
        by=known.get(place["run"]["begun_by"], place["run"]["begun_by"]) if place["run"] else "",
        formats=FORMATS,
    )
    if desk.partial and not place["moving"]:
        response.headers["HX-Refresh"] = "true"
    return response


async def act(desk: Desk) -> Response:
    """Start a run, or pause, resume or cancel the one that stands, as the button says."""
    name, do = desk.path("place"), desk.form.get("do", "")
    if do == "start":
        await desk.ask("discovery.start", {"place": name})
    elif do in DOES:
        await desk.ask(f"discovery.{do}", {"run_id": desk.form.get("run_id", "")})
    else:
        raise NotFound
    return desk.go(f"/discovery/{name}", f"discovery-{do}")


async def test(desk: Desk) -> Response:
    tried = await desk.ask("discovery_place.test", {"place": desk.path("place")})
    return desk.part("discovery/tried.html", tried=tried) if desk.partial else await desk.page(
        "discovery/tried_page.html", tried=tried, name=desk.path("place")
    )  # fmt: skip


async def remove(desk: Desk) -> Response:
    name = desk.path("place")
    if desk.form.get("confirm", "").strip() != name:
        raise InvalidParameters("Type the name to remove it.")
    await desk.ask("discovery_place.remove", {"place": name})
    return desk.go("/discovery", "place-removed")


async def report(desk: Desk) -> Response:
    """A file to take away: it is never shown in our own pages."""
    name, form = desk.path("place"), desk.path("form")
    if form not in FORMATS:
        raise NotFound
    made = await desk.ask("discovery.report", {"place": name, "format": form})
    headers = {
        "Content-Disposition": f'attachment; filename="discovery-{name}.{form}"',
        "Cache-Control": "no-store",
        "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
    }
    return Response(made["text"], headers=headers, media_type=made["media_type"])


async def _found(desk: Desk, name: str) -> Any:
    """Raises NotFound."""
    places = (await desk.ask("discovery_place.list"))["places"]
    found = next((row for row in places if row["name"] == name), None)
    if found is None:
        raise NotFound
    return found


async def _form(
    desk: Desk, values: Mapping[str, str], *, faults: Sequence[Fault] = (), found: Any = None
) -> Response:
    databases = (await desk.ask_or({"connectors": []}, "connector.list"))["connectors"]
    rules = (await desk.ask_or({"documents": []}, "redaction_rules.list"))["documents"]
    return await desk.page(
        "discovery/form.html",
        status=422 if faults else 200,
        values=values,
        faults=faults,
        found=found,
        kinds=KINDS,
        every=EVERY,
        exposures=EXPOSURES,
        connectors=[row["name"] for row in databases if row["kind"] in ("sqlite", "postgresql")],
        rules=[row["name"] for row in rules],
    )


def _asked(form: Mapping[str, str]) -> dict[str, Any]:
    kind = form.get("kind", "")
    wanted = {"folder": ("path",), "bucket": ("url", "endpoint", "region"), "database": ("connector",)}
    settings: dict[str, Any] = {name: form.get(name, "").strip() for name in wanted.get(kind, ())}
    if kind == "bucket" and not settings["region"]:
        del settings["region"]
    settings |= {"kind": kind, "rules": form.get("rules", ""), "exposure": form.get("exposure", "internal")}
    every = form.get("every_h", "0")
    asked: dict[str, Any] = {
        "settings": settings,
        "every_h": int(every) if every.isdecimal() and len(every) < 6 else 0,
    }
    if kind == "bucket" and form.get("access_key", ""):
        asked["credentials"] = {"access_key": form["access_key"], "secret_key": form.get("secret_key", "")}
    if form.get("forget_credentials"):
        asked["forget_credentials"] = True
    return asked


def _place(row: dict[str, Any]) -> dict[str, Any]:
    run = row["run"]
    if run is not None:
        left_s = run["left_s"]
        run = {
            **run,
            "word": RUN_STATES[run["state"]],
            "left": f"about {_rough(left_s)} left" if left_s else "",
            "amount": f"{run['items']:,} of {run['expected']:,}" if run["expected"] else f"{run['items']:,}",
            "level_word": LEVELS[run["level"]],
            "code_title": words.title(run["code"]) if run["code"] else "",
            "remedy": words.REMEDIES.get(run["code"], "") if run["state"] == "failed" else "",
        }
    moving = run is not None and run["state"] == "going"
    return {**row, "run": run, "moving": moving, "kind_word": KINDS[row["kind"]]}


def _bars(categories: Sequence[Any]) -> list[Any]:
    """The greatest categories, each with the width of its bar (0 to 100)."""
    most = max((row["findings"] for row in categories), default=1)
    return [{**row, "width": max(1, round(100 * row["findings"] / most))} for row in categories[:BARS_MAX]]


def _chart(points: Sequence[Any]) -> dict[str, Any] | None:
    """Findings run by run, as points of a line; None where there is no line to draw."""
    if len(points) < 2:
        return None
    most = max(max(point["findings"] for point in points), 1)
    wide, high = CHART_WIDTH - 2 * CHART_EDGE, CHART_HEIGHT - 2 * CHART_EDGE
    at = [
        (
            round(CHART_EDGE + wide * number / (len(points) - 1), 1),
            round(CHART_EDGE + high * (1 - point["findings"] / most), 1),
        )
        for number, point in enumerate(points)
    ]
    line = " ".join(f"{x},{y}" for x, y in at)
    return {"line": line, "dots": list(zip(at, points, strict=True)), "width": CHART_WIDTH, "height": CHART_HEIGHT, "most": most}  # fmt: skip


def _rough(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} s"
    return f"{round(seconds / 60)} min" if seconds < 5_400 else f"{round(seconds / 3_600)} h"
