"""Finding what is sensitive in texts. `detect` is a pure function over a batch, so it runs in process, in a worker or on a cluster alike.

How it stays cheap: a text is folded, then looked at in windows of a kilobyte. Automata (RE2 sets) say which detectors could match in a window at all, and those that count
only beside a context word are asked only where such a word stands. Only then do single patterns and check digits run, over windows that lie side by side at once. Everything is linear
in the text: RE2 does not backtrack, and a match is at most MATCH_BYTES_MAX long.
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

import re2

from ostiary.detection.categories import NAMES
from ostiary.detection.crowds import Bare, by_chance
from ostiary.detection.custom import find_custom
from ostiary.detection.detector import BESIDE_CONTEXT, CONTEXT_RAISE, GENERAL_RAISE, Detector
from ostiary.detection.detectors import DETECTORS, PARTS
from ostiary.detection.finding import Finding
from ostiary.detection.folding import Folded, fold
from ostiary.detection.joints import find_rejoined
from ostiary.detection.matching import ANYWHERE, HERE, searched, stands
from ostiary.detection.model import by_model
from ostiary.detection.overlaps import without_guesses, without_overlaps
from ostiary.detection.rules import DEFAULT, RuleSet, compiled
from ostiary.detection.seen import Seen, key_of

WINDOW_BYTES = 1024
RUN_BYTES = 4 * WINDOW_BYTES
"""A detector that is asked for in windows side by side searches so much of them at once."""
AHEAD_BYTES = 512
"""How far is read past the end, so that what begins before it is seen; longer matches are followed to MATCH_BYTES_MAX."""
MATCH_BYTES_MAX = 16_384
_GROUP = re.compile(rb"[0-9A-Za-z]+")
BatchTier = Callable[[Sequence[str], RuleSet], list[list[Finding]]]
"""One way of finding that is cheaper over many texts at once: (texts, rules) -> findings of each, in code points. They may overlap those of other tiers."""
BATCH_TIERS: tuple[BatchTier, ...] = (by_model,)
"""What joins the patterns. A model that knows names and addresses stands here."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Detectors that one automaton asks for."""

    automaton: Any
    indexes: tuple[int, ...]

    def asked(self, data: bytes) -> list[int]:
        """Those that could match in these bytes, and some that cannot."""
        return [self.indexes[hit] for hit in self.automaton.Match(data) or ()]


