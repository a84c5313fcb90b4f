"""Comparing: what is known about the values of a call. Pure; the memory and the person's words are handed in.

A call's values are looked up among the marks that answers left (`marks`) and in the person's own words. Explaining is strict and accusing is loose (see
`forms`): a value is `said` or `trusted` only by its exact forms, and `untrusted` or `tainted` in every disguise that is known.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Protocol

from ostiary.actions import Action, JsonValue, Shape
from ostiary.evidence import SINKS, Evidence, Kind, Label, Origin
from ostiary.provenance import forms
from ostiary.provenance.asked import asked
from ostiary.provenance.disguise import decoded, is_disguised, skeleton
from ostiary.provenance.marks import COMMON, NAME_CHARACTERS, Steps, covers, path_of, tie
from ostiary.shapes import pointer

EXPLAINED_MAX = 200
NAMED_CANDIDATES_MAX = 600
SHINGLE_WORDS = 4
SHINGLES_MAX = 8_000
PIECES_CHARACTERS_MAX = 64
PIECE_CHARACTERS_MIN = 4

_QUOTED = re.compile(
    r"\"([^\"]{1,2000})\"|“([^”]{1,2000})”|«([^»]{1,2000})»|(?<!\w)'([^']{1,2000})'(?!\w)|`([^`]{1,2000})`"
)


_RUN_ON = re.compile(r"(?<=[a-z]{2})\.(?=[A-Z][a-z]+ )")
"""A full stop without its space: "on www.example.com.They said"."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is remembered of one form, over all answers that left it. A value may have been seen both in trusted and in untrusted fields."""

    trusted: bool
    untrusted: bool
    whole: bool
    source: str
    readers: frozenset[str] | None = None
    excerpt: str = ""


class Memory(Protocol):
    """What an actor has read. `clean`: nothing untrusted so far, and nothing of it lost."""

    @property
    def clean(self) -> bool: ...

    def look(self, form: str) -> Seen | None:
        """What is remembered of this form, None for nothing."""
        ...

    def reader(self, form: str) -> str:
        """A reader's form as `Seen.readers` holds it: the memory keeps fingerprints of people, not their addresses."""
        ...


def explain(
    action: Action, params: JsonValue, memory: Memory | None, words: Sequence[str], *, session: str = ""
) -> Evidence:
    """All that is known about a call. `words`: the person's own texts in this session, empty without one."""
    said = Said(words)
    found = _values(action, params)
    origins = [_origin(action, steps, value, memory, said) for steps, value in islice(found, EXPLAINED_MAX)]
    more = sum(1 for _ in found)
    if more:
        told = f"and {more} more value{'s' if more > 1 else ''}, in the exact request"
        origins.append(Origin(origins[-1].name, "", told, Kind.UNEXPLAINED))
    return Evidence(
        session=session,
        intent=bool(words),
        asked=asked(words, action),
        clean=memory.clean if memory else False,
        outsiders=_outsiders(origins, memory) if memory else (),
        origins=tuple(origins),
        complete=more == 0 and not any(_is_too_long(origin.value) for origin in origins),
    )


def _values(action: Action, params: JsonValue) -> Iterator[tuple[Steps, JsonValue]]:
    """The values of a call, and the keys of its mappings that no schema names: who writes `{"ada@example.com": "editor"}` chooses both."""
    yield from _with_keys(_property_names(action.params), params, ())


def _with_keys(named: frozenset[str], value: JsonValue, steps: Steps) -> Iterator[tuple[Steps, JsonValue]]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            if key not in named:
                yield (*steps, key), key
            yield from _with_keys(named, child, (*steps, key))
    elif isinstance(value, list | tuple):
        for index, child in enumerate(value):
            yield from _with_keys(named, child, (*steps, index))
    else:
        yield steps, value


@lru_cache(maxsize=1_024)
def _property_names(shape: Shape) -> frozenset[str]:
    """Every name that the schema itself gives to a property."""
    found: set[str] = set()
    rest: list[JsonValue] = [shape.schema()]
    while rest:
        part = rest.pop()
        if isinstance(part, Mapping):
            named = part.get("properties")
            found |= set(named) if isinstance(named, Mapping) else set()
            rest += part.values()
        elif isinstance(part, list):
            rest += part
    return frozenset(found)


def _is_too_long(value: JsonValue) -> bool:
    return isinstance(value, str) and len(value) > forms.TEXT_CHARACTERS_MAX


