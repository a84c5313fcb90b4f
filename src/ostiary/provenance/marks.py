"""What an answer leaves behind: marks, which are forms (`forms`) of its values with whether the field is trusted and who may read it. Pure.

A text that holds the answer as JSON (as MCP servers give it) is read as that JSON; a text deeper inside is only text, so that nobody can write
trusted fields into an untrusted one.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice

import orjson

from ostiary.actions import Action, JsonValue
from ostiary.evidence import EVERYBODY
from ostiary.provenance import forms

LEAVES_MAX = 2_000
MARKS_MAX = 4_000
"""Per answer: whole values come first, so that a long text does not push them out."""
TRUSTED_TEXT_CHARACTERS_MAX = 2_000
DOCUMENT_CHARACTERS_MAX = 1_000_000
TIES_PER_RECORD_MAX = 48
"""Those to what a record is called by first (its title stands before its description) come first, each to every value."""
WINDOWS_OVERLAP = 600
WORDS_MAX = 4_000
"""Of one answer, and of runs of them, that are looked at."""
NAME_CHARACTERS = range(3, 101)

_FILE = re.compile(r"([\w -]{1,80})\.[a-z0-9]{1,5}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(?:$|[T ]\d{2}:)")
_PARTS = re.compile(r"[^\W_]+")
Steps = tuple[str | int, ...]
COMMON = frozenset(
    [
        "a", "all", "an", "and", "any", "as", "at", "be", "by", "can", "could", "do", "each", "false", "for", "from", "he", "her", "his", "i", "in",
        "is", "it", "me", "my", "new", "no", "none", "not", "null", "of", "on", "one", "or", "please", "she", "some", "that", "the", "them", "they",
        "this", "to", "true", "two", "us", "we", "with", "yes", "you", "your",
    ]
)  # fmt: skip
"""Words of any sentence: that a sentence holds one explains nothing."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One form that an answer leaves. `whole`: it is a whole field. `readers`: who may read that field, None for no limit."""

    form: str
    trusted: bool
    whole: bool
    steps: Steps
    readers: frozenset[str] | None = None


def marks(action: Action, result: JsonValue) -> Iterator[Mark]:
    """What an answer leaves: whole values, then ties between the values of one record, then what stands inside texts. At most `MARKS_MAX`."""
    return islice(_marks(action, document_of(result)), MARKS_MAX)


def document_of(result: JsonValue) -> JsonValue:
    """The answer itself where it arrives as JSON in a text, or as the text content of an MCP result."""
    if isinstance(result, str):
        return _parsed(result)
    if isinstance(result, Mapping) and isinstance(result.get("content"), list):
        structured = result.get("structuredContent")
        if structured is not None:
            return structured
        return {**result, "content": [_content(block) for block in result["content"]]}
    return result


def _content(block: JsonValue) -> JsonValue:
    if isinstance(block, Mapping) and isinstance(block.get("text"), str):
        return {**block, "text": _parsed(block["text"])}
    return block


def _parsed(text: str) -> JsonValue:
    if text[:1] not in ("{", "[") or len(text) > DOCUMENT_CHARACTERS_MAX:
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _marks(action: Action, result: JsonValue) -> Iterator[Mark]:
    readers = Readers(action, result)
    texts: list[tuple[str, Steps, frozenset[str] | None]] = []
    for steps, value in islice(leaves(result), LEAVES_MAX):
        trusted = is_trusted(action.trusted_fields, steps)
        may_read = readers.of(steps)
        for form in dict.fromkeys(forms.exact(value) if trusted else forms.loose(value)):
            yield Mark(form, trusted, True, steps, may_read)
        if isinstance(value, str) and not trusted:
            texts.append((value, steps, may_read))
        elif isinstance(value, str) and not steps:
            for form in dict.fromkeys(form for item in _items(value) for form in forms.exact(item)):
                yield Mark(form, True, True, steps, may_read)
    for tied, steps in _ties(action, result):
        yield Mark(tied, True, True, steps)
    yield from _inside(texts)


