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


def pretty(value: JsonValue) -> str:
    """JSON over several lines, for reading; text that is not JSON stays as it is."""
    if isinstance(value, str):
        return value[:PRETTY_CHARACTERS_MAX]
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()
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
        "pretty": pretty,
        "short": short,
        "duration": duration,
        "plain": words.plain,
    }
    jinja.filters.update(filters)
    jinja.globals.update(asset=assets.url, words=words)
    return jinja
