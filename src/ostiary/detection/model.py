"""The model tier: names, organisations, places, addresses, dates and such, found by our own small network in the text as it was written.

A text is cut into paragraphs; a paragraph that was seen before is not read again, and a sentence that could hold nothing (no capital but its first, no
digit, no word of the list) is not asked about, unless the whole text is written without capitals. The rest is read in batches. Without weights in the
package the tier is simply not there: `available` says so. NumPy and the weights are loaded at the first use, so importing this costs nothing.
"""

import hashlib
import importlib
import os
import re
import sys
import threading
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from types import ModuleType
from typing import TYPE_CHECKING

from ostiary.detection import model_tokens as tokens
from ostiary.detection.dates import CALENDAR_WORDS, MONTHS_THAT_ARE_WORDS
from ostiary.detection.finding import Finding
from ostiary.detection.model_labels import LABELS, OTHER
from ostiary.detection.neighbours import are_one, titles
from ostiary.detection.rules import RuleSet

if TYPE_CHECKING:
    from ostiary.detection.model_network import Network, Span

WEIGHTS_FILE = "model.npz"
CARD_FILE = "card.json"
CATEGORIES = frozenset(LABELS) - {OTHER}
WHY = "model"
WHY_ECHO = "model, named elsewhere in the text"

SCORE_MIN = 0.5
SURE_MIN = 0.85
"""Of a person, so that the words of the name are looked for in the rest of the text."""
SMALL_NAME_MIN = 0.85
"""Of a person whose name is written small: in code, in logs and in languages that the model knows less well many a word looks like a name."""
NUMBER_MIN = 0.9
"""Of what has no letter: numbers are known by their digits, which patterns check, and what a sentence says of them must be plain."""
ECHO_SCORE = 0.6
BATCH_TOKENS = 4096
CACHED_PARAGRAPHS_MAX = 50_000
CACHED_FINDINGS_MAX = 200_000
_THREADS = "OPENBLAS_NUM_THREADS"
_NAME_WORD = re.compile(r"\b[^\W\d_]{3,40}\b")
_TIME_IN_DIGITS = re.compile(
    r"(?<![\d.,])(?:1[0-9]|20|21)\d\d(?![\d,]|\.\d)|\d[./\- ]\d{1,2}[./\- ]\d|\d\d?:\d\d|['\u2019]\d\d|\d0s\b|\d ?(?i:[ap]\.? ?m\b)|\d{1,2}/\d{1,4}\b|\d{5}"
)
"""What digits of a date look like: a year, three numbers, a time, a decade, a month of a year. `4-0`, `3.09` and `23 KOs` tell no day."""
_VARIABLE = re.compile(r"[a-z][a-z0-9]*(?:[A-Z][a-z0-9]*)+")
"""`isAria`, and no `d'Arc`."""
_LAW = re.compile(
    r"(?:[A-Z][\w'\u2019()]*,? |and |of |the )*(?:Act|Law|Code|Order|Ordinance|Regulations?|Rules|Bill|Directive)(?: \([^)]*\))?,? \d{4}$"
)
"""`Theft Act 1968` is the name of a law."""
_CALENDAR_WORD = re.compile(r"[^\W\d_]{2,}")
_WORD = re.compile(r"[^\W\d_]+")
_IN_BRACKETS = re.compile(r" ?\([\"\u201c'\u2018]?([A-Z][A-Za-z]{1,9})[\"\u201d'\u2019]?\)")
_ECHOED = frozenset({"person", "organisation", "location"})
_PART_OF_A_PATH = frozenset("._/\\$@#=")
"""What stands before a word that is a piece of an address, a file or an attribute."""
_TELLING = tokens.FIRST_NAME | tokens.SURNAME | tokens.PLACE | tokens.COUNTRY | tokens.DEMONYM

_MARKS = frozenset(" \t\r\n\"'\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb,;:!?")
_PAIRS = ("()", "[]", "{}", "<>")

_One = tuple[int, int, str, float]
"""Start, end, label and score, counted from the start of the paragraph."""
_Found = tuple[_One, ...]
"""Findings of one paragraph."""


