"""A rule set's own categories: patterns and dictionaries, found in the text as it is written and in its folded spelling.

A pattern that is plain ASCII runs over the folded text, so that wide digits and invisible characters hide nothing from it; one that speaks of other letters runs
over the text itself. Time is linear: RE2 over pieces of CHUNK_BYTES, and for a dictionary one walk over the words, whatever the number of entries.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from ostiary.detection import validity
from ostiary.detection.detector import CONTEXT_RAISE
from ostiary.detection.finding import Finding
from ostiary.detection.folding import Folded
from ostiary.detection.rules import VALIDATORS, Custom, Dictionary, RuleSet

CHUNK_BYTES = 4_096
"""A pattern's match is at most so long; longer ones are found as far as they go."""
REACH = (60, 20)
"""Bytes before and after a match in which its context words may stand."""

_Trie = dict[str, Any]
_END = ""
_WORD = re.compile(
    r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|(?:(?![\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])[^\W_])+"
)
"""A word; in scripts without spaces, a character."""
_LETTERS = re.compile(r"\\[pPx]")
_GAP = re.compile(r"[\s\-.,'\u2019_/&]{0,3}")


@dataclass(frozen=True, slots=True)
class _Pattern:
    custom: Custom
    expression: Any
    over_folded: bool
    context: Any
    allow: tuple[Any, ...]
    allow_match: tuple[Any, ...]


def find_custom(text: str, folded: Folded, hint: str, rules: RuleSet) -> list[Finding]:
    """The findings of the rule set's own patterns and dictionaries, in code points of the text. They may overlap."""
    found: list[Finding] = []
    if rules.patterns:
        found += _by_patterns(text, folded, hint, rules)
    for dictionary, trie in _tries(rules):
        found += _by_words(text, dictionary, trie)
    return found


def _by_patterns(text: str, folded: Folded, hint: str, rules: RuleSet) -> Iterator[Finding]:
    lowered = text.lower() if any(custom.keywords for custom in rules.patterns) else ""
    written = _Written(text)
    for pattern in _patterns(rules):
        custom = pattern.custom
        if custom.keywords and not any(word.lower() in lowered for word in custom.keywords):
            continue
        data = folded.data if pattern.over_folded else written.data
        for match in _matches(pattern.expression, data):
            start, end = match.span(custom.group)
            if start < 0 or start == end or not _counts(pattern, match):
                continue
            score = _score(pattern, data, match.span(), hint)
            if score >= rules.needs(custom.category):
                low, high = folded.span(start, end) if pattern.over_folded else written.span(start, end)
                why = custom.name if score == custom.score else f"{custom.name}, context"
                yield Finding(low, high, custom.category, "", score, why)


def _matches(expression: Any, data: bytes) -> Iterator[Any]:
    """The matches from left to right, not overlapping; each search reads two chunks at most."""
    position = 0
    while position < len(data):
        edge = position - position % CHUNK_BYTES + CHUNK_BYTES
        match = expression.search(data, position, min(len(data), edge + CHUNK_BYTES))
        if match is None or match.start() >= edge:
            position = edge
            continue
        yield match
        position = max(match.end(), match.start() + 1)


def _counts(pattern: _Pattern, match: Any) -> bool:
    """Whether validator, entropy, allow-lists and stop words let the match stand."""
    custom = pattern.custom
    raw = match.group(custom.group)
    value = raw.decode("latin-1" if pattern.over_folded else "utf-8", "replace")
    if custom.validator and not VALIDATORS[custom.validator](value):
        return False
    if custom.entropy_min and validity.entropy(value) < custom.entropy_min:
        return False
    lowered = value.lower()
    if any(word.lower() in lowered for word in custom.stop_words):
        return False
    whole = match.group(0)
    return not any(each.search(raw) for each in pattern.allow) and not any(
        each.search(whole) for each in pattern.allow_match
    )


def _score(pattern: _Pattern, data: bytes, span: tuple[int, int], hint: str) -> float:
    if pattern.context is None:
        return pattern.custom.score
    around = data[max(0, span[0] - REACH[0]) : span[0]] + b" \0 " + data[span[1] : span[1] + REACH[1]]
    near = pattern.context.search(around) or (hint and pattern.context.search(hint.encode()))
    return min(round(pattern.custom.score + CONTEXT_RAISE, 2), 0.99) if near else pattern.custom.score


