"""Redacting by a plan and turning tokens back: pure, for worker threads. What comes out says what was done, by category and place, and holds no value."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ostiary.actions import JsonValue
from ostiary.detection.engine import detect, find
from ostiary.detection.finding import Finding
from ostiary.detection.rules import RuleSet
from ostiary.errors import RedactionUnfit
from ostiary.redaction.apply import Change, redacted
from ostiary.redaction.keys import Scope
from ostiary.redaction.operators import Surroundings, Unfit
from ostiary.redaction.plan import Plan
from ostiary.redaction.restore import StreamRestorer, is_json
from ostiary.redaction.structured import DEPTH_MAX, Structured

NONE: Mapping[str, Sequence[Finding]] = MappingProxyType({})
KEPT = frozenset({"keep", "kept"})
"""Operators that leave a value as it is."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """`value`: the text or the JSON value; `counts`: what was replaced, by category; `changes`: where, in a text."""

    value: JsonValue
    counts: dict[str, int]
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Restoration:
    """`refused`: how many tokens stayed, by reason."""

    value: JsonValue
    restored: int
    refused: dict[str, int]


def look(value: JsonValue, rules: RuleSet, *, text: bool) -> dict[str, list[Finding]]:
    """What is found in a text, or in the texts of a JSON value, by text: for who asks about them again, with what was found hidden."""
    found: dict[str, list[Finding]] = {}

    def note(part: str, hint: str) -> Sequence[Finding]:
        found[part] = [*found.get(part, ()), *_find_in(part, hint, rules)]
        return ()

    if text:
        note(value, "")
    else:
        Structured(note, Plan()).json(value)
    return found


def redact_text(
    text: str, plan: Plan, rules: RuleSet, around: Surroundings, more: Mapping[str, Sequence[Finding]] = NONE
) -> Redaction:
    """The text without what the rule set finds, and without `more`: findings of another tier, by text. Raises RedactionUnfit."""
    try:
        done = redacted(text, [*detect([text], rules)[0], *more.get(text, ())], plan, around)
    except Unfit as error:
        raise RedactionUnfit(str(error)) from None
    counts = Counter(change.category for change in done.changes if change.operator not in KEPT)
    return Redaction(done.text, dict(sorted(counts.items())), done.changes)


def redact_json(
    value: JsonValue, plan: Plan, rules: RuleSet, around: Surroundings, more: Mapping[str, Sequence[Finding]] = NONE
) -> Redaction:  # fmt: skip
    """The same of every name, string and number of a JSON value, with the names of the fields as context. Raises RedactionUnfit."""

    def find_in(text: str, hint: str) -> Sequence[Finding]:
        return [*_find_in(text, hint, rules), *more.get(text, ())]

    walk = Structured(find_in, plan, around)
    try:
        done = walk.json(value)
    except Unfit as error:
        raise RedactionUnfit(str(error)) from None
    return Redaction(done, dict(sorted(walk.counts.items())))


def _find_in(text: str, hint: str, rules: RuleSet) -> list[Finding]:
    found = detect([text], rules)[0]
    return [*found, *find(text, hint, rules)] if hint else found


def restore(value: JsonValue, scope: Scope) -> Restoration:
    """The tokens of the scope in a text, or in the strings and names of a JSON value, turned back. What does not open stays as it stands."""
    walk = _Walk(scope, {})
    done = walk.value(value, 0)
    refused = {reason: count for reason, count in sorted(walk.counts.items()) if reason}
    return Restoration(done, walk.counts.get("", 0), refused)


@dataclass(frozen=True, slots=True)
class _Walk:
    """`counts`: the restored ones under "", the others under why not."""

    scope: Scope
    counts: dict[str, int]

    def value(self, value: JsonValue, depth: int) -> JsonValue:
        if isinstance(value, str):
            return self.text(value)
        if depth > DEPTH_MAX:
            return value
        if isinstance(value, dict):
            return {self.text(name): self.value(member, depth + 1) for name, member in value.items()}
        if isinstance(value, list):
            return [self.value(each, depth + 1) for each in value]
        return value

    def text(self, text: str) -> str:
        restorer = StreamRestorer(self.scope, "json" if is_json(text) else "text")
        done = restorer.feed(text) + restorer.close()
        for reason, count in (("", restorer.restored), *restorer.refused.items()):
            if count:
                self.counts[reason] = self.counts.get(reason, 0) + count
        return done