_Speaks = Callable[[bytes], bool] | None
"""Whether one of a detector's context words stands in the bytes; None for one without."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """What a rule set asks of the pattern tier. detectors: those that it wants, in the list's order; needs: the score that each must reach; speaks: whether a context word
    of those that count only beside one stands in the bytes; named: of any.

    patterns: (the compiled expression's search, number of the group that holds the value). context: words of its own, words that others answer to as well.
    """

    detectors: tuple[Detector, ...]
    needs: tuple[float, ...]
    certain: tuple[_Part, ...]
    doubtful: tuple[_Part, ...]
    patterns: tuple[tuple[Any, int], ...]
    context: tuple[tuple[_Speaks, _Speaks], ...]
    speaks: Callable[[bytes], bool]
    named: Callable[[bytes], bool]
    unless: tuple[_Speaks, ...]


def detect(batch: Sequence[str], rules: RuleSet = DEFAULT) -> list[list[Finding]]:
    """The findings of each text, in order of their start, not overlapping. The same text gives the same findings in any batch."""
    asked = (rules, BATCH_TIERS)
    keys = [key_of(text) for text in batch]
    known = {key: _SEEN.of(key, asked) for key in keys}
    fresh = {key: text for key, text in zip(keys, batch, strict=True) if known[key] is None}
    for key, found in zip(fresh, _looked_at(list(fresh.values()), rules), strict=True):
        known[key] = tuple(found)
        _SEEN.keep(key, asked, tuple(found))
    return [list(known[key] or ()) for key in keys]


def _looked_at(batch: Sequence[str], rules: RuleSet) -> list[list[Finding]]:
    found = [_by_patterns(text, "", rules) for text in batch]
    for tier in BATCH_TIERS:
        for findings, more in zip(found, tier(batch, rules), strict=True):
            findings += without_guesses(more, findings, rules.own_categories)
    return [_resolved(findings, text, rules) for findings, text in zip(found, batch, strict=True)]


_SEEN = Seen()
"""What this process looked at lately, by `detect`. `find` looks each time: what masking asks about is short, and differs."""


def find(text: str, hint: str = "", rules: RuleSet = DEFAULT) -> list[Finding]:
    """What patterns find in one text. `hint`: lower-case words that stand by it elsewhere, such as the name of its field."""
    return _resolved(_by_patterns(text, hint, rules), text, rules)


def _by_patterns(text: str, hint: str, rules: RuleSet) -> list[Finding]:
    folded = fold(text)
    written = patterns(folded, hint, rules)
    written += find_rejoined(
        folded.data, written, lambda data: patterns(Folded(data, None), hint, rules), _compiled(rules).named
    )
    found = [_placed(finding, folded) for finding in written]
    if rules.patterns or rules.dictionaries:
        found += find_custom(text, folded, hint, rules)
    return found


def _resolved(found: list[Finding], text: str, rules: RuleSet) -> list[Finding]:
    """Without overlaps, and then without what is allowed: an allowed value is not found as something else either."""
    if len(found) > 1:
        found = without_overlaps(found, text)
    if not found or not (rules.allow or rules.allow_patterns):
        return found
    return [each for each in found if not _allowed(text[each.start : each.end], rules)]


def _allowed(value: str, rules: RuleSet) -> bool:
    return value in rules.allow or any(
        compiled("allow_patterns", each).fullmatch(value) for each in rules.allow_patterns
    )


def warm(rules: RuleSet = DEFAULT) -> None:
    """Compile every pattern, which takes a quarter of a second, so that no call waits for it."""
    _compiled(rules)


def nothing_certain(data: bytes, rules: RuleSet = DEFAULT) -> bool:
    """Whether no detector that needs no context can match anywhere in these bytes."""
    chosen = _compiled(rules)
    return not any(
        chosen.patterns[index][0](ANYWHERE, data, 0, len(data))[0][0] >= 0
        for part in chosen.certain
        for index in part.asked(data)
    )


def doubtful_words(rules: RuleSet = DEFAULT) -> frozenset[str]:
    """Every word on which a detector that needs context waits."""
    chosen = _compiled(rules)
    return _words_of(chosen.detectors[index] for part in chosen.doubtful for index in part.indexes)


@lru_cache(maxsize=4096)
def pattern(expression: str) -> Any:
    """A compiled RE2 expression over folded bytes."""
    return re2.compile(expression.encode("latin-1"), _options())


def has_context(words: str, rules: RuleSet = DEFAULT) -> bool:
    """Whether any detector takes these lower-case words for context."""
    return _compiled(rules).speaks(words.encode("latin-1", "replace"))


def patterns(folded: Folded, hint: str, rules: RuleSet = DEFAULT) -> list[Finding]:
    """The pattern tier: DETECTORS over the folded text. Findings are in folded offsets and may overlap."""
    chosen = _compiled(rules)
    data = _without_masks(folded.data)
    found: list[Finding] = []
    bare: list[tuple[int, Finding]] = []
    resume: dict[int, int] = {}
    for index, start, end in _runs(chosen, data, hint):
        low = max(start, resume.get(index, 0))
        if low < end:
            known = len(found)
            resume[index] = _scan(chosen, index, data, low, end, hint, found)
            if chosen.detectors[index].numeric:
                bare += [(index, one) for one in found[known:] if data[one.start : one.end].isdigit()]
    dropped = _by_chance(chosen, bare, data) if bare and len(data) >= CROWD_BYTES_MIN else ()
    return [each for each in found if each not in dropped] if dropped else found


CROWD_BYTES_MIN = 100
"""In a shorter text there is no crowd."""


def _by_chance(chosen: _Compiled, bare: list[tuple[int, Finding]], data: bytes) -> set[Finding]:
    """Of findings that are digits alone those that only chance explains, where no word of their own stands anywhere."""
    spoken: dict[int, bool] = {}
    asked = []
    for index, finding in bare:
        detector, own = chosen.detectors[index], chosen.context[index][0]
        if detector.valid is None or finding.why != detector.name:
            continue
        if index not in spoken:
            spoken[index] = own is not None and own(data)
        if not spoken[index]:
            asked.append(Bare(finding, detector.valid))
    return by_chance(asked, data) if asked else set()


def _runs(chosen: _Compiled, data: bytes, hint: str) -> Iterator[tuple[int, int, int]]:
    """(detector, from, to): where each may match that is to be asked, at most RUN_BYTES at once and in order."""
    begun: dict[int, int] = {}
    for start in range(0, len(data), WINDOW_BYTES):
        asked = _asked(chosen, data, start, hint)
        for index in [each for each in begun if each not in asked]:
            yield index, begun.pop(index), start
        for index in sorted(asked):
            if start - begun.setdefault(index, start) >= RUN_BYTES:
                yield index, begun[index], start
                begun[index] = start
    for index, start in begun.items():
        yield index, start, len(data)


def _asked(chosen: _Compiled, data: bytes, start: int, hint: str) -> set[int]:
    """The detectors that may match in the window: those that need no context, or in whose reach a word of theirs stands."""
    stop = min(start + WINDOW_BYTES + AHEAD_BYTES, len(data))
    piece = data[max(0, start - 1) : stop + 1]  # a boundary of words is judged by what stands beside it
    asked = {index for part in chosen.certain for index in part.asked(piece)}
    around = data[max(0, start - _REACH[0]) : stop + _REACH[1]]
    if not hint and not chosen.speaks(around):
        return asked
    doubtful = [index for part in chosen.doubtful for index in part.asked(piece)]
    if hint:
        return asked.union(doubtful)
    said: dict[int, bool] = {}
    for index in doubtful:
        for context in chosen.context[index]:
            if context is not None:
                if id(context) not in said:
                    said[id(context)] = context(around)
                if said[id(context)]:
                    asked.add(index)
    return asked


_MASK = re.compile(rb"\[(?:" + "|".join(sorted(NAMES)).encode() + rb")(?: \*[0-9A-Za-z]{4})?\]")


def _without_masks(data: bytes) -> bytes:
    """Masks of ours are blanked: what they say is no context, so that masking what is masked changes nothing."""
    return _MASK.sub(lambda mask: b"\0" * len(mask[0]), data) if b"]" in data else data


_REACH = (max(one.reach[0] for one in DETECTORS) + 4, max(one.reach[1] for one in DETECTORS) + 12)
"""How far before and after a window a context word may stand."""


def _scan(
    chosen: _Compiled, index: int, data: bytes, position: int, end: int, hint: str, found: list[Finding]
) -> int:
    """Adds what one detector finds that begins before `end`; where to go on."""
    detector = chosen.detectors[index]
    search, group = chosen.patterns[index]
    stop = min(end + AHEAD_BYTES, len(data))
    while position < end:
        spans = search(ANYWHERE, data, position, stop)
        low, high = spans[0]
        if low < 0 or low >= end:
            return end
        if stop < len(data) and (high == stop or detector.follows):
            longer = search(HERE, data, low, min(len(data), low + MATCH_BYTES_MAX))
            spans = longer if longer[0][0] >= 0 else spans
            high = spans[0][1]
        start, last = spans[group]
        span = _checked(detector, data, start, last)
        if detector.trims is not None:
            position = _after_group(data, low, high) if span is None else span[1]
        else:
            position = max(start if span is None and group else high, low + 1)
        if span is not None and (finding := _weighed(chosen, index, data, span, hint)):
            found.append(finding)
    return position


def _after_group(data: bytes, start: int, end: int) -> int:
    """Behind the first run of letters and digits."""
    group = _GROUP.match(data, start, end)
    last = group.end() if group else start
    return max(last, 1) + (last < end)


def _checked(detector: Detector, data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """The span if it is valid and no part of something longer; for detectors that trim, the first part of it that is."""
    if detector.trims is not None:
        for part in _parts(detector.trims, data, start, end):
            if _valid(detector, data, part) and not (detector.numeric and _glued(data, *part)):
                return part
        return None
    if detector.numeric and _glued(data, start, end):
        return None
    return (start, end) if _valid(detector, data, (start, end)) else None


def _valid(detector: Detector, data: bytes, span: tuple[int, int]) -> bool:
    if detector.valid is None:
        return True
    try:
        return detector.valid(data[span[0] : span[1]].decode("latin-1"))
    except (IndexError, KeyError, ValueError):
        return True  # fails closed: what a check cannot judge is found, and the rest of the batch with it


def _parts(
    lengths: Callable[[str], Container[int]], data: bytes, start: int, end: int
) -> Iterator[tuple[int, int]]:
    """The span, then what is left of it without groups at its end, where it has a length that may be; groups are runs of letters and digits. The search goes on at the second group."""
    written = data[start:end]
    allowed = lengths(written.translate(None, _JOINTS).decode("latin-1").upper())
    if not allowed:
        return
    groups = [match.span() for match in _GROUP.finditer(written)]
    left = sum(high - low for low, high in groups)
    for begin, high in reversed(groups):
        if left in allowed:
            yield start, start + high
        left -= high - begin


_JOINTS = bytes(sorted({*range(128)} - {*b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"}))


_HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF")
_JOINS = b".-/+"


def _glued(data: bytes, start: int, end: int) -> bool:
    """Whether the number is a part of a longer number, a word or a UUID."""
    before, after = data[max(0, start - 5) : start], data[end : end + 5]
    if (before and _wordy(before[-1])) or (after and _wordy(after[0])):
        return True
    if len(before) > 1 and before[-1] in _JOINS and 48 <= before[-2] <= 57:
        return True
    if len(after) > 1 and after[0] in b".-" and 48 <= after[1] <= 57:
        return True
    return (len(before) == 5 and before[-1] == 0x2D and _HEXADECIMAL.issuperset(before[:4])) or (
        len(after) == 5 and after[0] == 0x2D and _HEXADECIMAL.issuperset(after[1:])
    )


def _wordy(byte: int) -> bool:
    return byte == 0x5F or (byte < 0x80 and chr(byte).isalnum())


def _weighed(chosen: _Compiled, index: int, data: bytes, span: tuple[int, int], hint: str) -> Finding | None:
    """The finding, if its score with what stands around it reaches what the rules need."""
    start, end = span
    detector = chosen.detectors[index]
    unless = chosen.unless[index]
    if unless is not None and unless(data[max(0, start - 24) : start]):
        return None
    score, why = detector.score, detector.name
    own, general = chosen.context[index]
    if own is not None and _stands_by(own, detector, data, start, end, hint):
        score, why = min(score + CONTEXT_RAISE, 0.99), detector.name + BESIDE_CONTEXT
    elif general is not None and _stands_by(general, detector, data, start, end, hint):
        score, why = min(score + GENERAL_RAISE, 0.99), detector.name + BESIDE_CONTEXT
    if score < chosen.needs[index]:
        return None
    return Finding(start, end, detector.category, detector.country, round(score, 2), why)


def _stands_by(
    context: Callable[[bytes], bool], detector: Detector, data: bytes, start: int, end: int, hint: str
) -> bool:
    if hint and context(hint.encode("latin-1", "replace")):
        return True
    before, after = detector.reach
    around = data[max(0, start - before) : start] + b" \0 " + data[end : end + after]
    return context(around)


def _placed(finding: Finding, folded: Folded) -> Finding:
    if folded.offsets is None:
        return finding
    start, end = folded.span(finding.start, finding.end)
    return replace(finding, start=start, end=end)


def _words_of(detectors: Iterable[Detector]) -> frozenset[str]:
    return frozenset(word for one in detectors for word in (*one.context, *one.general))


@cache
def _spoken(words: tuple[str, ...]) -> Callable[[bytes], bool] | None:
    return stands(pattern(_words(words))) if words else None


def _words(words: tuple[str, ...]) -> str:
    """Any of them, between what is no letter. A short one is also no part of a hexadecimal number: `0cc5` does not speak of `cc`."""
    short = "|".join(re2.escape(word) for word in words if len(word) <= SHORT_WORD)
    long = "|".join(re2.escape(word) for word in words if len(word) > SHORT_WORD)
    either = [rf"[^a-z](?:{long})(?:$|[^a-z])"] if long else []
    if short:
        either.append(rf"[^0-9a-z](?:{short})\d{{0,2}}(?:$|[^0-9a-z])")
    return r"(?i:" + "|".join(f"{each}|^{each.partition(']')[2]}" for each in either) + ")"


SHORT_WORD = 3


def _options() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 256 << 20
    options.log_errors = False
    return options


@lru_cache(maxsize=64)
def _compiled(rules: RuleSet) -> _Compiled:
    chosen = [number for number, one in enumerate(DETECTORS) if _reaches(one, rules)]
    wanted = [(DETECTORS[each], PARTS[each], rules.needs(DETECTORS[each].category)) for each in chosen]
    detectors = tuple(one for one, _, _ in wanted)
    certain: dict[str, list[int]] = {}
    doubtful: list[int] = []
    for index, (one, part, need) in enumerate(wanted):
        (certain.setdefault(part, []) if one.score >= need else doubtful).append(index)
    words = _words_of(detectors[index] for index in doubtful)
    every = _words_of(detectors)
    expressions = [pattern(one.pattern) for one in detectors]
    return _Compiled(
        detectors=detectors,
        needs=tuple(need for _, _, need in wanted),
        certain=tuple(_part(detectors, indexes) for indexes in certain.values()),
        doubtful=(_part(detectors, doubtful),) if doubtful else (),
        patterns=tuple((searched(each), _value_group(each)) for each in expressions),
        context=tuple((_spoken(one.context), _spoken(one.general)) for one in detectors),
        speaks=stands(pattern(_words(tuple(sorted(words))) if words else r"[^\x00-\xff]")),
        named=stands(pattern(_words(tuple(sorted(every))) if every else r"[^\x00-\xff]")),
        unless=tuple(stands(pattern(one.unless)) if one.unless else None for one in detectors),
    )


def _part(detectors: tuple[Detector, ...], indexes: list[int]) -> _Part:
    automaton = re2.Set.SearchSet(_options())
    for index in indexes:
        automaton.Add(loosened(detectors[index].pattern).encode("latin-1"))
    automaton.Compile()
    return _Part(automaton, tuple(indexes))


_REPEATED = re.compile(r"(?<!\\)\{(\d+)(,?)(\d*)\}")
LONG_REPEAT, WIDE_REPEAT = 16, 4
"""Repetitions of so many, or of counts so far apart, are loosened."""
COUNTED_REPEAT = 12
"""So many are counted of them: fewer, and every long word would be asked about by detectors whose values have nothing else to be known by."""


def loosened(expression: str) -> str:
    """What matches wherever the expression does, and more: long repetitions are not counted. An automaton that counts them over hundreds of detectors makes a state of its own for nearly every
    byte of a text that it has not read, such as Base64 or a table of numbers."""

    def repeat(match: re.Match[str]) -> str:
        low = int(match[1])
        high = int(match[3]) if match[3] else low
        if high - low < WIDE_REPEAT and high < LONG_REPEAT:
            return match[0]
        return ("*", "+")[low] if low < 2 else f"{{{min(low, COUNTED_REPEAT)},}}"

    return _REPEATED.sub(repeat, expression)


def _reaches(detector: Detector, rules: RuleSet) -> bool:
    """Whether the rules want what it finds, and it can reach the score that they need."""
    if not rules.wants(detector.category):
        return False
    if detector.languages and rules.languages and rules.languages.isdisjoint(detector.languages):
        return False
    highest = min(detector.score + CONTEXT_RAISE, 0.99) if detector.context or detector.general else 0.0
    return max(highest, detector.score) >= rules.needs(detector.category)


def _value_group(expression: Any) -> int:
    """Which group holds the value: the one named `v`, else the whole match."""
    return next((number for name, number in expression.groupindex.items() if name in ("v", b"v")), 0)
