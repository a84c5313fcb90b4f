"""What to look for, as a value: which categories, how sure, what is allowed, and what a tenant adds of its own.

A `RuleSet` is frozen, hashable and picklable; `engine.detect(batch, rules)` compiles it once and keeps the compiled form by value. Everything in it is checked
when it is made, so a rule set that exists can be run: patterns are RE2 (linear time, whatever they and the text are), and every part is bounded.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any

import re2

from ostiary.detection import checksum, validity
from ostiary.detection.categories import NAMES, family_of
from ostiary.detection.detector import THRESHOLD

PATTERNS_MAX = 500
PATTERN_CHARACTERS_MAX = 4_000
PATTERN_MEMORY_MAX = 8 << 20
"""Bytes that RE2 may use for one pattern: a pattern whose repeats unfold to more is refused."""
WORDS_MAX = 500
DICTIONARIES_MAX = 100
ENTRIES_MAX = 200_000
ENTRY_CHARACTERS_MAX = 200
ALLOWED_MAX = 100_000
LANGUAGES = frozenset({"en", "de", "fr", "es", "it", "nl", "pt", "pl"})

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_JOINS = re.compile(r"[ .\-/]+")


class BadRules(ValueError):
    """A rule set that cannot be: the message says which part and why, and holds no value of the allow-list or a dictionary."""


def _digits(check: Callable[[str], bool], *lengths: int) -> Callable[[str], bool]:
    def valid(text: str) -> bool:
        number = _JOINS.sub("", text)
        return (
            number.isascii()
            and number.isdigit()
            and len(number) >= 2
            and len(number) in (lengths or (len(number),))
            and check(number)
        )

    return valid


def _mod_11_2(text: str) -> bool:
    number = _JOINS.sub("", text).upper()
    return re.fullmatch(r"[0-9]+[0-9X]", number) is not None and checksum.mod_11_2(number)


def _mod_97(text: str) -> bool:
    number = _JOINS.sub("", text).upper()
    return len(number) > 4 and number.isascii() and number.isalnum() and checksum.mod_97(number)


VALIDATORS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "luhn": _digits(checksum.luhn),
        "verhoeff": _digits(checksum.verhoeff),
        "mod_11_10": _digits(checksum.mod_11_10),
        "mod_11_2": _mod_11_2,
        "mod_97": _mod_97,
        "ean_13": _digits(checksum.ean_13, 13),
        "iban": validity.iban,
        "card": _digits(validity.card),
        "random": validity.random_looking,
    }
)
"""Checks that a custom pattern may ask for by name. Each takes the matched text, separators included, and never raises."""


@dataclass(frozen=True, slots=True)
class Custom:
    """A pattern of one's own. `pattern` is RE2; `group` is the group that holds the value (0: all of it).

    score: what a match is worth alone; a word of `context` close by adds 0.35, and what reaches the threshold counts. keywords: one of them has to stand in the text, in
    any case (none: no condition). validator: a name of VALIDATORS. entropy_min: bits a character (Shannon) that the value has at least. allow, allow_match: RE2
    searched in the value, or in the whole match, that make it no finding. stop_words: words that do so when they stand in the value, in any case.
    Raises BadRules.
    """

    name: str
    category: str
    pattern: str
    group: int = 0
    score: float = 0.9
    context: tuple[str, ...] = ()
    validator: str = ""
    entropy_min: float = 0.0
    keywords: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    allow_match: tuple[str, ...] = ()
    stop_words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _listed(self, "context", "keywords", "allow", "allow_match", "stop_words")
        where = f"pattern {self.name!r}"
        _named(where, self.name, self.category)
        groups = compiled(where, self.pattern).groups
        _need(0 <= self.group <= groups, f"{where}: there is no group {self.group}")
        _need(0.0 < self.score <= 1.0, f"{where}: score is not above 0 and at most 1")
        _need(0.0 <= self.entropy_min <= 8.0, f"{where}: entropy_min is not between 0 and 8")
        _need(
            not self.validator or self.validator in VALIDATORS,
            f"{where}: there is no validator {self.validator!r}",
        )
        for words in (self.context, self.keywords, self.stop_words, self.allow, self.allow_match):
            _need(
                len(words) <= WORDS_MAX and all(words),
                f"{where}: more than {WORDS_MAX} words, or an empty one",
            )
        for expression in (*self.allow, *self.allow_match):
            compiled(where, expression)
        _need(compiled(where, self.pattern).match("") is None, f"{where}: it matches the empty text")


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Words and phrases of one's own. Whole words only; spaces and punctuation between them are not compared. `match_case`: as written, else in any case. Raises BadRules."""

    name: str
    category: str
    entries: tuple[str, ...]
    match_case: bool = False
    score: float = 0.9

    def __post_init__(self) -> None:
        _listed(self, "entries")
        where = f"dictionary {self.name!r}"
        _named(where, self.name, self.category)
        _need(0.0 < self.score <= 1.0, f"{where}: score is not above 0 and at most 1")
        _need(0 < len(self.entries) <= ENTRIES_MAX, f"{where}: no entries, or more than {ENTRIES_MAX}")
        for number, entry in enumerate(self.entries):
            fits = len(entry) <= ENTRY_CHARACTERS_MAX and any(char.isalnum() for char in entry)
            _need(
                fits,
                f"{where}: entry {number} is longer than {ENTRY_CHARACTERS_MAX} characters, or says nothing",
            )


