"""One round's segments as flat arrays: the human documents as often as their weight says, mostly about other people, and generated ones, all new each round."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from ostiary.detection.model_tokens import Lexicon, setting
from training import catalogues, generator, noise
from training.corpora import CORPORA
from training.data import Document, documents, examples, others_code, own_code
from training.names import Names

SUBSTITUTED = 0.7
"""Of the further copies of a human document, how many speak of other people, organisations and places."""


OTHERS_FILES = 150
CATALOGUE_TEXTS = 9_000
SOURCE = Path(__file__).parent.parent / "src" / "ostiary"


@dataclass(frozen=True, slots=True)
class Shard:
    """types (words, SLOTS); by token: words (row of types), settings, allowed (bit mask); segment i is tokens[offsets[i]:offsets[i + 1]]."""

    types: NDArray[np.int64]
    words: NDArray[np.int32]
    settings: NDArray[np.int8]
    allowed: NDArray[np.int64]
    offsets: NDArray[np.int64]

    @property
    def tokens(self) -> int:
        return len(self.words)


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded to the longest segment; mask is 1 where a token stands."""

    types: NDArray[np.int64]
    places: NDArray[np.int64]
    settings: NDArray[np.int64]
    allowed: NDArray[np.int64]
    mask: NDArray[np.float32]


def human(seed: int, avoid: frozenset[str]) -> Iterator[Document]:
    """The training side of every corpus, each document about `weight` times."""
    random = Random(seed)
    names = Names(random, avoid)
    for corpus in CORPORA:
        for document in documents(corpus, held_out=False):
            copies = int(corpus.weight) + (random.random() < corpus.weight % 1)
            yield document
            for _ in range(copies - 1):
                other = (
                    noise.substituted(document, random, names) if random.random() < SUBSTITUTED else document
                )
                yield noise.worn(noise.cased(other, random), random)
    yield from own_code(SOURCE)
    yield from others_code(seed, OTHERS_FILES)
    for document in catalogues.documents(seed, CATALOGUE_TEXTS):
        yield noise.worn(noise.cased(document, random), random)


def made(lexicon: Lexicon, seed: int, generated: int, avoid: frozenset[str]) -> Shard:
    """One round. `generated`: how many documents of our own."""
    known: dict[str, int] = {}
    words: list[int] = []
    settings: list[int] = []
    allowed: list[int] = []
    offsets = [0]
    for document in chain(human(seed, avoid), islice(generator.documents(seed, avoid), generated)):
        for example in examples(document):
            words += [known.setdefault(word, len(known)) for word in example.segment.words]
            settings += setting(example.segment)
            allowed += example.allowed
            offsets.append(len(words))
    types = np.array([lexicon._features(word) for word in known], np.int64)
    return Shard(
        types,
        np.array(words, np.int32),
        np.array(settings, np.int8),
        np.array(allowed, np.int64),
        np.array(offsets, np.int64),
    )


def batches(shard: Shard, tokens_max: int, seed: int) -> Iterator[Batch]:
    """Every segment once, in batches of like length, in an order that the seed decides."""
    draw = np.random.default_rng(seed)
    lengths = np.diff(shard.offsets)
    order = np.argsort(lengths + draw.random(len(lengths)), kind="stable")
    groups: list[list[int]] = [[]]
    for index in order.tolist():
        if (len(groups[-1]) + 1) * lengths[index] > tokens_max and groups[-1]:
            groups.append([])
        groups[-1].append(index)
    for number in draw.permutation(len(groups)).tolist():
        yield _batch(shard, np.array(groups[number]), lengths)


def _batch(shard: Shard, chosen: NDArray[np.int64], lengths: NDArray[np.int64]) -> Batch:
    sizes = lengths[chosen]
    steps = np.arange(int(sizes.max()))
    inside = steps < sizes[:, None]
    at = np.where(inside, shard.offsets[chosen][:, None] + steps, 0)
    used, places = np.unique(shard.words[at], return_inverse=True)
    allowed = np.where(inside, shard.allowed[at], 1)
    return Batch(
        shard.types[used],
        places.reshape(at.shape),
        shard.settings[at].astype(np.int64),
        allowed,
        inside.astype(np.float32),
    )
