"""Templates: Jinja with autoescape always on and no way to mark text as safe from a template's data.

Instants are shown as ISO 8601 in UTC inside `<time>`; with JavaScript they become relative, in the viewer's zone.
"""

from pathlib import Path
from typing import Any

import jinja2
import orjson

from ostiary import clock
from ostiary.actions import JsonValue
from ostiary.web import words
from ostiary.web.assets import Assets

FOLDER = Path(__file__).parent / "templates"
PRETTY_CHARACTERS_MAX = 100_000


def instant(value: JsonValue) -> str:
    """Microseconds or RFC 3339 text -> `2026-01-31T12:00:00Z`, to the second; empty for nothing."""
    if not value:
        return ""
    at_us = value if isinstance(value, int) else clock.parse_rfc3339(str(value))
    return clock.rfc3339(at_us)[:19] + "Z"


def readable_instant(value: JsonValue) -> str:
    """`2026-01-31 12:00:00 UTC`: what is read where there is no JavaScript."""
    return instant(value).replace("T", " ").replace("Z", " UTC")


def approximate(value: JsonValue, mode: str, now_us: int) -> str:
    """About what JavaScript will write in its place a moment later, so that nothing moves then: `2 min ago`, `4 min 12 s left`, `12:00:00`."""
    text = instant(value)
    if mode in _WRITTEN:
        return text.translate(_SPACED)[_WRITTEN[mode]]
    seconds = (clock.parse_rfc3339(text) - now_us) // clock.SECOND_US if text else 0
    if mode == "left":
        return _left(seconds)
    for limit, per, unit in _UNITS:
        if abs(seconds) < limit:
            count = abs(seconds) // per
            plain = f"{count} {unit}{'s' if unit == 'day' and count != 1 else ''}"
            return "now" if limit == 10 else plain + " ago" if seconds < 0 else f"in {plain}"
    return text[:10]


_SPACED = str.maketrans("TZ", "  ")
_WRITTEN = {"clock": slice(11, 19), "hour": slice(11, 16), "day": slice(0, 10), "exact": slice(0, 19)}
_UNITS = ((10, 1, ""), (60, 1, "sec"), (3_600, 60, "min"), (86_400, 3_600, "hr"), (2_592_000, 86_400, "day"))


def _left(seconds: int) -> str:
    if seconds <= 0:
        return "over"
    if seconds < 3_600:
        return f"{seconds // 60} min {seconds % 60} s left"
    if seconds < 86_400:
        return f"{seconds // 3_600} h {seconds % 3_600 // 60} min left"
    return f"{seconds // 86_400} days left"


def pretty(value: JsonValue) -> str:
    """JSON over several lines, for reading; text that is not JSON stays as it is. What would not show is written out."""
    if isinstance(value, str):
        return words.visible(value[:PRETTY_CHARACTERS_MAX])
    text = words.visible(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())
    return text if len(text) <= PRETTY_CHARACTERS_MAX else text[:PRETTY_CHARACTERS_MAX] + "\n..."


def short(text: str) -> str:
    """An id to read at a glance: its kind and its last eight digits (the first ones are the time); a hash by its first twelve."""
    head, under, tail = str(text).partition("_")
    if not under:
        return head if len(head) <= 16 else head[:12] + "…"
    return f"{head}_{tail[-8:]}" if len(tail) > 12 else str(text)


def duration(microseconds: JsonValue) -> str:
    """`0.4 ms`, `38 ms`, `1.2 s`."""
    if not isinstance(microseconds, int | float):
        return ""
    if microseconds < 1_000:
        return f"{microseconds / 1_000:.1f} ms"
    if microseconds < 1_000_000:
        return f"{microseconds / 1_000:.0f} ms"
    return f"{microseconds / 1_000_000:.1f} s"


def environment(assets: Assets) -> jinja2.Environment:
    """The templates with what all of them may use."""
    jinja = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters: dict[str, Any] = {
        "instant": instant,
        "readable_instant": readable_instant,
        "approximate": approximate,
        "pretty": pretty,
        "short": short,
        "duration": duration,
        "plain": words.plain,
    }
    jinja.filters.update(filters)
    jinja.globals.update(asset=assets.url, words=words)
    return jinja
