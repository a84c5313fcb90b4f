"""A network to go on from, out of the weights in the package: so that what it learnt at length is kept when it is made narrower.

int8 costs next to nothing of it. What the file holds of word vectors is the product of the vectors with one matrix, which least squares give back. A layer whose
products are to be of a lower rank begins as the best of that rank (Eckart and Young), and learns the rest again.
"""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ostiary.detection.model_labels import LABELS
from ostiary.detection.model_tokens import Lexicon
from training import vectors
from training.model import Tagger

Floats = NDArray[np.float32]


def read(path: Path, dropout: float, rank: int) -> tuple[Tagger, str]:
    """The network with layers of that rank, and the SHA-256 of the file. Raises ValueError where it is of other labels or word vectors."""
    content = path.read_bytes()
    head, weights = _unpacked(content)
    known, table = vectors.read()
    lexicon = Lexicon(
        {word: row for row, word in enumerate(head["vocabulary"], start=1)},
        {word: int(bits) for word, bits in (line.rsplit("\t", 1) for line in head["listed"])},
        known,
    )
    if tuple(head["labels"]) != LABELS or len(weights["embedding"]) != lexicon.own_rows + len(table):
        raise ValueError("the weights are of other labels or word vectors")
    width = weights["embedding"].shape[1]
    tagger = Tagger(lexicon, width, head["dilations"], dropout, torch.from_numpy(table), rank)
    with torch.no_grad():
        _fill(tagger, weights, lexicon.own_rows, rank)
    return tagger, hashlib.sha256(content).hexdigest()


def _unpacked(content: bytes) -> tuple[dict[str, list[str]], dict[str, Floats]]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        weights = {
            name: arrays[name].astype(np.float32) * arrays[f"{name}.scale"]
            if f"{name}.scale" in arrays.files
            else arrays[name]
            for name in arrays.files
            if name not in {"head", "hashes", "rows"} and not name.endswith(".scale")
        }
        return json.loads(arrays["head"].tobytes()), weights


def _fill(tagger: Tagger, weights: dict[str, Floats], own: int, rank: int) -> None:
    embedding = weights["embedding"]
    tagger.embedding.weight.copy_(torch.from_numpy(embedding[:own]))
    tagger.unknown.copy_(torch.from_numpy(embedding[own]))
    solved = np.linalg.lstsq(tagger.vectors.numpy()[1:], embedding[own + 1 :], rcond=None)[0]
    tagger.turned.weight.copy_(torch.from_numpy(solved.T.copy()))
    tagger.context.weight.copy_(torch.from_numpy(weights["context"]))
    tagger.norm.weight.copy_(torch.from_numpy(weights["gain"]))
    tagger.norm.bias.copy_(torch.from_numpy(weights["shift"]))
    for number in range(len(tagger.layers)):
        kernel, mix = _of_rank(weights, number, rank)
        tagger.layers[number].weight.copy_(torch.from_numpy(kernel).permute(2, 1, 0))
        tagger.mixes[number].weight.copy_(torch.from_numpy(mix).t()[:, :, None])
        tagger.mixes[number].bias.copy_(torch.from_numpy(weights[f"bias{number}"]))
    tagger.output.weight.copy_(torch.from_numpy(weights["output"]).t())
    tagger.output.bias.copy_(torch.from_numpy(weights["output_bias"]))


def _of_rank(weights: dict[str, Floats], number: int, rank: int) -> tuple[Floats, Floats]:
    """(3, width, rank) and (rank, 2 width): what comes nearest to the layer's own product."""
    kernel = weights[f"kernel{number}"]
    if f"mix{number}" in weights:
        kernel = kernel @ weights[f"mix{number}"]
    taps, width, wide = kernel.shape
    left, values, right = np.linalg.svd(kernel.reshape(taps * width, wide), full_matrices=False)
    root = np.sqrt(values[:rank])
    narrow = (left[:, :rank] * root).reshape(taps, width, rank)
    return np.ascontiguousarray(narrow), np.ascontiguousarray(root[:, None] * right[:rank])
