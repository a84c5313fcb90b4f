"""What the network's search and packing promise, on random numbers."""

import itertools

import pytest

from ostiary.detection.model_labels import TAGS, spans, tag
from ostiary.detection.model_tokens import Lexicon, segments

np = pytest.importorskip("numpy", reason="the model needs NumPy")
network = pytest.importorskip("ostiary.detection.model_network")


def test_viterbi_finds_the_best_of_all_valid_sequences() -> None:
    draw = np.random.default_rng(7)
    chosen = [0, *(tag("person", place) for place in range(4)), tag("date", 0), tag("date", 2)]
    for _ in range(20):
        scores = np.full((1, 4, TAGS), -100.0, np.float32)
        scores[0][:, chosen] = draw.normal(size=(4, len(chosen)))
        valid = [
            path
            for path in itertools.product(chosen, repeat=4)
            if all(network._VALID[one, two] for one, two in itertools.pairwise((0, *path, 0)))
        ]
        best = max(valid, key=lambda path: sum(scores[0, step, each] for step, each in enumerate(path)))
        assert network.viterbi(scores)[0].tolist() == list(best)


def test_neighbouring_segments_do_not_touch() -> None:
    draw = np.random.default_rng(3)
    lexicon = Lexicon({}, {})
    shapes = {"embedding": (lexicon.rows, 8), "context": (16, 8), "gain": (8,), "shift": (8,), "output": (8, TAGS), "output_bias": (TAGS,)}  # fmt: skip
    for number in range(2):
        shapes |= {f"kernel{number}": (3, 8, 6), f"mix{number}": (6, 16), f"bias{number}": (16,)}
    weights = {name: draw.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    model = network.Network(lexicon, (1, 3), weights)
    one, two = (
        next(segments("Ada met Grace in Rome")),
        next(segments("On Monday it rained, and nobody came.")),
    )
    together = [
        (span.first, span.last, span.label, round(span.score, 4))
        for span in model.find([one, two, one])
        if span.segment == 1
    ]
    alone = [(span.first, span.last, span.label, round(span.score, 4)) for span in model.find([two])]
    assert together == alone != []


def test_tags_become_spans() -> None:
    tags = [0, tag("person", 0), tag("person", 1), tag("person", 2), tag("date", 3), tag("date", 3), 0]
    assert spans(tags) == [(1, 4, "person"), (4, 5, "date"), (5, 6, "date")]


def test_eight_bits_are_close_to_the_numbers() -> None:
    draw = np.random.default_rng(5)
    lexicon = Lexicon({}, {})
    weights = {
        "embedding": draw.normal(size=(lexicon.rows, 8)).astype(np.float32),
        "context": draw.normal(size=(16, 8)).astype(np.float32),
        "kernel0": draw.normal(size=(3, 8, 6)).astype(np.float32),
        "mix0": draw.normal(size=(6, 16)).astype(np.float32),
        "gain": draw.normal(size=8).astype(np.float32),
    }
    back = network.unpacked(network.packed(weights, lexicon, (1,)))
    for name, array in weights.items():
        assert np.abs(back.weights[name] - array).max() < np.abs(array).max() / 200
