"""The text of a contract file as a tree that remembers where everything stood.

YAML is read as YAML 1.2's core schema reads it: `no`, `on` and `2026-01-31` are text, only `true` and `false` are booleans. What means
different things to different readers (`0777`, `1:30` aside) is a mistake instead of a guess. Tags, merge keys and duplicate keys are
refused; size, depth, values and aliases are bounded, aliases by what they expand to.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from json import JSONDecodeError, JSONDecoder
from typing import Any

import yaml

from ostiary.actions import JsonValue

FILE_BYTES_MAX = 1_048_576
TEXT_CHARACTERS_MAX = 20_000
DEPTH_MAX = 40
VALUES_MAX = 100_000
ALIASES_MAX = 100
MISTAKES_MAX = 100
INTEGER_MAX = 2**63 - 1

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_DOUBTFUL = re.compile(
    r"[-+]?(0[0-9_]+|0x[0-9a-fA-F]+|0o[0-7]+|0b[01]+|\.[0-9]+|[0-9]+\.|\.inf|\.nan)", re.IGNORECASE
)
_CONSTANTS = {"true": True, "false": False, "null": None, "~": None, "": None}
_CASES = {"True", "TRUE", "False", "FALSE", "Null", "NULL"}
_SPACE = re.compile(r"[ \t\r\n]*")
_STRINGS = JSONDecoder()
_JSON_SCALAR = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?|true|false|null")


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the text; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Node:
    """One value. `keys` says where a mapping's keys stood."""

    value: "dict[str, Node] | list[Node] | str | int | float | bool | None"
    mark: Mark
    keys: Mapping[str, Mark] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to change: where it stands, its JSON Pointer (RFC 6901) and a sentence saying what to do. `advice` does not refuse the file."""

    mark: Mark
    pointer: str
    detail: str
    advice: bool = False


class SourceMistake(Exception):
    """The text cannot be read any further; `mistakes` says why."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("the text cannot be read")
        self.mistakes = mistakes


def read(text: str, filename: str = "") -> Node:
    """The tree of a YAML or JSON text. Raises SourceMistake with everything found."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise SourceMistake(
            [Mistake(Mark(1, 1), "", "this is not Unicode text: save the file as UTF-8")]
        ) from None
    if size > FILE_BYTES_MAX:
        detail = f"the file has {size} bytes; a contract file has at most {FILE_BYTES_MAX}"
        raise SourceMistake([Mistake(Mark(1, 1), "", detail)])
    if filename.endswith(".json"):
        return _JsonReader(text).read()
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        try:
            return _JsonReader(text).read()
        except SourceMistake as error:
            if not isinstance(error, _JsonSyntax):
                raise  # it is JSON, and has mistakes
    return _YamlReader(text).read()


def plain(node: Node) -> JsonValue:
    """The value without its places."""
    if isinstance(node.value, dict):
        return {key: plain(value) for key, value in node.value.items()}
    if isinstance(node.value, list):
        return [plain(value) for value in node.value]
    return node.value


def locate(node: Node, pointer: str) -> Mark:
    """Where the value at a JSON Pointer stands, or the nearest thing around it."""
    mark = node.mark
    for token in pointer.split("/")[1:]:
        step = token.replace("~1", "/").replace("~0", "~")
        if isinstance(node.value, dict) and step in node.value:
            mark = node.keys.get(step, node.mark)
            node = node.value[step]
        elif (
            isinstance(node.value, list)
            and step.isdecimal()
            and len(step) < 8
            and int(step) < len(node.value)
        ):
            node = node.value[int(step)]
            mark = node.mark
        else:
            break
    return mark


class _Reader:
    """What the two readers share: the mistakes so far and the bounds."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self.values = 0

    def mistake(self, mark: Mark, detail: str) -> None:
        self.mistakes.append(Mistake(mark, "", detail))
        if len(self.mistakes) >= MISTAKES_MAX:
            raise SourceMistake(self.mistakes)

    def stop(self, mark: Mark, detail: str) -> SourceMistake:
        return SourceMistake([*self.mistakes, Mistake(mark, "", detail)])

    def count(self, mark: Mark, values: int = 1) -> None:
        self.values += values
        if self.values > VALUES_MAX:
            raise self.stop(
                mark, f"the file has more than {VALUES_MAX} values: split it or leave out aliases"
            )

    def deeper(self, mark: Mark, depth: int) -> int:
        if depth >= DEPTH_MAX:
            raise self.stop(mark, f"this is nested more than {DEPTH_MAX} deep: make it flatter")
        return depth + 1

    def text(self, mark: Mark, text: str) -> str:
        if len(text) > TEXT_CHARACTERS_MAX:
            self.mistake(mark, f"this text has {len(text)} characters: at most {TEXT_CHARACTERS_MAX}")
            return text[:TEXT_CHARACTERS_MAX]
        return text

    def number(self, mark: Mark, text: str) -> int | float:
        if _INTEGER.fullmatch(text):
            if len(text) > 20 or abs(int(text)) > INTEGER_MAX:
                self.mistake(mark, "this number does not fit 64 bits: put it in quotes to make it text")
                return 0
            return int(text)
        number = float(text)
        if not math.isfinite(number):
            self.mistake(mark, "this number is too large: put it in quotes to make it text")
            return 0
        return number

    def done(self, node: Node) -> Node:
        if self.mistakes:
            raise SourceMistake(self.mistakes)
        return node


