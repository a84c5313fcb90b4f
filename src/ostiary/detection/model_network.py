"""The network at run time: embeddings of words, four gated convolutions over their neighbours, the best valid sequence of tags. NumPy alone.

Segments lie one after another in one matrix, with rows of zeros between them as wide as the widest dilation: so every convolution is three large
products whatever the lengths, and nothing is padded to the longest. Weights are stored as int8 with one scale a row and unpacked when they are read.
"""

import io
import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ostiary.detection.model_labels import BEGIN, END, INSIDE, LABELS, OUTSIDE, SINGLE, TAGS
from ostiary.detection.model_tokens import CASINGS, GAPS, Lexicon, Segment, Vectored, setting

Floats: TypeAlias = NDArray[np.float32]
Integers: TypeAlias = NDArray[np.int64]

FORMAT = 3
_NOT_WEIGHTS = frozenset({"head", "hashes", "rows"})
CACHED_ROWS_MAX = 30_000
"""Words whose summed embedding is kept: 30,000 x 96 floats are 11 MB."""


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens first (included) to last (excluded) of one segment, and the mean probability that each is of that label."""

    segment: int
    first: int
    last: int
    label: str
    score: float


@dataclass(slots=True)
class Network:
    """embedding (rows, width), context (GAPS * CASINGS, width), layers: a (3, width, rank) kernel, a (rank, 2 width) mix and a bias each, output (width, TAGS)."""

    lexicon: Lexicon
    dilations: tuple[int, ...]
    weights: Mapping[str, Floats]
    _rows: dict[str, int] = field(default_factory=dict)
    _table: Floats = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    @property
    def width(self) -> int:
        return int(self.weights["embedding"].shape[1])

    def find(self, segments: Sequence[Segment]) -> list[Span]:
        """The spans of every segment, in order."""
        if not segments:
            return []
        layout = _layout(segments, max(self.dilations))
        logits = self.logits(segments, layout)
        tags = _tags(logits, layout)
        return _spans(tags, logits, layout)

    def logits(self, segments: Sequence[Segment], layout: "_Layout") -> Floats:
        """(layout.rows, TAGS); rows between segments are without meaning."""
        x = self._embedded(segments, layout)
        gap = layout.gap
        for number, dilation in enumerate(self.dilations):
            kernel = self.weights[f"kernel{number}"]
            inner = x[gap : gap + layout.rows]
            narrow = x[gap - dilation : gap - dilation + layout.rows] @ kernel[0]
            narrow += inner @ kernel[1]
            narrow += x[gap + dilation : gap + dilation + layout.rows] @ kernel[2]
            both = narrow @ self.weights[f"mix{number}"]
            both += self.weights[f"bias{number}"]
            value, gate = both[:, : self.width], both[:, self.width :]
            value *= _sigmoid(gate)
            value *= layout.mask
            inner += value
        out: Floats = x[gap : gap + layout.rows] @ self.weights["output"] + self.weights["output_bias"]
        return out

    def _embedded(self, segments: Sequence[Segment], layout: "_Layout") -> Floats:
        """(gap + rows + gap, width), normalised, zero where no token stands."""
        x = np.zeros((layout.rows + 2 * layout.gap, self.width), np.float32)
        rows = np.fromiter(self._indexes(segments), np.int64, layout.tokens)
        settings = np.fromiter((s for segment in segments for s in setting(segment)), np.int64, layout.tokens)
        summed = self._table[rows]
        summed += self.weights["context"][settings]
        summed -= summed.mean(axis=1, keepdims=True)
        summed *= 1.0 / np.sqrt(
            np.einsum("ij,ij->i", summed, summed)[:, None] / self.width + np.float32(1e-5)
        )
        summed *= self.weights["gain"]
        summed += self.weights["shift"]
        x[layout.gap + layout.positions] = summed
        return x

    def _indexes(self, segments: Sequence[Segment]) -> list[int]:
        """A row of the table for each token; the table holds the sum of a word's embeddings and grows by the words that are new."""
        words = [word for segment in segments for word in segment.words]
        if len(self._rows) > CACHED_ROWS_MAX:
            self._rows.clear()
        known = self._rows
        fresh = [word for word in dict.fromkeys(words) if word not in known]
        if fresh:
            ids = np.array([self.lexicon.features(word) for word in fresh], np.int64)
            table = self.weights["embedding"][ids].sum(axis=1, dtype=np.float32)
            self._table = np.concatenate([self._table[: len(known)].reshape(len(known), self.width), table])
            for word in fresh:
                known[word] = len(known)
        return [known[word] for word in words]


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the tokens stand: `positions` of each token among `rows`; segments begin at `begins`, `lengths` long; `gap` empty rows after each."""

    positions: Integers
    begins: Integers
    lengths: Integers
    rows: int
    gap: int
    mask: Floats

    @property
    def tokens(self) -> int:
        return len(self.positions)


def _layout(segments: Sequence[Segment], gap: int) -> _Layout:
    lengths = np.array([len(segment.words) for segment in segments], np.int64)
    ends = np.cumsum(lengths + gap)
    begins = ends - lengths - gap
    positions = np.repeat(begins - (np.cumsum(lengths) - lengths), lengths) + np.arange(int(lengths.sum()))
    mask = np.zeros((int(ends[-1]), 1), np.float32)
    mask[positions] = 1.0
    return _Layout(positions, begins, lengths, int(ends[-1]), gap, mask)


def _sigmoid(x: Floats) -> Floats:
    with np.errstate(over="ignore"):
        out: Floats = np.exp(-x)
        out += 1.0
        np.reciprocal(out, out=out)
    return out


def _valid_pairs() -> NDArray[np.bool_]:
    """[before, after]: whether one tag may follow the other. Outside stands for both ends of a segment too."""
    valid = np.zeros((TAGS, TAGS), np.bool_)
    for before in range(TAGS):
        for after in range(TAGS):
            opened = before != OUTSIDE and (before - 1) % 4 in (BEGIN, INSIDE)
            goes_on = after != OUTSIDE and (after - 1) % 4 in (INSIDE, END)
            same = before != OUTSIDE and after != OUTSIDE and (before - 1) // 4 == (after - 1) // 4
            valid[before, after] = (goes_on and same) if opened else not goes_on
    return valid


_VALID = _valid_pairs()


def _tags(logits: Floats, layout: _Layout) -> Integers:
    """The best valid tags of every row. Where the best tag of each token alone is a valid sequence, it is that one; only the others are searched."""
    tags = np.zeros(layout.rows, np.int64)
    tags[layout.positions] = logits[layout.positions].argmax(axis=1)
    following = np.concatenate([tags[1:], [OUTSIDE]])
    preceding = np.concatenate([[OUTSIDE], tags[:-1]])
    wrong = ~_VALID[tags, following] | ~_VALID[preceding, tags]
    if not wrong.any():
        return tags
    owners = np.unique(np.searchsorted(layout.begins, np.flatnonzero(wrong), side="right") - 1)
    begins, lengths = layout.begins[owners], layout.lengths[owners]
    steps = int(lengths.max())
    places = begins[:, None] + np.arange(steps)
    inside = np.arange(steps) < lengths[:, None]
    scores = logits[np.minimum(places, layout.rows - 1)]
    scores[~inside] = -1e4
    scores[~inside, OUTSIDE] = 0.0
    best = viterbi(scores)
    tags[places[inside]] = best[inside]
    return tags


def viterbi(scores: Floats) -> Integers:
    """The best valid sequence of each row. scores: (batch, steps, TAGS). Linear in the tags, because what may follow is a matter of open or closed."""
    batch, steps, _ = scores.shape
    rows = np.arange(batch)
    columns = [1 + np.arange(len(LABELS)) * 4 + place for place in range(4)]
    came = np.zeros((steps, batch, TAGS), np.int64)
    best = np.full((batch, TAGS), -1e9, np.float32)
    best[:, OUTSIDE] = 0.0
    for step in range(steps):
        closing = np.concatenate([[OUTSIDE], columns[END], columns[SINGLE]])
        closed = closing[best[:, closing].argmax(axis=1)]
        closed_score = best[rows, closed][:, None]
        opened = np.where(
            best[:, columns[BEGIN]] >= best[:, columns[INSIDE]], columns[BEGIN], columns[INSIDE]
        )
        opened_score = np.take_along_axis(best, opened, axis=1)
        following = np.empty_like(best)
        for place, before, score in (
            (BEGIN, closed[:, None], closed_score),
            (SINGLE, closed[:, None], closed_score),
            (INSIDE, opened, opened_score),
            (END, opened, opened_score),
        ):
            following[:, columns[place]] = score + scores[:, step, columns[place]]
            came[step][:, columns[place]] = before
        following[:, OUTSIDE] = closed_score[:, 0] + scores[:, step, OUTSIDE]
        came[step][:, OUTSIDE] = closed
        best = following
    closing = np.concatenate([[OUTSIDE], columns[END], columns[SINGLE]])
    path = np.zeros((batch, steps), np.int64)
    path[:, -1] = closing[best[:, closing].argmax(axis=1)]
    for step in range(steps - 1, 0, -1):
        path[:, step - 1] = came[step][rows, path[:, step]]
    return path


def _spans(tags: Integers, logits: Floats, layout: _Layout) -> list[Span]:
    named = np.flatnonzero(tags)
    if not len(named):
        return []
    exponents = np.exp(logits[named] - logits[named].max(axis=1, keepdims=True))
    by_label = exponents[:, 1:].reshape(len(named), len(LABELS), 4).sum(axis=2)
    labels = (tags[named] - 1) // 4
    certain = by_label[np.arange(len(named)), labels] / exponents.sum(axis=1)
    places = (tags[named] - 1) % 4
    firsts = np.flatnonzero((places == BEGIN) | (places == SINGLE))
    lasts = np.flatnonzero((places == END) | (places == SINGLE)) + 1
    summed = np.concatenate([[0.0], np.cumsum(certain)])
    means = (summed[lasts] - summed[firsts]) / (lasts - firsts)
    owners = np.searchsorted(layout.begins, named[firsts], side="right") - 1
    begin = named[firsts] - layout.begins[owners]
    return [
        Span(int(owner), int(first), int(first + length), LABELS[label], float(score))
        for owner, first, length, label, score in zip(
            owners, begin, lasts - firsts, labels[firsts], means, strict=True
        )
    ]


def packed(weights: Mapping[str, Floats], lexicon: Lexicon, dilations: Sequence[int]) -> bytes:
    """The file's content: a JSON head, then arrays as NumPy writes them. Matrices become int8 with a scale for each row of their first axes."""
    arrays: dict[str, Any] = {}
    for name, each in weights.items():
        if each.ndim < 2:
            arrays[name] = each.astype(np.float32)
            continue
        axis = 1 if name in ("embedding", "context") else each.ndim - 2
        scale = np.abs(each).max(axis=axis, keepdims=True) / 127 + np.float32(1e-12)
        arrays[name] = np.rint(each / scale).astype(np.int8)
        arrays[f"{name}.scale"] = scale.astype(np.float32)
    words = sorted(lexicon.vocabulary, key=lambda word: lexicon.vocabulary[word])
    head = {
        "format": FORMAT,
        "labels": LABELS,
        "dilations": list(dilations),
        "vocabulary": words,
        "listed": [f"{word}\t{bits}" for word, bits in sorted(lexicon.listed.items())],
    }
    out = io.BytesIO()
    text = np.frombuffer(json.dumps(head, ensure_ascii=False).encode(), np.uint8)
    np.savez_compressed(
        out,
        head=text,
        hashes=np.array(lexicon.vectored.hashes, np.uint32),
        rows=np.array(lexicon.vectored.rows, np.uint16),
        **arrays,
    )
    return out.getvalue()