def _inside(texts: Iterable[tuple[str, Steps, frozenset[str] | None]]) -> Iterator[Mark]:
    """What stands inside untrusted texts, each form once. What says where and how much comes first, of all of them: words do not push it out."""
    found: set[str] = set()
    layers = [
        (layer, depth, steps, readers)
        for text, steps, readers in texts
        for part in _windows(text)
        for depth, layer in enumerate(forms.layers(part))
    ]
    telling = (
        (form, steps, readers)
        for layer, depth, steps, readers in layers
        for form in chain(forms.exact(layer) if depth else (), forms.telling(layer))
    )
    words = (
        (form, steps, readers) for layer, _, steps, readers in layers for form in forms.words_inside(layer)
    )
    for form, steps, readers in chain(telling, islice(words, WORDS_MAX)):
        if form not in found:
            found.add(form)
            yield Mark(form, False, False, steps, readers)


def _windows(text: str) -> Iterator[str]:
    """A long text in parts that overlap, so that nothing is out of reach behind its beginning."""
    step = forms.TEXT_CHARACTERS_MAX - WINDOWS_OVERLAP
    yield from (
        text[at : at + forms.TEXT_CHARACTERS_MAX]
        for at in range(0, max(1, len(text) - WINDOWS_OVERLAP), step)
    )


def _items(text: str) -> Iterator[str]:
    """The items of an answer that is one trusted text: its lines, what stands between commas, and what follows a colon. Of a trusted field nothing but
    the whole counts: that a name may be trusted does not make a link in it so."""
    for line in text[:TRUSTED_TEXT_CHARACTERS_MAX].splitlines():
        parts = [line, *line.split(","), *line.split(": ", 1)[1:]]
        yield from (part for whole in parts for part in (whole.strip(), whole.strip(" -*.")) if part)


