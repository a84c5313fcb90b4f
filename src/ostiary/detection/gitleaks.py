"""Rules of gitleaks become patterns of a rule set: the TOML file of `gitleaks -c`, whose expressions are RE2 already.

What a rule says about the text (regex, keywords, entropy, secretGroup, allow-lists of expressions and stop words) is taken over. What it says about files and
commits (path, paths, commits) cannot hold here, where there are only texts: such a rule, or that part of it, is named in `skipped` with the reason.
Nothing is dropped in silence.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ostiary.detection.rules import BadRules, Custom, RuleSet, compiled

FILE_CHARACTERS_MAX = 4_000_000
SCORE = 0.9
_NOT_NAME = re.compile(r"[^a-z0-9]+")


class BadGitleaks(ValueError):
    """The file is no gitleaks configuration. The text says what is wrong, and where."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not taken over: the id of the rule (or of the allow-list, or `extend`), and why."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    patterns: tuple[Custom, ...]
    skipped: tuple[Skipped, ...]

    def into(self, rules: RuleSet) -> RuleSet:
        """The rule set with these patterns behind its own. Raises BadRules where they are too many."""
        return replace(rules, patterns=(*rules.patterns, *self.patterns))


@dataclass(frozen=True, slots=True)
class _Allowed:
    """What lets a value or a match stand: expressions over the value, over the whole match, words in the value."""

    value: tuple[str, ...] = ()
    match: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def read(text: str) -> Imported:
    """The patterns of a configuration, and what could not be taken over. Raises BadGitleaks."""
    if len(text) > FILE_CHARACTERS_MAX:
        raise BadGitleaks(f"The file is longer than {FILE_CHARACTERS_MAX} characters.")
    try:
        config = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadGitleaks(f"This is no TOML: {error}.") from None
    rules = config.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise BadGitleaks("`rules` is not a list of tables (`[[rules]]`).")
    everywhere, skipped = _everywhere(config)
    disabled = _disabled(config)
    patterns: list[Custom] = []
    for number, rule in enumerate(rules, 1):
        name = str(rule.get("id") or f"rule {number}")
        if name in disabled:
            skipped.append(Skipped(name, "extend.disabledRules disables it"))
            continue
        made, why = _pattern(
            name, rule, [each for each, targets in everywhere if not targets or name in targets]
        )
        skipped += why
        if made is not None:
            patterns.append(made)
    return Imported(tuple(patterns), tuple(skipped))


def category_of(rule: str) -> str:
    """The category that findings of a rule get: `aws-access-token` is `aws_access_token`."""
    name = _NOT_NAME.sub("_", rule.lower()).strip("_")[:60].rstrip("_")
    return name if name[:1].isalpha() else f"rule_{name}".rstrip("_")


def _everywhere(config: Mapping[str, Any]) -> tuple[list[tuple[_Allowed, frozenset[str]]], list[Skipped]]:
    """The allow-lists over all rules, each with the ids of the rules that it is for (none: all); and what is not read."""
    skipped = []
    if isinstance(extend := config.get("extend"), dict) and (
        extend.get("useDefault") or extend.get("path") or extend.get("url")
    ):
        skipped.append(Skipped("extend", "no other configuration is read; import it as a file of its own"))
    allowed = []
    for entry in _tables(config):
        one, left = _allowed(entry, "allowlist")
        skipped += left
        allowed.append((one, frozenset(_texts(entry, "targetRules"))))
    return allowed, skipped


def _disabled(config: Mapping[str, Any]) -> frozenset[str]:
    extend = config.get("extend")
    return frozenset(_texts(extend, "disabledRules")) if isinstance(extend, dict) else frozenset()


