"""Tokens back to values, in text that arrives in pieces: the same result for every way of cutting it.

Held back is only what may be the beginning of a token. A token is restored once, and what comes out is not looked at again: a value that holds a token gives that token. Refused, and
left as it stands, is a token that does not open (mangled, of another tenant or scope, its key destroyed), and one that was not given out: `given_out` is asked with the token in lower
case, so that a token which somebody else planted in the text is not turned into its value for them.

In JSON (`form="json"`) a value is written as the string around it needs, also in JSON within a string within JSON: the place is followed through quotation marks and their backslashes
(RFC 8259 section 7), so that what was valid JSON stays so and says exactly the value. A token outside of any string is left there.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from ostiary.redaction import tokens
from ostiary.redaction.keys import Scope
from ostiary.redaction.tokens import Restored

Form = Literal["text", "json"]
GivenOut = Callable[[str], bool]
DEPTH_MAX = 64
LEVELS_MAX = 8
"""JSON strings within each other that are followed; what is deeper is text."""

_P = "[0-9a-hjkmnp-tv-z]"
_LABEL = "[a-z][a-z0-9_]{0,63}"
_BEGINNING = re.compile(
    rf"(?:o(?:s(?:t(?:k(?:_(?:[a-z][a-z0-9_]{{0,68}}|{_LABEL}_[1-9][0-9]{{0,3}}_{_P}{{0,28000}}+(?:o{_P}{{0,28000}}+)?)?)?)?)?)?)\Z",
    re.IGNORECASE | re.ASCII,
)
"""The end of a text that may become a token."""
_BODY = re.compile(rf"(?:{_P}|o)+", re.IGNORECASE | re.ASCII)


@dataclass(slots=True)
class StreamRestorer:
    """`feed` takes pieces and gives what may leave; `close` gives the rest. `restored` and `refused` (by reason) count."""

    scope: Scope
    form: Form = "text"
    given_out: GivenOut | None = None
    restored: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    _held: list[str] = field(default_factory=list, repr=False)
    _held_length: int = 0
    _in_body: bool = False
    """What is held goes on being one token as long as only letters of a payload come."""
    _place: "_Place" = field(default_factory=lambda: _Place())

    def feed(self, piece: str) -> str:
        """What may leave now."""
        if (
            self._in_body
            and _BODY.fullmatch(piece)
            and self._held_length + len(piece) < tokens.TOKEN_CHARACTERS_MAX
        ):
            self._held.append(piece)
            self._held_length += len(piece)
            return ""
        text = "".join((*self._held, piece))
        found = _BEGINNING.search(text, self._last_token(text))
        edge = (
            found.start() if found and len(text) - found.start() < tokens.TOKEN_CHARACTERS_MAX else len(text)
        )
        self._held = [text[edge:]]
        self._held_length = len(text) - edge
        self._in_body = self._held_length > len(tokens.PREFIX) + 96
        return self._all_restored(text[:edge])

    def close(self) -> str:
        """The rest, and an end: nothing is held."""
        text, self._held, self._held_length, self._in_body = "".join(self._held), [], 0, False
        return self._all_restored(text)

    @staticmethod
    def _last_token(text: str) -> int:
        end = 0
        for match in tokens.TOKEN.finditer(text):
            end = match.end()
        return end

    def _all_restored(self, text: str) -> str:
        parts: list[str] = []
        position = 0
        for match in tokens.TOKEN.finditer(text):
            plain = text[position : match.start()]
            self._place.advance(plain if self.form == "json" else "")
            parts += (plain, self._one(match[0]))
            position = match.end()
        rest = text[position:]
        self._place.advance(rest if self.form == "json" else "")
        return "".join((*parts, rest))

    def _one(self, token: str) -> str:
        opened = tokens.restored(self.scope, token)
        reason = ""
        if not isinstance(opened, Restored):
            reason = opened.reason
        elif self.given_out is not None and not self.given_out(token.lower()):
            reason = "not_given_out"
        elif self.form == "json" and self._place.level == 0:
            reason = "no_string"
        if reason or not isinstance(opened, Restored):
            self.refused[reason] = self.refused.get(reason, 0) + 1
            self._place.advance(token if self.form == "json" else "")
            return token
        self.restored += 1
        value = opened.value
        if self.form == "json":
            self._place.advance("-")
            for _ in range(self._place.level):
                value = escaped(value)
        return value


def restored_text(text: str, scope: Scope, given_out: GivenOut | None = None, form: Form = "text") -> str:
    """The text with its tokens restored."""
    restorer = StreamRestorer(scope, form, given_out)
    return restorer.feed(text) + restorer.close()


def restored_json(value: object, scope: Scope, given_out: GivenOut | None = None, depth: int = 0) -> object:
    """A JSON value with the tokens in its strings and names restored; strings that hold JSON stay valid. What lies deeper than DEPTH_MAX stays as it is."""
    if depth > DEPTH_MAX:
        return value
    if isinstance(value, str):
        return restored_text(value, scope, given_out, "json" if is_json(value) else "text")
    if isinstance(value, dict):
        return {
            restored_text(str(name), scope, given_out): restored_json(member, scope, given_out, depth + 1)
            for name, member in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [restored_json(each, scope, given_out, depth + 1) for each in value]
    return value


def is_json(text: str) -> bool:
    """Whether a string holds a JSON object or list."""
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def escaped(value: str) -> str:
    """What stands between the quotation marks of a JSON string with this value."""
    sound = not any("\ud800" <= char <= "\udfff" for char in value)
    return json.dumps(value, ensure_ascii=not sound)[1:-1]


_RUN = re.compile(r"\\+|\"|\s+|[^\\\"\s]+")


@dataclass(slots=True)
class _Place:
    """Where in JSON we are: `level` strings deep. `nested[i]`: whether the string of level i+1 begins as an object or a list, so that quotes in it open strings of its own."""

    level: int = 0
    nested: list[bool] = field(default_factory=list)
    fresh: bool = False
    slashes: int = 0

    def advance(self, text: str) -> None:
        for run in _RUN.findall(text):
            if run[0] == "\\":
                self.slashes += len(run)
                continue
            if run == '"':
                self._quoted(self.slashes)
            elif self.fresh and not run.isspace():
                self.nested[-1] = run[0] in "{[" and not self.slashes
                self.fresh = False
            elif self.slashes:
                self.fresh = False
            self.slashes = 0

    def _quoted(self, slashes: int) -> None:
        """A quotation mark after so many backslashes belongs to the first level at which they are even."""
        owner = 1
        while slashes % 2:
            owner += 1
            slashes //= 2
        self.fresh = self.fresh and owner > self.level + 1
        if owner <= self.level:
            self.level = owner - 1
            del self.nested[self.level :]
            self.fresh = False
        elif owner == self.level + 1 <= LEVELS_MAX and (self.level == 0 or self.nested[-1]):
            self.level = owner
            self.nested.append(False)
            self.fresh = True
