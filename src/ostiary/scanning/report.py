"""An inventory as a file for people and programs: JSON, CSV (a row for each category of each item), or one HTML page with its charts, without script and without any request.

Names of files, tables and columns are others' words: they are escaped in HTML, cannot become a formula in a spreadsheet, and letters that show nothing or turn the direction of
reading are written as their numbers.
"""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from ostiary.detection.categories import CATEGORIES, Family, family_of
from ostiary.redaction.structured import harmless
from ostiary.scanning.inventory import RISK_MAX, RISK_SCALE, SENSITIVITY, Change, Inventory, Total
from ostiary.scanning.look import Looked
from ostiary.scanning.place import STATES

FORMS = ("html", "json", "csv")
CSV_ROWS_MAX = 500_000
PLACES_MAX = 15
"""Folders or tables in the heat table; FAMILIES_MAX its columns."""
FAMILIES_MAX = 10
CHANGES_MAX = 20
HEATS = 5
SCHEMA = "ostiary.scan.v1"
_CSV_HEAD = ("key", "state", "code", "category", "family", "findings", "distinct", "share", "bytes", "rows_estimate")  # fmt: skip
_WORDS = {"folder": ("file", "files", "Folder"), "bucket": ("object", "objects", "Folder"), "database": ("column", "columns", "Table")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class About:
    """at, before: RFC 3339, of this scan and of the one that `changes` compares with ("" where there was none). broken: why the place was listed in part only. left_out: patterns that the person gave."""

    at: str
    release: str = ""
    before: str = ""
    changes: Sequence[Change] = ()
    broken: str = ""
    left_out: Sequence[str] = ()


def report(inventory: Inventory, form: str, about: About, items: Iterable[Looked] = ()) -> str:
    """The report. `items`: for CSV, what was seen of each. ValueError for a form that there is not."""
    if form == "json":
        return json.dumps(data(inventory, about), indent=2, ensure_ascii=True) + "\n"
    if form == "csv":
        return _csv(items)
    if form == "html":
        return _html(inventory, about)
    raise ValueError(f"a report is one of {', '.join(FORMS)}")


def data(inventory: Inventory, about: About) -> dict[str, Any]:
    """The report as JSON values."""
    return {
        "schema": SCHEMA,
        "at": about.at,
        "release": about.release,
        "broken": about.broken,
        "left_out": list(about.left_out),
        "before": about.before or None,
        "changes": [asdict(each) for each in about.changes],
        "level": inventory.level,
        **asdict(inventory),
    }


def shown(text: str) -> str:
    """Without letters that show nothing or act: line ends, control characters, marks that turn the direction of reading."""
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)


def _csv(items: Iterable[Looked]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_CSV_HEAD)
    for number, row in enumerate(row for each in items for row in _rows(each)):
        if number >= CSV_ROWS_MAX:
            writer.writerow([f"(more than {CSV_ROWS_MAX} rows: the rest is left out)"])
            break
        writer.writerow(row)
    return out.getvalue()


def _rows(each: Looked) -> Iterable[Sequence[object]]:
    """At least one row for every item, so that what was not looked at stands there too."""
    key = harmless(shown(each.key))
    for category, count in each.counts.items() or [("", 0)]:
        family = str(family_of(category)) if category else ""
        distinct = each.distinct.get(category, 0)
        yield key, each.state, each.code, harmless(category), family, count, distinct, round(each.share, 3), each.size, each.rows  # fmt: skip


def _html(inventory: Inventory, about: About) -> str:
    item, items, group = _WORDS.get(inventory.kind, _WORDS["folder"])
    families = [each.name for each in inventory.families[:FAMILIES_MAX]]
    return _template().render(
        inventory=inventory,
        about=about,
        words={"item": item, "items": items, "group": group},
        families=families,
        heat=list(_heat(inventory.top[:PLACES_MAX], families)),
        top=inventory.top[:PLACES_MAX],
        most=max((each.findings for each in inventory.families), default=1),
        changes=about.changes[:CHANGES_MAX],
        seen_states={name: count for name, count in inventory.states.items() if name != "looked"},
        states=STATES,
        sensitivity=SENSITIVITY,
        risk_max=RISK_MAX,
        risk_scale=RISK_SCALE,
    )


def _heat(
    top: Sequence[Total], families: Sequence[str]
) -> Iterable[tuple[str, float, str, list[tuple[int, int]]]]:
    """(folder or table, risk, level, (findings, warmth from 0 to HEATS) by family)."""
    rows = [(each, _by_family(each.categories)) for each in top]
    most = max((count for _, counts in rows for count in counts.values()), default=1)
    for each, counts in rows:
        yield each.name, each.risk, each.level, [
            (counts.get(name, 0), _warmth(counts.get(name, 0), most)) for name in families
        ]  # fmt: skip


def _by_family(categories: Mapping[str, int]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for category, count in categories.items():
        family = str(family_of(category))
        counts[family] = counts.get(family, 0) + count
    return counts


def _warmth(count: int, most: int) -> int:
    return max(1, round(HEATS * math.sqrt(count / most))) if count else 0


def _title(name: str) -> str:
    """A category or family for people."""
    known = CATEGORIES.get(name)
    if known is not None:
        return f"{known.title} ({known.country})" if known.country else known.title
    return _family(name) if name in set(Family) else shown(name)


_SPELT = {"national_id": "National ID", "health_id": "Health ID", "tax_id": "Tax ID", "id_number": "ID number", "iban": "IBAN", "ip_address": "IP address", "mac_address": "MAC address", "api_key": "API key", "url": "Web address", "email": "E-mail address"}  # fmt: skip


def _family(name: str) -> str:
    return _SPELT.get(name, name.replace("_", " ").capitalize())


def _number(count: float) -> str:
    return f"{count:,.0f}".replace(",", "\u202f")


def _size(count: int) -> str:
    for unit, least in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= least:
            return f"{count / least:.1f} {unit}"
    return f"{count} B"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("ostiary.scanning"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )  # fmt: skip
    environment.filters |= {
        "shown": shown,
        "title_of": _title,
        "family": _family,
        "number": _number,
        "size": _size,
    }
    return environment.get_template("report.html")
