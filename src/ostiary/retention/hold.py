"""A legal hold, and the one predicate that every purge and every erasure asks. Pure.

Deny is the value you get by forgetting: a hold whose scope cannot be read covers everything.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a hold stands on: one subject, actions by name or prefix (`invoice.*`), what happened in a span of time, or all of the tenant."""

    SUBJECT = "subject"
    ACTION = "action"
    TIME = "time"
    TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class Hold:
    """An active hold. `subject` is the subject's pseudonym, `index` its blind index."""

    id: str
    scope: str
    subject: str = ""
    index: bytes = b""
    action: str = ""
    since_us: int = 0
    until_us: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """What somebody wants to let go: one record with whom it is about (pseudonyms), the action that made it, and when."""

    subjects: frozenset[str] = frozenset()
    action: str = ""
    at_us: int = 0


def covering(holds: Iterable[Hold], item: Item) -> Hold | None:
    """The first hold that stands on the item, if any."""
    return next((hold for hold in holds if covers(hold, item)), None)


def covers(hold: Hold, item: Item) -> bool:
    """Whether the hold stands on the item."""
    if hold.scope == Scope.SUBJECT:
        return hold.subject in item.subjects
    if hold.scope == Scope.ACTION:
        return fits(hold.action, item.action)
    if hold.scope == Scope.TIME:
        return hold.since_us <= item.at_us < hold.until_us
    return True


def fits(pattern: str, action: str) -> bool:
    """Whether an action's name is the pattern, or begins with it where it ends in `.*`."""
    return action.startswith(pattern[:-1]) if pattern.endswith(".*") else action == pattern