class _YamlReader(_Reader):
    """Builds the tree from the parser's events, so that nothing is made that the bounds have not counted."""

    def __init__(self, text: str) -> None:
        super().__init__()
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self.events: Iterator[Any] = yaml.parse(text, Loader=loader)
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.aliases = 0

    def read(self) -> Node:
        try:
            return self.done(self.document())
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            detail = f"this is not YAML: {error.problem or 'it cannot be read'}; check indentation and quotes around here"
            raise self.stop(_mark(mark) if mark else Mark(1, 1), detail) from None
        except yaml.reader.ReaderError as error:
            detail = f"the character at position {error.position} may not stand in YAML: {error.reason}"
            raise self.stop(Mark(1, 1), detail) from None

    def document(self) -> Node:
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                root = self.node(next(self.events), 0)
                next(self.events)  # the end of this document
                after = next(self.events)
                if isinstance(after, yaml.DocumentStartEvent):
                    raise self.stop(
                        _mark(after.start_mark), "a second document begins here: write one document a file"
                    )
                return root
        raise self.stop(Mark(1, 1), "the file is empty: begin with `version: 1` and `actions:`")

    def node(self, event: Any, depth: int) -> Node:
        mark = _mark(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, mark)
        before = self.values
        self.count(mark)
        if event.tag is not None and not (
            isinstance(event, yaml.ScalarEvent) and event.tag == "!" and event.style
        ):
            self.mistake(mark, f"tags are not taken here: leave out {event.tag}")
        if isinstance(event, yaml.ScalarEvent):
            node = Node(self.scalar(event, mark), mark)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self.sequence(mark, self.deeper(mark, depth))
        else:
            node = self.mapping(mark, self.deeper(mark, depth))
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, self.values - before)
        return node

    def alias(self, event: Any, mark: Mark) -> Node:
        self.aliases += 1
        if self.aliases > ALIASES_MAX:
            raise self.stop(
                mark, f"the file has more than {ALIASES_MAX} aliases (*name): write the values out"
            )
        if event.anchor not in self.anchors:
            self.mistake(mark, f"no finished value is named &{event.anchor}: name it before *{event.anchor}")
            return Node(None, mark)
        node, size = self.anchors[event.anchor]
        self.count(mark, size)
        return node

    def sequence(self, mark: Mark, depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.node(event, depth))
        return Node(items, mark)

    def mapping(self, mark: Mark, depth: int) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, depth)
            value = self.node(next(self.events), depth)
            if not isinstance(key.value, str):
                self.mistake(key.mark, "a key is text: put it in quotes")
            elif key.value == "<<":
                self.mistake(key.mark, "merge keys (<<) are not taken: write the keys out")
            elif key.value in values:
                self.mistake(
                    key.mark,
                    f"{shown(key.value)} stands here twice: keep one (the first is in line {keys[key.value].line})",
                )
            else:
                values[key.value], keys[key.value] = value, key.mark
        return Node(values, mark, keys)

    def scalar(self, event: Any, mark: Mark) -> str | int | float | bool | None:
        text: str = event.value
        if event.style is not None and event.style not in ("", ":"):
            return self.text(mark, text)
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if text in _CASES:
            self.mistake(mark, f"write {text.lower()} in lower case, or put it in quotes to make it text")
            return _CONSTANTS[text.lower()]
        if _FLOAT.fullmatch(text):
            return self.number(mark, text)
        if _DOUBTFUL.fullmatch(text):
            self.mistake(
                mark,
                f"{shown(text)} is a number to some readers and not to others: put it in quotes, or write it as a plain decimal",
            )
            return text
        return self.text(mark, text)


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)


