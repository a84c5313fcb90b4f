"""A reviewed document is redacted as it was decided, verified, and its record signed. What nobody has decided goes, as if it had been accepted.

The record is `documents.record`'s, with what people decided beside it: how many findings went and stayed, by whom, and which were left in on purpose, by place and category and never by
value. It is signed with the key of the tenant's log; people stand in it as the log's pseudonyms.
"""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ostiary.actions import Call
from ostiary.clock import rfc3339
from ostiary.detection.categories import family_of
from ostiary.detection.engine import detect
from ostiary.detection.rules import RuleSet
from ostiary.documents import formats, record
from ostiary.documents.document import Drawn, Options
from ostiary.documents.redacting import Pick, Settings
from ostiary.documents.redacting import Reviewed as Picked
from ostiary.documents.sandbox import redacted_apart
from ostiary.errors import NotFound
from ostiary.redaction.operators import Surroundings
from ostiary.review import filenames
from ostiary.review.deciding import Mark
from ostiary.review.paper import LIMITS
from ostiary.review.reviews import Reviewed, Reviews, output_name, record_name
from ostiary.review.store import ReviewRow

OUTPUT_BYTES_MAX = 256 * 1024 * 1024
KEPT_LISTED_MAX = 1_000
PRODUCT = "ostiary"
VALUE_LETTERS_MIN = 3


@dataclass(frozen=True, slots=True)
class Exported:
    """What was made: SHA-256 and size of the output, what it is called, up to which decision it goes, and the counts by family for the log."""

    sha256: str
    size: int
    record_size: int
    name: str
    version: int
    by: str
    at_us: int
    counts: dict[str, int]

    def said(self) -> dict[str, Any]:
        return {"sha256": self.sha256, "size": self.size, "record_size": self.record_size, "name": self.name,
                "version": self.version, "by": self.by, "at_us": self.at_us}  # fmt: skip


async def export(reviews: Reviews, call: Call, row: ReviewRow, number: int) -> Exported:
    """Redact, verify, sign, and seal both files. Raises the errors `document.*`, NotFound, KeysUnavailable, ScopeDestroyed."""
    tenant = call.tenant
    about = reviews.about(tenant, row)
    found = await reviews.whole(tenant, row.id)
    ready = await reviews.plan(tenant, row.plan)
    scope = ready.file.scope
    key = await reviews.plans.scope(tenant, scope, make=ready.file.keyed) if scope else None
    settings = Settings(
        rules=ready.rules,
        plan=ready.file.plan,
        around=Surroundings(key, about["subject"], about["language"]),
        options=Options(strict=about["strict"]),
        limits=LIMITS,
        reviewed=picked(found),
    )
    work = partial(_made, reviews, call, found, settings, number)
    return await asyncio.to_thread(work)


def picked(found: Reviewed) -> Picked:
    """What goes: everything that is not rejected."""
    going = [mark for mark in found.marks.values() if mark.state != "rejected"]
    picks = tuple(
        Pick(each.piece, each.start, each.end, each.category) for each in going if each.area is None
    )
    drawn = tuple(Drawn(*each.area, each.category) for each in going if each.area is not None)
    return Picked(picks, drawn, found.about["sha256"])


def _made(reviews: Reviews, call: Call, found: Reviewed, settings: Settings, number: int) -> Exported:
    tenant, row, about = call.tenant, found.row, found.about
    content = reviews.get(tenant, row.source)
    if hashlib.sha256(content).hexdigest() != about["sha256"]:
        raise NotFound
    done = redacted_apart(content, f"x.{about['ending']}", settings)
    said = {
        **record.statement(done, settings, product=PRODUCT, at=rfc3339(call.at_us)),
        "review": reviewed_statement(reviews, call, found),
    }
    envelope = json.dumps(record.sign(said, reviews.vault.signer(tenant)), indent=1).encode() + b"\n"
    reviews.put(tenant, output_name(row.id, number), done.content, bytes_max=OUTPUT_BYTES_MAX)
    reviews.put(tenant, record_name(row.id, number), envelope, bytes_max=OUTPUT_BYTES_MAX)
    families = Counter(f"redacted.{family_of(each.category).value}" for each in done.found)
    ending = about["ending"] if done.format == found.paper.format and about["ending"] else formats.by_name()[done.format].endings[0]  # fmt: skip
    name = filenames.UNNAMED if _tells(about["name"], found, settings.rules) else about["name"]
    return Exported(
        done.output, len(done.content), len(envelope), filenames.redacted(name, ending), found.version, call.actor.id, call.at_us,
        dict(sorted(families.items())),
    )  # fmt: skip


def _tells(name: str, found: Reviewed, rules: RuleSet) -> bool:
    """Whether what the file was called holds something that goes, or that is found in it: `jane-doe.pdf` would tell what its pages no longer do."""
    words = filenames.words(name)
    values = (found.paper.parts[mark.piece].text[mark.start : mark.end] for mark in found.marks.values() if mark.state != "rejected" and mark.area is None)  # fmt: skip
    plain = {filenames.words(value).casefold() for value in values}
    return any(len(value) >= VALUE_LETTERS_MIN and value in words.casefold() for value in plain) or bool(
        detect([words], rules)[0]
    )


def reviewed_statement(reviews: Reviews, call: Call, found: Reviewed) -> dict[str, Any]:
    """What people decided, for the record."""
    called = partial(reviews.vault.pseudonym, call.tenant)
    kept = [mark for mark in found.marks.values() if mark.state == "rejected"]
    states = Counter(mark.state for mark in found.marks.values())
    return {
        "id": found.row.id,
        "exported_by": called(call.actor.id),
        "decisions": found.version,
        "accepted": states["accepted"],
        "undecided_and_removed": states["proposed"],
        "kept": states["rejected"],
        "added_by_hand": sum(mark.id.startswith("m") for mark in found.marks.values()),
        "decided_by": sorted({called(mark.by) for mark in found.marks.values() if mark.by}),
        "kept_places": [_kept(found, mark, called(mark.by)) for mark in kept[:KEPT_LISTED_MAX]],
        "kept_places_left_out": max(len(kept) - KEPT_LISTED_MAX, 0),
    }


def _kept(found: Reviewed, mark: Mark, by: str) -> Mapping[str, Any]:
    place = f"page {mark.area[0]}" if mark.area else found.paper.parts[mark.piece].place
    return {"place": place, "category": mark.category, "by": by, "at": rfc3339(mark.at_us)}