def _ties(action: Action, result: JsonValue) -> Iterator[tuple[str, Steps]]:
    """For each record, its trusted values tied to the short texts beside them: whoever names "Dental check-up" has named the id of that record.
    And each trusted value to those of its own words that no other value of the answer has: "External" names the channel External_0.
    A text that stands in many records of the answer names none of them."""
    records = list(islice(_records(result, ()), LEAVES_MAX))
    names = Counter(name for _, values in records for name in {name for _, name in _names(values)})
    rare = max(1, len(records) // 4)
    for _, values in records:
        own = [
            (steps, value)
            for steps, value in values
            if is_trusted(action.trusted_fields, steps) and _chooses(value)
        ]
        called = [found for found in _names(values) if names[found[1]] <= rare] if own else []
        every = ((name, steps, value) for at, name in called for steps, value in own if at != steps)
        for name, steps, value in islice(every, TIES_PER_RECORD_MAX):
            yield tie(value, name), steps
    yield from _own_ties(action, result)


def _chooses(value: JsonValue) -> bool:
    """Whether a value can say which or where: not one of two, nor a moment."""
    return not isinstance(value, bool | None) and not (isinstance(value, str) and _MOMENT.match(value))


def _own_ties(action: Action, result: JsonValue) -> Iterator[tuple[str, Steps]]:
    values = {
        str(value): steps
        for steps, value in islice(leaves(result), LEAVES_MAX)
        if isinstance(value, str)
        and len(value) in NAME_CHARACTERS
        and is_trusted(action.trusted_fields, steps)
    }
    parts = {value: set(_PARTS.findall(forms.plain(value))) - COMMON for value in values}
    having = Counter(part for own in parts.values() for part in own)
    for value, own in parts.items():
        for part in sorted(own):
            if having[part] == 1 and len(part) in NAME_CHARACTERS and part != forms.plain(value):
                yield tie(value, part), values[value]


def _names(values: Iterable[tuple[Steps, JsonValue]]) -> Iterator[tuple[Steps, str]]:
    """What a record may be called by: its short texts; of a file name also what stands before the ending, with spaces."""
    for steps, value in values:
        if isinstance(value, str) and len(value) in NAME_CHARACTERS:
            for name in dict.fromkeys((" ".join(forms.words(value)), *_runs(_without_ending(value)))):
                if len(name) in NAME_CHARACTERS and name not in COMMON:
                    yield steps, name


def _runs(name: str) -> Iterator[str]:
    """A name, and what people say of it for short: at least two of its first words."""
    found = name.split()
    yield from (" ".join(found[:count]) for count in range(len(found), 1, -1))
    yield name


def _without_ending(value: str) -> str:
    match = _FILE.fullmatch(forms.plain(value))
    return " ".join(_PARTS.findall(match.group(1))) if match else ""


def _records(value: JsonValue, steps: Steps) -> Iterator[tuple[Steps, list[tuple[Steps, JsonValue]]]]:
    """Each mapping of an answer with its own values and those of the lists directly below it."""
    if isinstance(value, Mapping):
        own = [
            ((*steps, key, *below), leaf)
            for key, child in value.items()
            if not isinstance(child, Mapping)
            for below, leaf in (leaves(child) if not _has_records(child) else ())
        ]
        yield steps, own
        for key, child in value.items():
            yield from _records(child, (*steps, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _records(child, (*steps, index))


def _has_records(value: JsonValue) -> bool:
    return isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value)


def tie(value: JsonValue, name: str) -> str:
    """The form of "this value stands in the record that is called so"."""
    return f"r:{forms.plain(str(value))}\x00{name}"


class Readers:
    """Who may read each value of one answer, as the contract's `readers` say."""

    def __init__(self, action: Action, result: JsonValue) -> None:
        self._rules = [(path_of(field), field, who) for field, who in action.readers.items()]
        self._result = result

    def of(self, steps: Steps) -> frozenset[str] | None:
        """The readers by the most exact rule that fits, None where none does or everybody may."""
        fitting = [(path, who) for path, field, who in self._rules if covers(path, field, steps)]
        if not fitting:
            return None
        _, who = max(fitting, key=lambda rule: len(rule[0]))
        if EVERYBODY in who:
            return None
        return frozenset(reader for one in who for reader in self._named(one, steps))

    def _named(self, one: str, steps: Steps) -> Iterator[str]:
        """A role stands for itself; a pointer for what the fields hold that it leads to, of the same items as the value's own."""
        if not one.startswith("/"):
            yield "role:" + one
            return
        for value in _at(self._result, path_of(one), steps):
            for _, leaf in leaves(value, keys=True):
                yield from forms.exact(leaf if isinstance(leaf, str) else str(leaf))


def path_of(field: str) -> tuple[str, ...]:
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in field.split("/")[1:])


def covers(path: tuple[str, ...], field: str, steps: Steps) -> bool:
    if field == EVERYBODY:
        return True
    if field.startswith("/"):
        return len(path) <= len(steps) and all(
            want in ("*", str(step)) for want, step in zip(path, steps, strict=False)
        )
    return field in steps


def _at(value: JsonValue, path: tuple[str, ...], steps: Steps) -> Iterator[JsonValue]:
    """What a pointer leads to. While it goes the way of `steps`, a `*` is the item of that way."""
    if not path:
        yield value
        return
    want, same = path[0], steps[:1]
    if isinstance(value, Mapping):
        keys = [want] if want in value else list(value) if want == "*" else []
        for key in keys:
            yield from _at(value[key], path[1:], steps[1:] if same == (key,) else ())
    elif isinstance(value, list):
        if want == "*" and same and isinstance(same[0], int):
            items = [same[0]]
        else:
            items = [index for index in range(len(value)) if want in ("*", str(index))]
        for index in items:
            yield from _at(value[index], path[1:], steps[1:] if same == (index,) else ())


def is_trusted(fields: frozenset[str], steps: Steps) -> bool:
    """A field is named by its key (the nearest above the value), by a pointer in which `*` is any step, or by `*`, which is the whole answer."""
    if not fields or EVERYBODY in fields:
        return bool(fields)
    nearest = next((step for step in reversed(steps) if isinstance(step, str)), "")
    return nearest in fields or any(
        _matches(path_of(field), steps) for field in fields if field.startswith("/")
    )


def _matches(path: tuple[str, ...], steps: Steps) -> bool:
    return len(path) == len(steps) and all(
        want in ("*", str(step)) for want, step in zip(path, steps, strict=True)
    )


def leaves(value: JsonValue, steps: Steps = (), *, keys: bool = False) -> Iterator[tuple[Steps, JsonValue]]:
    """The values that are neither mapping nor list. `keys`: and the keys of mappings, which hold data in some answers."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            if keys:
                yield (*steps, key), key
            yield from leaves(child, (*steps, key), keys=keys)
    elif isinstance(value, list | tuple):
        for index, child in enumerate(value):
            yield from leaves(child, (*steps, index), keys=keys)
    else:
        yield steps, value