def _pattern(
    name: str, rule: Mapping[str, Any], everywhere: list[_Allowed]
) -> tuple[Custom | None, list[Skipped]]:
    """The pattern of one rule, or none; and what of the rule was left out."""
    expression = rule.get("regex")
    if not isinstance(expression, str) or not expression:
        return None, [Skipped(name, "it has no regex: it judges file names, and here are only texts")]
    if rule.get("skipReport"):
        return None, [Skipped(name, "skipReport: it only serves other rules")]
    skipped = [Skipped(name, f"without its {part}: {why}") for part, why in _UNKNOWN_HERE if rule.get(part)]
    allowed = list(everywhere)
    for entry in _tables(rule):
        one, left = _allowed(entry, name)
        skipped += left
        allowed.append(one)
    try:
        group, why = _group(rule, expression)
        made = Custom(
            name=name[:100],
            category=category_of(name),
            pattern=expression,
            group=group,
            score=SCORE,
            entropy_min=_entropy(rule),
            keywords=_texts(rule, "keywords"),
            allow=tuple(each for one in allowed for each in one.value),
            allow_match=tuple(each for one in allowed for each in one.match),
            stop_words=tuple(each for one in allowed for each in one.words),
        )
    except (BadRules, BadGitleaks) as error:
        return None, [Skipped(name, f"it cannot be run: {error}")]
    return made, [*skipped, *([Skipped(name, why)] if why else [])]


_UNKNOWN_HERE = (
    ("path", "here are only texts, so it holds for every text"),
    ("required", "it holds whether or not other rules match close by"),
)


def _group(rule: Mapping[str, Any], expression: str) -> tuple[int, str]:
    """The group that holds the secret: the one that is named, else the only one; with several it cannot be told, and the whole match is taken."""
    groups = compiled(f"pattern {rule.get('id')!r}", expression).groups
    asked = rule.get("secretGroup", 0)
    if not isinstance(asked, int) or not 0 <= asked <= groups:
        raise BadGitleaks(f"there is no group {asked}")
    if asked or groups < 2:
        return asked or groups, ""
    return 0, "several groups and no secretGroup: the whole match is the value"


def _entropy(rule: Mapping[str, Any]) -> float:
    entropy = rule.get("entropy", 0.0)
    if isinstance(entropy, bool) or not isinstance(entropy, int | float):
        raise BadGitleaks("entropy is no number")
    return float(entropy)


def _tables(holder: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The allow-lists of a configuration or of a rule, in the old spelling (one table) and the new (a list of them)."""
    for key in ("allowlist", "allowlists"):
        value = holder.get(key, [])
        yield from (
            each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)
        )


def _allowed(entry: Mapping[str, Any], owner: str) -> tuple[_Allowed, list[Skipped]]:
    """What an allow-list lets stand, and which of it cannot be told from a text alone."""
    regexes, words = _texts(entry, "regexes"), _texts(entry, "stopwords")
    outside = [key for key in ("paths", "commits") if entry.get(key)]
    together = str(entry.get("condition", "OR")).upper() in ("AND", "&&")
    if together and (outside or (regexes and words)):
        return _Allowed(), [
            Skipped(owner, f"an allow-list that wants {_and(entry)} at once: it never applies here")
        ]
    skipped = [Skipped(owner, f"an allow-list of {key}: here are only texts") for key in outside]
    target = entry.get("regexTarget", "secret") or "secret"
    if target == "line" and regexes:
        return _Allowed(words=words), [
            *skipped,
            Skipped(owner, "an allow-list over the whole line: only the match and its value are looked at"),
        ]
    running = []
    for expression in regexes:
        try:
            compiled("allow-list", expression)
            running.append(expression)
        except BadRules as error:
            skipped.append(Skipped(owner, f"a part of an allow-list cannot be run: {error}"))
    given = tuple(running)
    return (
        _Allowed(match=given, words=words) if target == "match" else _Allowed(value=given, words=words)
    ), skipped


def _and(entry: Mapping[str, Any]) -> str:
    return " and ".join(key for key in ("paths", "commits", "regexes", "stopwords") if entry.get(key))


def _texts(holder: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = holder.get(key, [])
    if not isinstance(value, list):
        value = [value]
    return tuple(each for each in value if isinstance(each, str) and each)
