"""How the model reads: a text cut into segments of tokens with exact code-point offsets, and what of a token it looks at.

Training and run time share this file, so that both see the same. A token is a run of letters, a run of digits, one ideograph, or one other character;
what stood before it (nothing, a space, a line break) is kept as its gap, so `get_user` and `O'Brien` differ from words with spaces between. Whatever
depends on the word alone is computed once a word (`Lexicon.features` is cached), because most tokens repeat.
"""

import re
import unicodedata
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

SEGMENT_TOKENS_MAX = 128
SENTENCE_TOKENS_MIN = 4
WORD_LETTERS_MAX = 40
CACHED_WORDS_MAX = 200_000

_TOKEN = re.compile(
    r"[^\W\d_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff](?:[^\W\d_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[\u0300-\u036f]){0,39}|\d{1,40}|\S"
)
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n\s*")
_ENDS = frozenset(".!?\u2026\u3002")

GAP_NONE, GAP_SPACE, GAP_LINE, GAP_START = range(4)
GAPS = 4
MIXED, LOWER, UPPER, TITLE = range(4)
"""How a segment is written, on the whole: a capital in a text without any says something else than one in a heading."""
CASINGS = 4

FIRST_NAME, SURNAME, PLACE, COUNTRY, COMMON, COMPANY, TITLE_WORD, DEMONYM = (1 << bit for bit in range(8))
"""What our word list says of a word; a word can be several things."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence or a few lines: words with their offsets (end exclusive, in code points of the text) and gaps; all lists are of one length."""

    words: list[str]
    starts: list[int]
    ends: list[int]
    gaps: list[int]

    def casing(self) -> int:
        """MIXED, LOWER, UPPER or TITLE."""
        letters = [word for word in self.words if word[0].isalpha()]
        capitals = sum(1 for word in letters if word[0].isupper())
        if not capitals:
            return LOWER
        long = [word for word in letters if len(word) > 3]
        if len(long) > 1 and sum(1 for word in long if word.isupper()) * 10 >= len(long) * 8:
            return UPPER
        if len(long) > 3 and sum(1 for word in long if word[0].isupper()) * 10 >= len(long) * 8:
            return TITLE
        return MIXED


def paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """The spans between blank lines."""
    start = 0
    for blank in _BLANK_LINE.finditer(text):
        if blank.start() > start:
            yield start, blank.start()
        start = blank.end()
    if start < len(text):
        yield start, len(text)


def segments(text: str) -> Iterator[Segment]:
    """The segments of one paragraph, in order. A segment ends with a sentence, or where it is full, then at a line's end if one is near."""
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    gaps: list[int] = []
    last_end, gap = 0, GAP_START
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        word = match[0]
        if words:
            gap = _gap(text, last_end, start)
            if gap and _closes(words, word, gap):
                yield Segment(words, starts, ends, gaps)
                words, starts, ends, gaps, gap = [], [], [], [], GAP_START
            elif len(words) >= SEGMENT_TOKENS_MAX:
                yield Segment(words, starts, ends, gaps)
                words, starts, ends, gaps = [], [], [], []
        words.append(word)
        starts.append(start)
        ends.append(end)
        gaps.append(gap)
        last_end = end
    if words:
        yield Segment(words, starts, ends, gaps)


def _gap(text: str, end: int, start: int) -> int:
    if start == end:
        return GAP_NONE
    if start == end + 1 and text[end] == " ":
        return GAP_SPACE
    return GAP_LINE if "\n" in text[end:start] else GAP_SPACE


def _closes(words: list[str], following: str, gap: int) -> bool:
    """Whether the words so far are a sentence of their own: `Mr.` and `St.` end none, a full stop after a lower-case word or a number does."""
    if gap == GAP_LINE and len(words) >= SEGMENT_TOKENS_MAX // 2:
        return True
    if words[-1] not in _ENDS or len(words) < SENTENCE_TOKENS_MIN or not following[0].isupper():
        return False
    before = words[-2]
    return before[0] in ")]\"'\u201d" or (len(before) > 2 and before[0].islower()) or before.isdigit()


def normal(word: str) -> str:
    """The word as the vocabulary knows it: without case, composed; numbers by their kind."""
    if word[0].isdecimal():
        return _number(word)
    return unicodedata.normalize("NFC", word).lower() if not word.isascii() else word.lower()