class Said:
    """The person's words, ready to be compared with."""

    def __init__(self, texts: Sequence[str]) -> None:
        words = [_RUN_ON.sub(". ", text) for text in texts]
        self.forms = {form for text in words for form in (*forms.inside(text), *forms.exact(text))}
        quoted = [next(filter(None, found)) for text in words for found in _QUOTED.findall(text)]
        self.forms |= {form for text in quoted for form in forms.exact(text)}
        self._amounts = {form for text in words for form in forms.amounts(text)}
        self._plain = " \n ".join(forms.plain(text) for text in words)
        self._names: list[str] | None = None

    def holds(self, made: Iterable[str]) -> bool:
        """Whether the person said the value of these exact forms: in one of them, or word for word."""
        return any(
            form[2:] not in COMMON
            and (form in self.forms or (form.startswith("t:") and self._stands(form[2:])))
            for form in made
        )

    def amounts_to(self, made: Iterable[str]) -> bool:
        """Whether the person gave this number as one, and not as a part of a date or of an account."""
        numbers = [form for form in made if form.startswith("n:")]
        return not self._amounts.isdisjoint(numbers) if numbers else self.holds(made)

    def names(self) -> list[str]:
        """What the person may have called a record: what they quoted, and the runs of up to eight words."""
        if self._names is None:
            runs = dict.fromkeys(
                " ".join(found[start : start + count])
                for found in [forms.words(line) for line in self._plain.split("\n")]
                for count in range(8, 0, -1)
                for start in range(len(found) - count + 1)
            )
            self._names = [run for run in runs if len(run) in NAME_CHARACTERS and run not in COMMON]
        return self._names[:NAMED_CANDIDATES_MAX]

    def _stands(self, text: str) -> bool:
        """Whether the text stands in the words between two boundaries, so that a part of an address or a number does not count."""
        if len(text) < 2 or (text.isdigit() and len(text) <= forms.BARE_DIGITS_MAX):
            return False  # too short to mean the same thing everywhere
        at = self._plain.find(text)
        while at >= 0:
            rest = self._plain[at + len(text) :][:2]
            if not _goes_on(self._plain[:at][-1:]) and (not _joins(rest[:1]) or _ends(rest)):
                return True
            at = self._plain.find(text, at + 1)
        return False


def _ends(rest: str) -> bool:
    """A full stop or a colon that ends the sentence and not the value."""
    return rest[:1] in (".", ":") and not rest[1:].strip()


def _joins(character: str) -> bool:
    return bool(character) and (character.isalnum() or character in "_@/+-.:%&=~")


def _goes_on(character: str) -> bool:
    """Whether what stands before is a part of the same address: a query, a fragment."""
    return _joins(character) or (bool(character) and character in "?#")


def _origin(action: Action, steps: Steps, value: JsonValue, memory: Memory | None, said: Said) -> Origin:
    name = str(steps[0]) if steps else ""
    label = label_of(action, steps)
    look = memory.look if memory else _nothing
    made = _explaining(value, label)
    seen = [one for form in made if (one := look(form))]
    trusted = next((one for one in seen if one.trusted), None)
    shadow = _shadow(value, look, label)
    parts = _parts(value, look, said) if isinstance(value, str) and label not in SINKS else Parts()
    kind = Kind.UNEXPLAINED
    if said.amounts_to(made) if label == Label.AMOUNT else said.holds(made):
        kind = Kind.SAID
    elif trusted:
        kind = Kind.TRUSTED
    elif shadow or parts.untrusted:
        kind = Kind.UNTRUSTED
    source = trusted if kind is Kind.TRUSTED else shadow or parts.untrusted
    readers = _meet([one.readers for one in (*seen, *parts.seen)])
    return Origin(
        name=name,
        pointer=pointer(*steps),
        value=value,
        kind=kind,
        source=source.source if source and kind is not Kind.SAID else "",
        label=label,
        whole=bool(source and source.whole),
        excerpt=source.excerpt if source else "",
        readers=readers,
        tainted=bool(shadow or parts.untrusted),
        named=kind is Kind.TRUSTED and any(look(tie(value, run)) for run in said.names()),
        carries=parts.carries,
        disguised=isinstance(value, str) and (is_disguised(value) and kind is not Kind.SAID),
        constant=isinstance(value, bool) or value is None or value == "",
    )


def _explaining(value: JsonValue, label: str) -> list[str]:
    """The forms by which a value is explained. Where it says where something goes, a number is a name: 7 items are not item 7."""
    if label not in SINKS:
        return list(forms.exact(value))
    text = "" if value is None or isinstance(value, bool) else str(value)
    return [form for form in forms.exact(text) if not form.startswith("n:")]


