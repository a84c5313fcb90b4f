"""What the log knows of backups: when one was last taken, when one was last proven, and what a disaster would have cost then."""

from typing import Any

from starlette.responses import Response

from ostiary.clock import DAY_US, HOUR_US, parse_rfc3339
from ostiary.web import words
from ostiary.web.desk import Desk

ROWS = 50
TAKEN_HOURS, PROVEN_DAYS = 26, 35
"""As the alerts have it (deploy/prometheus/alerts.yml): older than that says so."""
_WORDS = {
    "taken": words.Word("Taken", "download", "run"),
    "verified": words.Word("Verified", "seal", "ok"),
    "failed": words.Word("Not verified", "fail", "no"),
    "restored": words.Word("Restored", "back", "wait"),
}


async def page(desk: Desk) -> Response:
    rows = (await desk.ask("backup.list", {"limit": ROWS}))["backups"]
    taken, verified, drilled = (
        _first(rows, *kinds) for kinds in (("taken",), ("verified",), ("verified", "failed"))
    )
    return await desk.page(
        "settings/backups.html",
        rows=[_row(row) for row in rows],
        taken=taken,
        verified=verified,
        failed=drilled is not None and drilled["kind"] == "failed",
        late=_older(taken, desk.now_us() - TAKEN_HOURS * HOUR_US),
        unproven=_older(verified, desk.now_us() - PROVEN_DAYS * DAY_US),
    )


def _older(row: dict[str, Any] | None, at_us: int) -> bool:
    return row is None or parse_rfc3339(row["at"]) < at_us


def _first(rows: list[dict[str, Any]], *kinds: str) -> dict[str, Any] | None:
    return next((_row(row) for row in rows if row["kind"] in kinds), None)


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "word": _WORDS.get(row["kind"], words.Word(row["kind"], "info")),
        "size": size(row["bytes"]) if row["bytes"] else "",
        "lost": _time(row["lost_s"]),
        "ready": _time(row["ready_s"]),
    }


def size(count: int) -> str:
    """`512 kB`, `412.4 MB`."""
    if count < 1_000_000:
        return f"{-(-count // 1_000)} kB"
    return f"{count / 1_000_000:,.1f} MB" if count < 1_000_000_000 else f"{count / 1_000_000_000:,.1f} GB"


def _time(seconds: float) -> str:
    """`6.4 s`, `32 min`, `5.0 h`."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"
