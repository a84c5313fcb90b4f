"""Words of a model, as people write them: what each may mean."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ostiary.semantics.model import Dataset, Field, Model

PHRASE_WORDS_MAX = 8
_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_KEPT = frozenset(["this", "his", "status", "bus", "gas", "news", "series", "address", "business", "sales", "is", "has", "was", "as", "us", "plus", "yes", "always"])  # fmt: skip
_ENDING_IN_E = frozenset(["axes", "caches", "calories", "cookies", "headaches", "movies", "niches", "pies", "rookies", "ties"])  # fmt: skip
_ENDING_IN_S = frozenset(["aliases", "atlases", "biases", "canvases", "gases", "lenses"])
"""Plurals whose words are told from their looks by nobody: a movie, but a country; an alias, but a purchase."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """`metric` (name), `dataset` (dataset), `field` (dataset, name) or `value` (dataset, name, value)."""

    kind: Literal["metric", "dataset", "field", "value"]
    dataset: str = ""
    name: str = ""
    value: str = ""


def stem(word: str) -> str:
    """Without a plural."""
    if word in _KEPT or len(word) < 3 or f"{word}es" in _ENDING_IN_S:
        return word
    if word.endswith("ies"):
        return word[:-1] if word in _ENDING_IN_E else word[:-3] + "y"
    if word in _ENDING_IN_S or (re.search(r"(ss|x|ch|sh|zz|[^aou]us)es$", word) and word not in _ENDING_IN_E):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def phrase(text: str) -> tuple[str, ...]:
    """`sbTxAmount`, `tx_amounts` and `Tx amount` are the same words."""
    return tuple(stem(each.lower()) for each in _PIECES.findall(text))


class Lexicon:
    """Of one model; built once for it."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._meanings: dict[tuple[str, ...], list[Meaning]] = {}
        for said, meaning in self._said():
            self._keep(said, meaning)
        known = set(self._meanings)
        for said, meaning in self._also_said():
            if said not in known:
                self._keep(said, meaning)
        self.longest = max(map(len, self._meanings), default=1)

    def _keep(self, said: tuple[str, ...], meaning: Meaning) -> None:
        if said and len(said) <= PHRASE_WORDS_MAX:
            found = self._meanings.setdefault(said, [])
            if meaning not in found:
                found.append(meaning)

    def _also_said(self) -> Iterator[tuple[tuple[str, ...], Meaning]]:
        """What is said where it means nothing else: the name of a region, Italian food."""
        for dataset in self.model.datasets:
            for each in (dataset.name, *dataset.synonyms):
                yield (*phrase(each), "name"), Meaning("dataset", dataset.name)
                yield ("name", "of", *phrase(each)), Meaning("dataset", dataset.name)
            for field in dataset.fields:
                called = [phrase(word) for word in (field.name, *field.synonyms)]
                if field.kind in ("text", ""):
                    yield from (
                        ((*said, "name"), Meaning("field", dataset.name, field.name)) for said in called
                    )
                for word, value in field.values.items():
                    meant = Meaning("value", dataset.name, field.name, value)
                    yield from (((*phrase(word), *said), meant) for said in called)

    def _said(self) -> Iterator[tuple[tuple[str, ...], Meaning]]:
        for metric in self.model.metrics:
            for word in (metric.name, *metric.synonyms):
                yield phrase(word), Meaning("metric", name=metric.name)
        for dataset in self.model.datasets:
            for word in (dataset.name, *dataset.synonyms):
                yield phrase(word), Meaning("dataset", dataset.name)
            for field in dataset.fields:
                yield from self._of_field(dataset, field)

    def _of_field(self, dataset: Dataset, field: Field) -> Iterator[tuple[tuple[str, ...], Meaning]]:
        meant = Meaning("field", dataset.name, field.name)
        for word in (field.name, *field.synonyms):
            said = phrase(word)
            yield said, meant
            for called in (dataset.name, *dataset.synonyms):
                yield (*phrase(called), *said), meant  # customer name
                yield (*said, "of", *phrase(called)), meant  # name of customers
        for word, value in field.values.items():
            yield phrase(word), Meaning("value", dataset.name, field.name, value)
            yield (*phrase(field.name), *phrase(word)), Meaning("value", dataset.name, field.name, value)

    def at(self, words: list[str], start: int) -> tuple[int, list[Meaning]]:
        """The longest phrase of the model that begins here: how many words, and what it may mean."""
        for length in range(min(self.longest, len(words) - start), 0, -1):
            found = self._meanings.get(tuple(words[start : start + length]))
            if found:
                return length, found
        return 0, []

    def all(self) -> Mapping[tuple[str, ...], list[Meaning]]:
        return self._meanings

    def naming(self, dataset: str) -> tuple[Field, ...]:
        """The fields that tell one row of the dataset from another, for people: what it is called by, and its key where several may be called so. None, where nothing is a name."""
        known = self.model.dataset(dataset)
        if known is None:
            return ()
        own = phrase(known.name)
        called = {
            ("name",),
            ("title",),
            ("label",),
            own,
            *((*own, each) for each in ("name", "title", "label")),
        }
        named = [field for field in known.fields if phrase(field.name) in called][:1]
        named = named or [field for field in known.fields if phrase(field.name) in (("first", "name"), ("last", "name"))]  # fmt: skip
        if not named:
            ending = [field for field in known.fields if phrase(field.name)[-1:] == ("name",)]
            named = ending if len(ending) == 1 else []
        keys = [field for name in known.key if (field := known.field(name)) and field not in named]
        return (*keys, *named) if named else ()

    def times(self, dataset: str) -> list[Field]:
        known = self.model.dataset(dataset)
        return [field for field in known.fields if field.kind == "time"] if known else []