@cache
def available() -> bool:
    """Whether this package holds weights."""
    return resources.files("ostiary.detection").joinpath("weights", WEIGHTS_FILE).is_file()


def find_all(texts: Sequence[str]) -> list[list[Finding]]:
    """What the model finds in each text, in order, not overlapping, in code points of the text as given. Nothing where there are no weights.

    Raises ValueError where the weights are of another format: a package that is broken must not pass for one that finds nothing.
    """
    return tier().find_all(texts) if available() else [[] for _ in texts]


def by_model(texts: Sequence[str], rules: RuleSet) -> list[list[Finding]]:
    """The tier as the engine asks it: of what `find_all` finds, what the rule set wants and at the scores that it needs."""
    needs = {category: rules.needs(category) for category in CATEGORIES if rules.wants(category)}
    if not needs or not available():
        return [[] for _ in texts]
    return [
        [each for each in found if each.score >= needs.get(each.category, 2.0)] for found in find_all(texts)
    ]


@cache
def tier() -> "Tier":
    """The process's own, with its cache. Needs weights."""
    module = _network()
    content = resources.files("ostiary.detection").joinpath("weights", WEIGHTS_FILE).read_bytes()
    return Tier(module.unpacked(content))


def _network() -> ModuleType:
    """NumPy, only where the model is asked. Its matrices are small: threads of OpenBLAS that wait for each other would cost a third of the processor's time, so it gets one,
    unless the operator says otherwise or NumPy is there already."""
    told = _THREADS in os.environ or "numpy" in sys.modules
    if not told:
        os.environ[_THREADS] = "1"
    try:
        return importlib.import_module("ostiary.detection.model_network")
    finally:
        if not told:
            del os.environ[_THREADS]


os.register_at_fork(
    after_in_child=tier.cache_clear
)  # a child must not wait for a lock that a thread of its parent held


