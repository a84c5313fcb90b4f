"""JSON (RFC 8259) and lines of it: a piece a string, a number or a name, named by its key. What does not change stays as it was written, spaces included."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ostiary.documents import slots
from ostiary.documents.document import Change, Document, Kind, Limits, Options
from ostiary.documents.encoding import decoded
from ostiary.errors import DocumentMalformed, DocumentTooDeep

_TOKEN = re.compile(
    r'[ \t\r\n\ufeff]*(?:("(?:[^"\\\x00-\x1f]|\\.)*")|(-?\d[\d.eE+\-]*)|(true|false|null)|([\[\]{},:]))',
    re.DOTALL,
)
_BLANK = re.compile(r"[ \t\r\n]*\Z")


@dataclass(frozen=True, slots=True)
class Value:
    """A string, number or name. `written`: as it stands in the text, from start to end; `owner`: the object whose name it is, 0 for none."""

    path: str
    key: str
    text: str
    written: str
    start: int
    end: int
    owner: int = 0


@dataclass(slots=True)
class _Level:
    """One open object or list."""

    path: str
    is_object: bool
    number: int
    key: str = ""
    index: int = 0
    name_next: bool = field(default=False)

    def here(self) -> str:
        return f"{self.path}.{self.key}" if self.is_object else f"{self.path}[{self.index}]"


@dataclass(frozen=True, slots=True)
class Json:
    """lines: each line is a value of its own."""

    name: str
    endings: tuple[str, ...]
    lines: bool = False

    def recognises(self, content: bytes) -> bool:
        return False

    def read(self, content: bytes, limits: Limits) -> Document:
        values = self._values(decoded(content).text, limits)
        return slots.document(self.name, [_group(value, {}) for value in values], (), limits)

    def write(self, content: bytes, changes: Sequence[Change], options: Options, limits: Limits) -> bytes:
        source = decoded(content)
        held: dict[int, str] = {}
        values = self._values(source.text, limits)
        slots.apply([_group(value, held) for value in values], changes)
        names: dict[int, set[str]] = {}
        edits: list[Change] = []
        for value in values:
            if value.owner and value.start not in held:
                names.setdefault(value.owner, set()).add(value.text)
        for value in values:
            if value.start in held:
                new = (
                    _free(names.setdefault(value.owner, set()), held[value.start])
                    if value.owner
                    else held[value.start]
                )
                edits.append(Change(0, value.start, value.end, _written(new, value)))
        return source.encoded(slots.spliced(source.text, edits))

    def _values(self, text: str, limits: Limits) -> list[Value]:
        try:
            for each in text.splitlines() if self.lines else [text]:
                if not self.lines or each.strip():
                    json.loads(each.lstrip("\ufeff"))
        except RecursionError:
            raise DocumentTooDeep from None
        except ValueError:
            raise DocumentMalformed("This is not JSON.") from None
        return list(values(text, limits.depth_max))


def values(text: str, depth_max: int) -> Iterator[Value]:
    """Every string, number and name of a text that is JSON."""
    levels = [_Level("$", False, 0)]
    position = opened = 0
    while (found := _TOKEN.match(text, position)) is not None and not _BLANK.match(text, position):
        position = found.end()
        level = levels[-1]
        string, number, mark = found[1], found[2], found[4]
        if string is not None and level.is_object and level.name_next:
            level.key, level.name_next = json.loads(string), False
            yield Value(level.here(), "", level.key, string, found.start(1), found.end(1), level.number)
        elif string is not None or number is not None:
            written = string if string is not None else number
            start = found.start(1) if string is not None else found.start(2)
            plain = json.loads(string) if string is not None else number
            path = level.here() if len(levels) > 1 else "$"
            key = next((each.key for each in reversed(levels) if each.is_object), "")
            yield Value(path, key, plain, written, start, position)
        elif mark is not None and mark in "{[":
            opened += 1
            if len(levels) > depth_max:
                raise DocumentTooDeep
            path = level.here() if len(levels) > 1 else "$"
            levels.append(_Level(path, mark == "{", opened, name_next=mark == "{"))
        elif mark is not None and mark in "}]":
            levels.pop()
        elif mark == ",":
            level.index, level.name_next = level.index + 1, level.is_object


def _group(value: Value, held: dict[int, str]) -> slots.Group:
    def put(changed: str) -> None:
        held[value.start] = changed

    is_number = not value.written.startswith('"')
    kind = Kind.VISIBLE
    return slots.Group(
        value.path,
        [slots.Slot(value.text, put)],
        kind,
        hint=value.key,
        prose=not is_number and not value.owner,
    )


def _written(new: str, value: Value) -> str:
    if not value.written.startswith('"') and re.fullmatch(r"-?[1-9][0-9]{0,18}", new):
        return new
    return json.dumps(new, ensure_ascii=value.written.isascii())


def _free(taken: set[str], name: str) -> str:
    """The name, numbered where two redacted names fell together: nothing is lost."""
    number, free = 2, name
    while free in taken:
        free, number = f"{name} {number}", number + 1
    taken.add(free)
    return free


JSON = Json("json", ("json", "geojson", "ipynb", "har"))
JSONL = Json("jsonl", ("jsonl", "ndjson"), lines=True)