def _nothing(form: str) -> Seen | None:
    return None


def label_of(action: Action, steps: Steps) -> str:
    """The label of the pointer that fits the most steps; a label of a parameter holds for all inside it."""
    best, deepest = "", -1
    for field, label in action.labels.items():
        path = path_of(field)
        if len(path) > deepest and covers(path, field, steps):
            best, deepest = str(label), len(path)
    if not best and steps and str(steps[0]) in action.sinks:
        return Label.ID
    return best


def _shadow(value: JsonValue, look: "Look", label: str) -> Seen | None:
    """Where untrusted text named this value, in whatever disguise, or in pieces."""
    sink = label in SINKS
    for form in dict.fromkeys(forms.loose(value)):
        if not (sink and form.startswith("n:")) and (one := look(form)) and one.untrusted:
            return one
    if sink and isinstance(value, str):
        return _in_pieces(value, look)
    return None


def _in_pieces(value: str, look: "Look") -> Seen | None:
    """A sink that was put together from words of untrusted texts: the first of its pieces. Of the pieces that are long enough to mean something."""
    text = skeleton(forms.plain(value)).replace(" ", "")
    if not 2 * PIECE_CHARACTERS_MIN <= len(text) <= PIECES_CHARACTERS_MAX:
        return None
    reached: dict[int, Seen | None] = {0: None}
    for start in range(len(text)):
        if start not in reached:
            continue
        for end in range(start + PIECE_CHARACTERS_MIN, len(text) + 1):
            if end in reached or (start == 0 and end == len(text)):
                continue
            one = look("t:" + text[start:end].strip(".@/:-_"))
            if one and one.untrusted and not one.trusted:
                reached[end] = reached[start] or one
    return reached.get(len(text))


@dataclass(frozen=True, slots=True)
class Parts:
    """What was found inside a text. untrusted: one part that untrusted text had. carries: an address that nothing explains. seen: all that was found."""

    untrusted: Seen | None = None
    carries: bool = False
    seen: tuple[Seen, ...] = ()


def _parts(text: str, look: "Look", said: Said) -> Parts:
    """The addresses in a text, also encoded ones, and its runs of words."""
    text = text[: forms.TEXT_CHARACTERS_MAX]
    untrusted: Seen | None = None
    carries = False
    found: list[Seen] = []
    layers = [skeleton(text), *decoded(text)]
    for address in (one for layer in layers for one in forms.addresses(layer)):
        looked = [one for form in forms.loose(address) if (one := look(form))]
        found += looked
        if said.holds(forms.exact(address)) or any(one.trusted and not one.untrusted for one in looked):
            continue
        carries = True
        untrusted = untrusted or next((one for one in looked if one.untrusted), None)
    for form in islice((form for layer in layers for form in _runs(layer)), SHINGLES_MAX):
        one = look(form)
        if one:
            found.append(one)
            if one.untrusted and not one.trusted and form not in said.forms:
                untrusted = untrusted or one
    return Parts(untrusted, carries, tuple(found))


def _runs(text: str) -> Iterator[str]:
    """Runs of words long enough to be somebody's, and the single words that only one place has: those with several digits."""
    found = forms.words(text)
    for index, word in enumerate(found):
        if index + SHINGLE_WORDS <= len(found):
            yield "t:" + " ".join(found[index : index + SHINGLE_WORDS])
        if sum(map(str.isdigit, word)) >= PIECE_CHARACTERS_MIN:
            yield "t:" + word
    if 1 < len(found) < SHINGLE_WORDS:
        yield "t:" + " ".join(found)


def _meet(readers: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    """Who may read all of it."""
    met: frozenset[str] | None = None
    for one in readers:
        if one is not None:
            met = one if met is None else met & one
    return met


def _outsiders(origins: Iterable[Origin], memory: Memory) -> tuple[str, ...]:
    """The recipients who may not read all that is sent. Where nobody is named, whoever gets it is not among the readers."""
    every = list(origins)
    limits = [one.readers for one in every if one.readers is not None and one.label not in SINKS]
    if not limits:
        return ()
    to = [one for one in every if one.label in (Label.RECIPIENT, Label.ADDRESS, Label.URL, Label.ACCOUNT)]
    return tuple(
        one.pointer for one in to if not all(limit & _names_of(one.value, memory) for limit in limits)
    )


def _names_of(recipient: JsonValue, memory: Memory) -> frozenset[str]:
    return frozenset(memory.reader(form) for form in forms.exact(recipient))


class Look(Protocol):
    def __call__(self, form: str, /) -> Seen | None: ...
