"""Looking for values wherever they stand again: in other letter case, accents, spaces and dashes, or joined to one word, in time linear in the text.

Two ways, together. Words: the words of the text, joined from each word on, are compared with the joined values, so `4111-1111` meets `4111 1111` and `Ada Marsh` meets `ada.marsh`. Within:
a value of WITHIN_MIN letters and more is also found in the middle of a longer word. Shorter values than LETTERS_MIN or DIGITS_MIN are not looked for: they stand everywhere.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LETTERS_MIN = 4
DIGITS_MIN = 5
WITHIN_MIN = 8
JOINED_WORDS_MAX = 48
_KEY = 3
_WORD = re.compile(r"[^\W_]+")
_NO_SPACES = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")
"""Scripts that write without spaces between words."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a value stands: code points start to end (exclusive) of the text, and the value's joined form."""

    start: int
    end: int
    joined: str


def plain(word: str) -> str:
    """In one letter case, without accents, in the plain form of each letter."""
    if word.isascii():
        return word.lower()
    apart = unicodedata.normalize("NFKD", word).casefold()
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def joined(text: str) -> str:
    """The letters and digits of a text as one word."""
    return "".join(plain(word) for word in _WORD.findall(text))


def is_telling(form: str) -> bool:
    """Whether a joined value can be looked for at all."""
    if form.isdigit():
        return len(form) >= DIGITS_MIN
    return len(form) >= (2 if _NO_SPACES.search(form) else LETTERS_MIN)


class Sought:
    """Values to look for, by their joined form. Immutable."""

    def __init__(self, values: Iterable[str]) -> None:
        self.forms = frozenset(form for form in map(joined, values) if is_telling(form))
        self._longest = max(map(len, self.forms), default=0)
        self._keys = frozenset(form[:_KEY] for form in self.forms)
        self._short = any(len(form) < _KEY for form in self.forms)
        self._within: dict[str, list[str]] = {}
        self._widths = sorted({self._width(form) for form in self.forms} - {0})
        for form in self.forms:
            if width := self._width(form):
                self._within.setdefault(form[:width], []).append(form)

    @staticmethod
    def _width(form: str) -> int:
        if len(form) >= WITHIN_MIN:
            return WITHIN_MIN
        return 2 if _NO_SPACES.search(form) else 0

    def find(self, text: str) -> list[Hit]:
        """Every place, in order; they may overlap."""
        if not self.forms:
            return []
        words = [(found.start(), found.end(), plain(found[0])) for found in _WORD.finditer(text)]
        hits = {*self._by_words(words), *self._inside(words)}
        return sorted(hits, key=lambda hit: (hit.start, -hit.end))

    def _by_words(self, words: list[tuple[int, int, str]]) -> Iterator[Hit]:
        for first, (start, _, word) in enumerate(words):
            if len(word) >= _KEY and word[:_KEY] not in self._keys and not self._short:
                continue
            form = ""
            for _, end, more in words[first : first + JOINED_WORDS_MAX]:
                form += more
                if len(form) > self._longest or (
                    len(form) >= _KEY and form[:_KEY] not in self._keys and not self._short
                ):
                    break
                if form in self.forms:
                    yield Hit(start, end, form)

    def _inside(self, words: list[tuple[int, int, str]]) -> Iterator[Hit]:
        if not self._widths:
            return
        whole = "".join(word for _, _, word in words)
        places = _Places(words)
        for width in self._widths:
            keys = self._within
            for at in range(len(whole) - width + 1):
                for form in keys.get(whole[at : at + width], ()):
                    if self._width(form) == width and whole.startswith(form, at):
                        yield Hit(places.start(at), places.end(at + len(form)), form)


class _Places:
    """From offsets of the joined words to offsets of the text."""

    def __init__(self, words: list[tuple[int, int, str]]) -> None:
        self._words = words
        self._ends: list[int] = []
        total = 0
        for _, _, word in words:
            total += len(word)
            self._ends.append(total)

    def start(self, at: int) -> int:
        return self._placed(at, after=False)

    def end(self, at: int) -> int:
        return self._placed(at - 1, after=True)

    def _placed(self, at: int, *, after: bool) -> int:
        number = bisect_right(self._ends, at)
        start, end, word = self._words[number]
        within = at - (self._ends[number] - len(word))
        if len(word) != end - start:  # letters fell apart: the whole word is meant
            return end if after else start
        return start + within + after
