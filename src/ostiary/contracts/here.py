"""A value of a contract file together with where it stands, and the questions that a check asks of it."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from ostiary.contracts.schema import nearest
from ostiary.contracts.source import Mark, Mistake, Node, locate, shown
from ostiary.errors import Fault
from ostiary.shapes import pointer

ITEMS_MAX = 50
_YAML_1_1 = frozenset({"yes", "no", "on", "off", "y", "n"})

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Here:
    """A value, where it stands and how to complain about it."""

    found: list[Mistake]
    node: Node
    steps: tuple[str | int, ...]
    key_mark: Mark | None = None

    def say(self, detail: str, *, advice: bool = False) -> None:
        self.found.append(Mistake(self.node.mark, pointer(*self.steps), detail, advice))

    def say_at(self, fault: Fault, *, advice: bool = False) -> None:
        """A fault by pointer into this value."""
        mark = locate(self.node, fault.pointer)
        self.found.append(Mistake(mark, pointer(*self.steps) + fault.pointer, fault.detail, advice))

    def child(self, key: str) -> "Here | None":
        if not isinstance(self.node.value, dict) or key not in self.node.value:
            return None
        return Here(self.found, self.node.value[key], (*self.steps, key), self.node.keys[key])

    def items(self) -> "list[Here]":
        nodes = self.node.value if isinstance(self.node.value, list) else []
        return [Here(self.found, node, (*self.steps, index)) for index, node in enumerate(nodes)]

    def mapping(self, what: str, keys: Iterable[str]) -> bool:
        """Whether this is a mapping; keys that are not among `keys` are mistakes."""
        if not isinstance(self.node.value, dict):
            self.say(f"{what} is a mapping with the keys {', '.join(keys)}")
            return False
        for key in self.node.value:
            if key not in keys:
                mistake = f"{shown(key)} is no key of {what}{nearest(key, keys)}"
                self.found.append(Mistake(self.node.keys[key], pointer(*self.steps, key), mistake))
        return True

    def text(self, characters_max: int, *, lines: bool = False) -> str | None:
        """This value as text that shows everything it holds. None, after a mistake, if it is not."""
        value = self.node.value
        if not isinstance(value, str):
            self.say(f"text is expected here, not {kind_of(value)}: put it in quotes")
            return None
        if not value.strip():
            self.say("this is empty: write it, or leave the key out")
            return None
        if len(value) > characters_max:
            self.say(f"this has {len(value)} characters: at most {characters_max}")
            return None
        if hidden := hidden_in(value, lines=lines):
            self.say(f"this holds {hidden}, which a reader does not see: take it out")
            return None
        return value

    def one_of(self, kind: type[E]) -> E | None:
        allowed = [member.value for member in kind]
        value = self.node.value
        if not isinstance(value, str) or value not in allowed:
            self.say(
                f"write one of {', '.join(allowed)}{nearest(value, allowed) if isinstance(value, str) else ''}"
            )
            return None
        return kind(value)

    def flag(self) -> bool | None:
        value = self.node.value
        if isinstance(value, bool):
            return value
        hint = (
            " (yes and no are text here: this file is read as YAML 1.2)"
            if str(value).lower() in _YAML_1_1
            else ""
        )
        self.say(f"write true or false{hint}")
        return None

    def texts(self, what: str) -> "list[tuple[Here, str]]":
        """A list of short texts, or one alone."""
        value = self.node.value
        here = [self] if isinstance(value, str) else self.items()
        if not isinstance(value, str | list):
            self.say(f"write {what}, or a list of them")
        if len(here) > ITEMS_MAX:
            self.say(f"at most {ITEMS_MAX} items")
            return []
        made = [(item, item.text(200)) for item in here]
        return [(item, text) for item, text in made if text is not None]


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    kinds = {bool: "true or false", int: "a number", float: "a number", dict: "a mapping", list: "a list"}
    return kinds.get(type(value), "nothing")


def hidden_in(text: str, *, lines: bool) -> str:
    """The first character that does not show, by name: control, zero-width, bidirectional, private, unassigned."""
    for character in text:
        if lines and character in "\n\t":
            continue
        if (
            unicodedata.category(character) in {"Cc", "Cf", "Co", "Cn", "Zl", "Zp"}
            or character in "\u3164\u115f\u1160\uffa0\u2800"
        ):
            return f"U+{ord(character):04X} {unicodedata.name(character, 'control character')}"
    return ""
