"""What a column holds, by a sample of its distinct values and its name.

A value of digits alone is a card or a tax number by chance as well (one number in ten passes a check digit), so such a category counts where half of the values are of it,
or, if the column's name speaks of it, a tenth. What has a form of its own (an address of mail, a key) counts from one value in twenty. Names of people, streets and
places have no form: there the column's name decides, and the values must look like it. Long texts are read like any text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.detection.engine import detect, find
from ostiary.detection.fields import field_of, named_of
from ostiary.detection.finding import Finding
from ostiary.detection.rules import RuleSet
from ostiary.redaction.structured import by_field, hint_of
from ostiary.scanning.found import Found, apart
from ostiary.scanning.place import Sample

DIGITS_SHARE_MIN = 0.5
HINTED_SHARE_MIN = 0.1
FORM_SHARE_MIN = 0.05
NAMED_SHARE_MIN = 0.6
PROSE_WORDS_MIN = 7
"""A value of so many words is a text, where names and places are looked for as well."""
PROSE_VALUES_MAX = 40
PROSE_CHARACTERS_MAX = 600


@dataclass(frozen=True, slots=True)
class Held:
    """What a sample says of its column. share: of the category that most values have."""

    counts: Mapping[str, int]
    distinct: Mapping[str, int]
    share: float


def held(sample: Sample, rules: RuleSet, distinct_max: int, *, names: bool = True) -> Held:
    """The categories of a column, with how many of the sampled values are of them."""
    values = [value for value in sample.values if value.strip()]
    if not values:
        return Held({}, {}, 0.0)
    hint = hint_of(sample.name)
    found, digits = Found(distinct_max), Found(distinct_max)
    prose = [value[:PROSE_CHARACTERS_MAX] for value in values if _is_prose(value)][:PROSE_VALUES_MAX]
    read = dict(zip(prose, detect(prose, rules), strict=True)) if names else {}
    for value in values:
        more = read.get(value[:PROSE_CHARACTERS_MAX], ()) if _is_prose(value) else ()
        for category, of_digits in _categories(value, hint, rules, more).items():
            (digits if of_digits else found).add(category, value)
    named = _by_name(sample.name, values, rules)
    counts = _kept(found.counts, len(values), 0.0 if prose else FORM_SHARE_MIN)
    hinted = field_of(hint) is not None
    counts |= _kept(digits.counts, len(values), HINTED_SHARE_MIN if hinted else DIGITS_SHARE_MIN)
    if named is not None:
        counts[named] = max(counts.get(named, 0), len(values))
    distinct = {category: min(count, len(values)) for category, count in counts.items()}
    return Held(counts, distinct, max(distinct.values(), default=0) / len(values))


def _categories(value: str, hint: str, rules: RuleSet, more: list[Finding] | tuple[()]) -> dict[str, bool]:
    """The categories of one value, each with whether what was found is digits alone."""
    whole = by_field(value, hint) if field_of(hint) else None
    if whole is not None and rules.wants(whole.category):
        return {str(whole.category): _is_digits(value)}
    findings = apart([*find(value, hint, rules), *more])
    return {str(each.category): _is_digits(value[each.start : each.end]) for each in findings}


def _is_digits(text: str) -> bool:
    return not any(letter.isalpha() or letter in "@+:" for letter in text)


def _is_prose(value: str) -> bool:
    return value.count(" ") >= PROSE_WORDS_MIN


def _kept(counts: Mapping[str, int], values: int, share_min: float) -> dict[str, int]:
    return {category: count for category, count in counts.items() if count >= share_min * values}


_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def _by_name(name: str, values: list[str], rules: RuleSet) -> str | None:
    words = " ".join(_WORDS.findall(name[:100])).lower()
    rule = named_of(words)
    if rule is None or not rules.wants(rule.category):
        return None
    fitting = sum(rule.form.fullmatch(value.strip()) is not None for value in values)
    return rule.category if fitting >= NAMED_SHARE_MIN * len(values) else None
