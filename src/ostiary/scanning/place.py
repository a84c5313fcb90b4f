"""A place that can be scanned: a folder, a bucket, the columns of a database. It lists what it holds in key order and gives one item's content, bounded.

What cannot or must not be read is listed too, with the state that says why: nothing is skipped in silence.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Protocol

DEPTH_MAX = 100
"""Of folders within each other."""
LOOKED = "looked"
IN_PART = "in_part"
UNREADABLE = "unreadable"
STATES = {
    LOOKED: "Looked at.",
    IN_PART: "Looked at in part: its beginning, up to the bound, or without parts that are not read.",
    UNREADABLE: "It could not be read: permissions, or it was gone.",
    "unsupported": "Its format is not known, or holds no text.",
    "archive": "An archive that is not opened.",
    "database": "A database file: scan it by its own name.",
    "encrypted": "Encrypted: it cannot be read without its key.",
    "malformed": "Damaged, or not what it says it is.",
    "too_large": "Larger than is looked at.",
    "too_deep": "Folders deeper within each other than is followed.",
    "too_many": "More entries in one folder than are listed.",
    "too_costly": "It took more time, memory or steps than it may.",
    "library_missing": "A library that its format needs is not installed.",
    "link": "A link that leads elsewhere: not followed.",
    "special": "No file: a device, a pipe, a socket, or a file system of the kernel.",
    "unwanted": "Left out as asked.",
    "older": "Not changed since the day that was asked for.",
}
"""Every state that an item can be in, with what it says."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be looked at: a file, an object, a column.

    key: its path relative to the place, the object's key, or "schema.table.column". size: bytes, 0 unknown. version: changes when the content may have; "" unknown,
    so it is always looked at. changed_us: when it last changed, where that is known. state: why it is not to be read, "" where it is.
    """

    key: str
    size: int
    version: str
    changed_us: int = 0
    state: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """A column: distinct values of a bounded sample, never of a whole table. rows_estimate: how many rows the table has, as its catalogue guesses."""

    name: str
    type: str
    values: tuple[str, ...] = field(repr=False)
    rows_estimate: int


class Unreadable(Exception):
    """This item cannot be read; `state` is one of STATES. It holds no path and no content."""

    def __init__(self, state: str = UNREADABLE, code: str = "") -> None:
        super().__init__(state)
        self.state, self.code = state, code


class PlaceUnreadable(Exception):
    """The place itself cannot be read or listed any further; the message is for people, and holds no secret."""


class Place(Protocol):
    """Something to scan. Both methods may be called from several threads at once."""

    @property
    def kind(self) -> str:
        """ "folder", "bucket" or "database"."""
        ...

    def items(self, after: str) -> Iterator[Item]:
        """In key order (code points), those greater than `after`: so a scan goes on where it stopped. Raises PlaceUnreadable."""
        ...

    def read(self, item: Item, bytes_max: int, start: int = 0) -> bytes | Sample:
        """Up to `bytes_max` bytes of the content, from byte `start` on; a column's sample. Raises Unreadable."""
        ...


def passed(folder: str, after: str) -> bool:
    """Whether every key below this folder, given with its slash, is at or before `after`."""
    return folder < after and not after.startswith(folder)


def below(
    listed: Callable[[str], Iterable[tuple[str, Item | None]]], folder: str, after: str, depth: int = 0
) -> Iterator[Item]:
    """What is in a folder, given with its slash, and in its folders. listed: a folder's keys in order, with the item of each; None: a folder, whose key ends with a slash."""
    for key, item in listed(folder):
        if item is not None:
            if key > after:
                yield item
        elif passed(key, after):
            continue
        elif depth >= DEPTH_MAX:
            yield Item(key.rstrip("/"), 0, "", state="too_deep")
        else:
            yield from below(listed, key, after, depth + 1)


def excluded(key: str, patterns: tuple[str, ...]) -> bool:
    """Whether a pattern names this key, its last part, or a folder above it. `*` matches anything, `/` too."""
    if not patterns:
        return False
    parts = key.split("/")
    above = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return any(fnmatchcase(each, pattern.rstrip("/")) for pattern in patterns for each in (*above, *parts))