@dataclass(slots=True)
class Tier:
    """A network with what it has read so far, by a hash of the paragraph. Threads wait for one another."""

    network: "Network"
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _seen: dict[bytes, _Found] = field(default_factory=dict)
    _findings: int = 0

    def find_all(self, texts: Sequence[str]) -> list[list[Finding]]:
        """See `find_all`."""
        with self._lock:
            return self._find_all(texts)

    def _find_all(self, texts: Sequence[str]) -> list[list[Finding]]:
        places: list[list[tuple[int, bytes]]] = []
        fresh: dict[bytes, tuple[str, bool]] = {}
        known: dict[bytes, _Found] = {}
        for text in texts:
            capitals = not text.islower()
            keyed = []
            for start, end in tokens.paragraphs(text):
                paragraph = text[start:end]
                key = _key(paragraph, capitals=capitals)
                if key not in known and key not in fresh:
                    if (seen := self._seen.get(key)) is None:
                        fresh[key] = (paragraph, capitals)
                    else:
                        known[key] = seen
                keyed.append((start, key))
            places.append(keyed)
        known |= self._read(fresh)
        found = [
            [
                Finding(at + start, at + end, label, "", score, WHY)
                for at, key in keyed
                for start, end, label, score in known[key]
            ]
            for keyed in places
        ]
        return [self._with_echoes(text, each) for text, each in zip(texts, found, strict=True)]

    def _with_echoes(self, text: str, found: list[Finding]) -> list[Finding]:
        """And where a word of a person's full name stands again alone, or an organisation or a place again: who is named once in a text is known in all of it.

        A word written small is looked for only where the whole text has no capitals.
        """
        told = self._told(text, found)
        if not told:
            return found
        starts = [each.start for each in found]
        echoes: list[Finding] = []
        for match in _NAME_WORD.finditer(text):
            start = match.start()
            if match[0] not in told or (start and text[start - 1] in _PART_OF_A_PATH):
                continue
            for value, category in told[match[0]]:
                end = start + len(value)
                if text.startswith(value, start) and not text[end : end + 1].isalnum():
                    after = bisect_right(starts, start)
                    taken = (
                        (after and found[after - 1].end > start)
                        or (after < len(found) and starts[after] < end)
                        or (echoes and echoes[-1].end > start)
                    )
                    if not taken:
                        echoes.append(Finding(start, end, category, "", ECHO_SCORE, WHY_ECHO))
                    break
        return sorted([*found, *echoes], key=lambda each: each.start) if echoes else found

    def _told(self, text: str, found: list[Finding]) -> dict[str, list[tuple[str, str]]]:
        """What is looked for again, (value, category), by its first word; the longer before the shorter."""
        small = text.islower()
        told: dict[tuple[str, str], None] = {}
        for each in found:
            if each.score < SURE_MIN or each.category not in _ECHOED:
                continue
            value = text[each.start : each.end]
            words = _NAME_WORD.findall(value)
            if each.category == "person":
                if len(words) > 1:
                    told |= {
                        (word, "person"): None
                        for word in words
                        if (small or not word.islower()) and self._names_only(word)
                    }
            elif words and value[0] == words[0][0] and (len(words) > 1 or self._stands_alone(value)):
                told[value, each.category] = None
            if each.category == "organisation" and (short := _short_form(text, each)):
                told[short, each.category] = None
        by_word: dict[str, list[tuple[str, str]]] = {}
        for value, category in sorted(told, key=lambda item: (-len(item[0]), item)):
            first = _NAME_WORD.match(value)
            if first is not None:
                by_word.setdefault(first[0], []).append((value, category))
        return by_word

    def _stands_alone(self, word: str) -> bool:
        """Whether the one word of a name is written as a name and is no common word."""
        return (
            not word.islower() and not self.network.lexicon.listed.get(tokens.normal(word), 0) & tokens.COMMON
        )

    def _names_only(self, word: str) -> bool:
        """Not what is a common word, a place or a people as well: `May`, `Paris`, `German`."""
        bits = self.network.lexicon.listed.get(tokens.normal(word), 0)
        return not bits & (
            tokens.COMMON
            | tokens.PLACE
            | tokens.COUNTRY
            | tokens.DEMONYM
            | tokens.COMPANY
            | tokens.TITLE_WORD
        )

    def _read(self, fresh: dict[bytes, tuple[str, bool]]) -> dict[bytes, _Found]:
        found: dict[bytes, list[_One]] = {key: [] for key in fresh}
        batch: list[tokens.Segment] = []
        keys: list[bytes] = []
        size = 0
        for key, (paragraph, capitals) in fresh.items():
            for segment in tokens.segments(paragraph):
                if not _has_a_word(segment) or (capitals and not self._telling(segment)):
                    continue
                batch.append(segment)
                keys.append(key)
                size += len(segment.words)
                if size >= BATCH_TOKENS:
                    self._find(batch, keys, found)
                    batch, keys, size = [], [], 0
        self._find(batch, keys, found)
        done = {
            key: tuple(self._without_titles(_said(those, fresh[key][0]), fresh[key][0]))
            for key, those in found.items()
        }
        self._keep(done)
        return done

    def _find(
        self,
        batch: list[tokens.Segment],
        keys: list[bytes],
        found: dict[bytes, list[_One]],
    ) -> None:
        for span in self.network.find(batch):
            if span.label != OTHER and span.score >= SCORE_MIN:
                found[keys[span.segment]].append(_placed(span, batch[span.segment]))

    def _without_titles(self, found: Iterable[_One], paragraph: str) -> Iterator[_One]:
        """Without the organisations that are common words of a treaty's title: `Fundamental Freedoms`."""
        within: list[tuple[int, int]] | None = None
        for each in found:
            if each[2] == "organisation" and self._is_common(paragraph[each[0] : each[1]]):
                within = titles(paragraph) if within is None else within
                if any(start <= each[0] and each[1] <= end for start, end in within):
                    continue
            yield each

    def _is_common(self, value: str) -> bool:
        listed = self.network.lexicon.listed
        words = [tokens.normal(word) for word in _WORD.findall(value)]
        return all(
            (listed.get(word, 0) | listed.get(word.removesuffix("s"), 0)) & tokens.COMMON for word in words
        )

    def _telling(self, segment: tokens.Segment) -> bool:
        """The gate: whether the segment could hold anything."""
        listed = self.network.lexicon.listed
        for index, word in enumerate(segment.words):
            first = word[0]
            if first.isdigit() or not first.isascii():
                return True
            bits = listed.get(tokens.normal(word), 0)
            if first.isupper():
                if index or bits & _TELLING or not bits & tokens.COMMON:
                    return True
            elif bits & _TELLING and not bits & tokens.COMMON:
                return True
        return False

    def _keep(self, done: dict[bytes, _Found]) -> None:
        """Forgets everything when it is full: what is read again and again is soon back."""
        self._findings += sum(len(each) for each in done.values())
        if len(self._seen) + len(done) > CACHED_PARAGRAPHS_MAX or self._findings > CACHED_FINDINGS_MAX:
            self._seen.clear()
            self._findings = 0
            return
        self._seen.update(done)