def unpacked(content: bytes) -> Network:
    """The network that `packed` wrote. Raises ValueError where the file is of another format or for other labels."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        head = json.loads(arrays["head"].tobytes())
        if head["format"] != FORMAT or tuple(head["labels"]) != LABELS:
            raise ValueError("the model's weights are of another format")
        weights = {
            name: np.ascontiguousarray(
                arrays[name].astype(np.float32) * arrays[f"{name}.scale"]
                if f"{name}.scale" in arrays.files
                else arrays[name]
            )
            for name in arrays.files
            if name not in _NOT_WEIGHTS and not name.endswith(".scale")
        }
        vectored = Vectored(array("I", arrays["hashes"].tobytes()), array("H", arrays["rows"].tobytes()))
    if len(weights["context"]) != GAPS * CASINGS:
        raise ValueError("the model's weights are of another format")
    listed = dict(line.rsplit("\t", 1) for line in head["listed"])
    lexicon = Lexicon(
        {word: row for row, word in enumerate(head["vocabulary"], start=1)},
        {word: int(bits) for word, bits in listed.items()},
        vectored,
    )
    if len(weights["embedding"]) != lexicon.rows:
        raise ValueError("the model's weights are of another format")
    return Network(lexicon, tuple(head["dilations"]), weights)