@dataclass(frozen=True, slots=True)
class RuleSet:
    """`categories`: families and categories to look for; None: all of ours and every custom one. `without`: those left out again.

    thresholds: (family or category, score that a finding of it must reach), the category's before its family's; else `threshold`. allow: values, as they are written, that
    are never a finding; allow_patterns: RE2 that the whole value matches. languages: the languages that the texts may be in (none: any); what is written in one
    language only, such as a street address, is looked for in these. Raises BadRules.
    """

    categories: frozenset[str] | None = None
    without: frozenset[str] = frozenset()
    threshold: float = THRESHOLD
    thresholds: tuple[tuple[str, float], ...] = ()
    allow: frozenset[str] = frozenset()
    allow_patterns: tuple[str, ...] = ()
    patterns: tuple[Custom, ...] = ()
    dictionaries: tuple[Dictionary, ...] = ()
    languages: frozenset[str] = frozenset()
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _listed(self, "allow_patterns", "patterns", "dictionaries")
        _sets(self, "categories", "without", "allow", "languages")
        pairs = self.thresholds.items() if isinstance(self.thresholds, Mapping) else self.thresholds
        object.__setattr__(
            self, "thresholds", tuple(sorted((str(name), float(score)) for name, score in pairs))
        )
        _need(len(self.patterns) <= PATTERNS_MAX, f"more than {PATTERNS_MAX} patterns")
        _need(len(self.dictionaries) <= DICTIONARIES_MAX, f"more than {DICTIONARIES_MAX} dictionaries")
        _need(
            len(self.allow) + len(self.allow_patterns) <= ALLOWED_MAX,
            f"more than {ALLOWED_MAX} allowed values",
        )
        known = NAMES | {one.category for one in self.patterns} | {one.category for one in self.dictionaries}
        for name in (*(self.categories or ()), *self.without, *(name for name, _ in self.thresholds)):
            _need(name in known, f"there is no category or family {name!r}")
        for score in (self.threshold, *(score for _, score in self.thresholds)):
            _need(0.0 <= score <= 1.0, "a threshold is not between 0 and 1")
        for language in self.languages:
            _need(language in LANGUAGES, f"there is no language {language!r}")
        for expression in self.allow_patterns:
            compiled("allow_patterns", expression)

        object.__setattr__(self, "_hash", hash(tuple(getattr(self, name) for name in _parts(RuleSet))))

    def __hash__(self) -> int:
        """Computed once: a dictionary may have 200,000 entries, and compiled rule sets are kept by value."""
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        """Made anew where it arrives, since another process hashes text otherwise."""
        return RuleSet, tuple(getattr(self, name) for name in _parts(RuleSet))

    @property
    def own_categories(self) -> frozenset[str]:
        """What its own patterns and dictionaries find."""
        return frozenset(
            {one.category for one in self.patterns} | {one.category for one in self.dictionaries}
        )

    def wants(self, category: str) -> bool:
        """Whether it looks for this category."""
        family = family_of(category)
        named = self.categories is None or category in self.categories or family in self.categories
        return named and category not in self.without and family not in self.without

    def needs(self, category: str) -> float:
        """The score that a finding of this category must reach."""
        given = dict(self.thresholds)
        return given.get(category, given.get(family_of(category), self.threshold))

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, for `from_dict`; sets are sorted, so that equal rule sets give equal text."""
        return {name: _plain(getattr(self, name)) for name in _parts(RuleSet)}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> "RuleSet":
        """From JSON values; what is left out has its default, what is not known is refused. Raises BadRules."""
        known = dict(given)
        try:
            for name, kind in (("patterns", Custom), ("dictionaries", Dictionary)):
                if name in known:
                    known[name] = tuple(kind(**each) for each in known[name])
            return cls(**known)
        except (TypeError, AttributeError) as wrong:
            raise BadRules("a part of the rule set has an unknown name or the wrong form") from wrong


@lru_cache(maxsize=8192)
def compiled(where: str, expression: str) -> Any:
    """The RE2 pattern over text. Raises BadRules with RE2's reason."""
    _need(
        0 < len(expression) <= PATTERN_CHARACTERS_MAX,
        f"{where}: empty, or longer than {PATTERN_CHARACTERS_MAX} characters",
    )
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY_MAX
    try:
        return re2.compile(expression, options)
    except re2.error as wrong:
        reason = wrong.args[0].decode("utf-8", "replace") if isinstance(wrong.args[0], bytes) else str(wrong)
        raise BadRules(f"{where}: {reason}") from wrong


@cache
def _parts(kind: type[Any]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind) if each.init)


def _need(holds: bool, reason: str) -> None:
    if not holds:
        raise BadRules(reason)


def _named(where: str, name: str, category: str) -> None:
    _need(0 < len(name) <= 100, f"{where}: its name is empty or longer than 100 characters")
    _need(
        _NAME.fullmatch(category) is not None,
        f"{where}: {category!r} is no category name (lower case, digits, _)",
    )


def _listed(rules: Any, *names: str) -> None:
    for name in names:
        given = getattr(rules, name)
        _need(not isinstance(given, (str, bytes)), f"{name} is a list, not a text")
        object.__setattr__(rules, name, tuple(given))


def _sets(rules: Any, *names: str) -> None:
    for name in names:
        given = getattr(rules, name)
        _need(not isinstance(given, (str, bytes)), f"{name} is a list, not a text")
        object.__setattr__(rules, name, None if given is None else frozenset(map(str, given)))


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, (Custom, Dictionary)):
        return {
            name: _plain(getattr(value, name))
            for name in _parts(Custom if isinstance(value, Custom) else Dictionary)
        }
    return value


DEFAULT = RuleSet()
"""Everything of ours, nothing of one's own."""