def _key(paragraph: str, *, capitals: bool) -> bytes:
    return hashlib.blake2b(
        paragraph.encode("utf-8", "surrogatepass"), digest_size=16, person=b"c" if capitals else b"s"
    ).digest()


def _has_a_word(segment: tokens.Segment) -> bool:
    return any(word[0].isalpha() for word in segment.words)


def _said(found: Sequence[_One], paragraph: str) -> Iterator[_One]:
    """What is sure enough for how it is written, without the marks around it; what is one name, span of time or country in one."""
    before: _One | None = None
    for each in (_bare(one, paragraph) for one in found):
        if (
            before
            and before[2] == each[2]
            and are_one(each[2], before[0], (before[1], each[0]), each[1], paragraph)
        ):
            before = (before[0], each[1], each[2], min(before[3], each[3]))
            continue
        if before and _is_plain(before, paragraph):
            yield before
        before = each
    if before and _is_plain(before, paragraph):
        yield before


def _bare(found: _One, paragraph: str) -> _One:
    """Without quotes, commas and brackets whose other half is elsewhere."""
    start, end, label, score = found
    while start < end and (paragraph[start] in _MARKS or _is_lone(paragraph, start, end, start)):
        start += 1
    while start < end and (paragraph[end - 1] in _MARKS or _is_lone(paragraph, start, end, end - 1)):
        end -= 1
    return start, end, label, score


def _is_lone(paragraph: str, start: int, end: int, at: int) -> bool:
    pair = next((pair for pair in _PAIRS if paragraph[at] in pair), "")
    return bool(pair) and paragraph.count(pair[0], start, end) != paragraph.count(pair[1], start, end)


def _is_plain(found: _One, paragraph: str) -> bool:
    """Whether it is sure enough for how it is written."""
    start, end, label, score = found
    value = paragraph[start:end]
    if not any(char.isdigit() if label == "id_number" else char.isalnum() for char in value):
        return False
    if label == "date" and (_LAW.match(value) or not (_names_a_day(value) or _TIME_IN_DIGITS.search(value))):
        return False
    if label == "person" and _VARIABLE.fullmatch(value):
        return False
    if label == "person" and value.islower():
        return score >= SMALL_NAME_MIN
    return score >= NUMBER_MIN or any(char.isalpha() for char in value)


def _names_a_day(value: str) -> bool:
    """Whether a word of the calendar stands in it: `last Tuesday` tells a day, `four children` and `soldiers march` tell none."""
    letters = "".join(char for char in unicodedata.normalize("NFD", value) if not unicodedata.combining(char))
    words = _CALENDAR_WORD.findall(letters.replace("\u0142", "l"))
    told = {word.lower() for word in words} & CALENDAR_WORDS
    if told <= MONTHS_THAT_ARE_WORDS and not any(char.isdigit() for char in value):
        return any(word.lower() in told and word[0].isupper() for word in words)
    return bool(told)


def _short_form(text: str, whole: Finding) -> str:
    """The letters that stand in brackets after a name for it: `BIRT` after `Brain Injury Rehabilitation Trust`; "" where there are none, or they are of something else."""
    match = _IN_BRACKETS.match(text, whole.end)
    if match is None:
        return ""
    initials = iter([word[0].upper() for word in _WORD.findall(text[whole.start : whole.end])])
    return match[1] if all(letter in initials for letter in match[1] if letter.isupper()) else ""


def _placed(span: "Span", segment: tokens.Segment) -> _One:
    return segment.starts[span.first], segment.ends[span.last - 1], span.label, round(span.score, 2)