def _number(word: str) -> str:
    if len(word) == 4 and word[:2] in ("18", "19", "20"):
        return "<year>"
    if len(word) <= 2:
        value = int(word)
        return "<month>" if 0 < value < 13 else "<day>" if 12 < value < 32 else "<number>"
    return f"<{min(len(word), 17)}>"


def shape(word: str) -> str:
    """`Xxxx`, `XX`, `xXx`, `dd`: runs are cut at four."""
    kinds = []
    last, run = "", 0
    for char in word:
        kind = (
            "X"
            if char.isupper()
            else "x"
            if char.islower()
            else "d"
            if char.isdigit()
            else "o"
            if char.isalpha()
            else char
        )
        run = run + 1 if kind == last else 1
        last = kind
        if run <= 4:
            kinds.append(kind)
    return "".join(kinds)


SLOT_ROWS = (4096, 2048, 8192, 8192, 8192, 1024, 256, 32)
"""Rows of the embedding table by slot, after the vocabulary's: prefix 3, suffix 2, 3 and 4, prefix 4, shape, word list, length."""
SLOTS = 2 + len(SLOT_ROWS)
LISTED_SLOT = 7
VECTOR_SLOT = SLOTS - 1


@dataclass(frozen=True, slots=True)
class Vectored:
    """Which words share a word vector, as they are written. hashes: CRC-32 of the words, in order; rows: of the vector, from 1; 0 is for every other word.

    Of a word that is not known one in ten thousand is taken for another: half a million hashes in four thousand million.
    """

    hashes: "array[int]" = field(default_factory=lambda: array("I"))
    rows: "array[int]" = field(default_factory=lambda: array("H"))

    @property
    def count(self) -> int:
        """Rows, with that for unknown words."""
        return max(self.rows, default=0) + 1

    def row(self, word: str) -> int:
        """The word's, as it is written, small, or with a capital: whichever is known first."""
        for written in dict.fromkeys((word, word.lower(), word.title())):
            sought = zlib.crc32(written.encode("utf-8", "surrogatepass"))
            at = bisect_left(self.hashes, sought)
            if at < len(self.hashes) and self.hashes[at] == sought:
                return self.rows[at]
        return 0


@dataclass(slots=True)
class Lexicon:
    """The vocabulary (word -> row, 0 is for every other word), the word list (word -> bits) and the words that have vectors, with what was computed per word so far."""

    vocabulary: Mapping[str, int]
    listed: Mapping[str, int]
    vectored: Vectored = field(default_factory=Vectored)
    _known: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def vocabulary_rows(self) -> int:
        return len(self.vocabulary) + 1

    @property
    def own_rows(self) -> int:
        """Rows before those of the word vectors."""
        return self.vocabulary_rows + sum(SLOT_ROWS)

    @property
    def rows(self) -> int:
        return self.own_rows + self.vectored.count

    def features(self, word: str) -> tuple[int, ...]:
        """SLOTS rows of the embedding table."""
        known = self._known.get(word)
        if known is None:
            if len(self._known) >= CACHED_WORDS_MAX:
                self._known.clear()
            known = self._known[word] = self._features(word)
        return known

    def _features(self, word: str) -> tuple[int, ...]:
        norm = normal(word)
        offset = self.vocabulary_rows
        rows = [self.vocabulary.get(norm, 0)]
        parts = (norm[:3], norm[-2:], norm[-3:], norm[-4:], norm[:4], shape(word))
        for slot, (part, count) in enumerate(zip(parts, SLOT_ROWS, strict=False)):
            rows.append(offset + zlib.crc32(f"{slot}:{part}".encode("utf-8", "surrogatepass")) % count)
            offset += count
        rows.append(offset + self.listed.get(norm, 0))
        rows.append(offset + SLOT_ROWS[6] + min(len(word), SLOT_ROWS[7] - 1))
        rows.append(self.own_rows + (self.vectored.row(word) if word[0].isalpha() else 0))
        return tuple(rows)


def setting(segment: Segment) -> list[int]:
    """Of each token, what its word does not say: its gap and how the segment is written, as one number below GAPS * CASINGS."""
    casing = segment.casing() * GAPS
    return [casing + gap for gap in segment.gaps]