class _JsonSyntax(SourceMistake):
    """It is not JSON at all; it may still be YAML."""


class _JsonReader(_Reader):
    """RFC 8259, with duplicate names refused (section 4 leaves their meaning open)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text.removeprefix("\ufeff")
        self.lines = [0, *(match.end() for match in re.finditer("\n", self.source))]

    def mark(self, position: int) -> Mark:
        line = bisect_right(self.lines, position)
        return Mark(line, position - self.lines[line - 1] + 1)

    def syntax(self, position: int, detail: str) -> _JsonSyntax:
        return _JsonSyntax([*self.mistakes, Mistake(self.mark(position), "", f"this is not JSON: {detail}")])

    def space(self, position: int) -> int:
        match = _SPACE.match(self.source, position)
        return match.end() if match else position

    def read(self) -> Node:
        node, end = self.node(self.space(0), 0)
        if self.space(end) != len(self.source):
            raise self.syntax(self.space(end), "nothing may follow the closing bracket")
        return self.done(node)

    def node(self, at: int, depth: int) -> tuple[Node, int]:
        mark = self.mark(at)
        self.count(mark)
        begin = self.source[at : at + 1]
        if begin == "{":
            return self.members(at, self.deeper(mark, depth))
        if begin == "[":
            return self.items(at, self.deeper(mark, depth))
        if begin == '"':
            text, end = self.string(at)
            return Node(self.text(mark, text), mark), end
        match = _JSON_SCALAR.match(self.source, at)
        if not match:
            raise self.syntax(at, "a value is expected here")
        word = match.group()
        return Node(_CONSTANTS[word] if word in _CONSTANTS else self.number(mark, word), mark), match.end()

    def string(self, at: int) -> tuple[str, int]:
        """The string whose opening quote stands at `at`, and where it ends."""
        try:
            text, end = _STRINGS.raw_decode(self.source, at)
            text.encode()
        except JSONDecodeError as error:
            raise self.syntax(error.pos, error.msg[:1].lower() + error.msg[1:]) from None
        except UnicodeEncodeError:
            raise self.syntax(at, "half a surrogate pair is no character") from None
        return text, end

    def members(self, at: int, depth: int) -> tuple[Node, int]:
        values: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        position = self.space(at + 1)
        while self.source[position : position + 1] != "}":
            if self.source[position : position + 1] != '"':
                raise self.syntax(position, 'a name in "quotes" is expected here')
            key, end = self.string(position)
            colon = self.space(end)
            if self.source[colon : colon + 1] != ":":
                raise self.syntax(colon, "a colon is expected here")
            value, end = self.node(self.space(colon + 1), depth)
            if key in values:
                self.mistake(self.mark(position), f"{shown(key)} stands here twice: keep one")
            values[key], keys[key] = value, self.mark(position)
            position = self.next(end, "}")
        return Node(values, self.mark(at), keys), position + 1

    def items(self, at: int, depth: int) -> tuple[Node, int]:
        items: list[Node] = []
        position = self.space(at + 1)
        while self.source[position : position + 1] != "]":
            item, end = self.node(position, depth)
            items.append(item)
            position = self.next(end, "]")
        return Node(items, self.mark(at)), position + 1

    def next(self, end: int, closing: str) -> int:
        """Where the next member begins, or where the closing bracket stands."""
        position = self.space(end)
        if self.source[position : position + 1] == closing:
            return position
        if self.source[position : position + 1] != ",":
            raise self.syntax(position, f"a comma or {closing} is expected here")
        position = self.space(position + 1)
        if self.source[position : position + 1] == closing:
            raise self.syntax(position, "leave out the comma before the closing bracket")
        return position


def shown(text: str) -> str:
    """Text of the author's, short and without control characters, for a sentence."""
    safe = "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" for character in text[:60]
    )
    return f"`{safe}`" + ("..." if len(text) > 60 else "")