@lru_cache(maxsize=64)
def _patterns(rules: RuleSet) -> tuple[_Pattern, ...]:
    return tuple(_prepared(custom) for custom in rules.patterns if rules.wants(custom.category))


def _prepared(custom: Custom) -> _Pattern:
    spoken = (custom.pattern, *custom.context, *custom.allow, *custom.allow_match)
    plain = all(each.isascii() and _LETTERS.search(each) is None for each in spoken)

    def ready(expression: str) -> Any:
        options = re2.Options()
        options.log_errors = False
        if plain:
            options.encoding = re2.Options.Encoding.LATIN1
        return re2.compile(expression.encode("latin-1", "replace") if plain else expression.encode(), options)

    words = "|".join(re2.escape(word) for word in custom.context)
    return _Pattern(
        custom,
        ready(custom.pattern),
        plain,
        ready(rf"(?i)(?:^|[^a-z])(?:{words})(?:$|[^a-z])") if words else None,
        tuple(ready(each) for each in custom.allow),
        tuple(ready(each) for each in custom.allow_match),
    )


class _Written:
    """The text as UTF-8, made when it is first asked for, with the way back to code points."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._data: bytes | None = None
        self._places: list[int] = []

    @property
    def data(self) -> bytes:
        if self._data is None:
            self._data = self._text.encode("utf-8", "replace")
            if len(self._data) != len(self._text):
                sizes = (len(char.encode("utf-8", "replace")) for char in self._text)
                self._places = [place for place, size in enumerate(sizes) for _ in range(size)]
        return self._data

    def span(self, start: int, end: int) -> tuple[int, int]:
        """From bytes to code points."""
        return (self._places[start], self._places[end - 1] + 1) if self._places else (start, end)


# Dictionaries


@lru_cache(maxsize=64)
def _tries(rules: RuleSet) -> tuple[tuple[Dictionary, _Trie], ...]:
    """The dictionaries that the rule set wants, by their words."""
    wanted = (
        one
        for one in rules.dictionaries
        if rules.wants(one.category) and one.score >= rules.needs(one.category)
    )
    return tuple((one, _trie(one)) for one in wanted)


def _by_words(text: str, dictionary: Dictionary, trie: _Trie) -> Iterator[Finding]:
    """The longest entry at each word, then on behind it."""
    plain, places = _visible(text)
    words = [(match.start(), match.end()) for match in _WORD.finditer(plain)]
    keys = [_key(plain[start:end], dictionary.match_case) for start, end in words]
    at = 0
    while at < len(words):
        count = _longest(trie, plain, words, keys, at) if keys[at] in trie else 0
        if count:
            start, end = words[at][0], words[at + count - 1][1]
            low, high = (places[start], places[end - 1] + 1) if places else (start, end)
            yield Finding(low, high, dictionary.category, "", dictionary.score, dictionary.name)
        at += max(count, 1)


def _longest(trie: _Trie, plain: str, words: list[tuple[int, int]], keys: list[str], at: int) -> int:
    """How many words from `at` on are the longest entry; 0 where none begins."""
    node, longest, near = trie, 0, at
    while near < len(words) and keys[near] in node:
        if near > at and _GAP.fullmatch(plain, words[near - 1][1], words[near][0]) is None:
            break
        node = node[keys[near]]
        near += 1
        if _END in node:
            longest = near - at
    return longest


def _trie(dictionary: Dictionary) -> _Trie:
    trie: _Trie = {}
    for entry in dictionary.entries:
        node = trie
        plain, _ = _visible(entry)
        for match in _WORD.finditer(plain):
            node = node.setdefault(_key(match[0], dictionary.match_case), {})
        node[_END] = True
    return trie


def _key(word: str, match_case: bool) -> str:
    plain = word if word.isascii() else unicodedata.normalize("NFKC", word)
    return plain if match_case else plain.casefold()


def _visible(text: str) -> tuple[str, list[int]]:
    """The text without characters that are not seen, and the place of each that is left (none where nothing was dropped)."""
    if text.isascii() and text.isprintable():
        return text, []
    kept = [place for place, char in enumerate(text) if unicodedata.category(char) not in ("Cf", "Mn")]
    if len(kept) == len(text):
        return text, []
    return "".join(text[place] for place in kept), kept
