"""RFC 6962 and RFC 9162, against a tree computed by definition and against the vectors of transparency-dev/merkle."""

import base64
import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.audit import _rfc6962 as merkle

CORPORA = Path(os.environ.get("OSTIARY_CORPORA", Path(__file__).parents[3] / "shared" / "data"))
VECTORS = CORPORA / "crypto" / "merkle"
needs_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason="the vectors are not here (OSTIARY_CORPORA)")

LEAVES = [merkle.leaf_hash(str(number).encode()) for number in range(70)]


def by_definition(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + by_definition(leaves[:k]) + by_definition(leaves[k:])).digest()


def read(level: int, index: int) -> bytes:
    assert (index + 1) << level <= len(LEAVES)
    return by_definition(LEAVES[index << level : (index + 1) << level])


def test_the_hashes_are_those_of_the_standard() -> None:
    assert merkle.EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


def test_appending_gives_the_root_by_definition() -> None:
    frontier: list[bytes] = []
    for size, leaf in enumerate(LEAVES):
        assert merkle.root_of(frontier) == by_definition(LEAVES[:size])
        assert frontier == merkle.frontier(size, read)
        merkle.append(frontier, size, leaf)


def test_every_event_is_proven_in_every_tree_and_nowhere_else() -> None:
    for size in range(1, 40):
        root = by_definition(LEAVES[:size])
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, read)
            assert merkle.includes(index, size, LEAVES[index], proof, root)
            assert not merkle.includes(index, size, LEAVES[index + 1], proof, root)
            assert not merkle.includes(index, size, LEAVES[index], proof, by_definition(LEAVES[: size + 1]))
            assert not merkle.includes(index, size, LEAVES[index], [*proof, root], root)


def test_every_tree_extends_every_smaller_one() -> None:
    for second in range(1, 40):
        root = by_definition(LEAVES[:second])
        for first in range(1, second + 1):
            proof = merkle.consistency_proof(first, second, read)
            before = by_definition(LEAVES[:first])
            assert merkle.extends(first, second, before, root, proof)
            assert not merkle.extends(first, second, merkle.EMPTY, root, proof)
            assert not merkle.extends(first, second, before, merkle.EMPTY, proof)
            assert not merkle.extends(first, second, before, root, [*proof, root])


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 64), st.data())
def test_a_changed_proof_proves_nothing(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, read)
    if not proof:
        return
    at = data.draw(st.integers(0, len(proof) - 1))
    bit = data.draw(st.integers(0, 255))
    proof[at] = (int.from_bytes(proof[at], "big") ^ (1 << bit)).to_bytes(32, "big")
    assert not merkle.includes(index, size, LEAVES[index], proof, by_definition(LEAVES[:size]))


def test_what_is_not_in_the_tree_has_no_proof() -> None:
    for index, size in ((0, 0), (3, 3), (-1, 3)):
        with pytest.raises(ValueError, match="not in the tree"):
            merkle.inclusion_proof(index, size, read)
    for first, second in ((0, 3), (4, 3)):
        with pytest.raises(ValueError, match="first tree"):
            merkle.consistency_proof(first, second, read)


def vectors(kind: str) -> list[tuple[str, dict[str, Any]]]:
    files = sorted((VECTORS / kind).rglob("*.json"))
    return [(str(file.relative_to(VECTORS)), json.loads(file.read_text())) for file in files]


def raw(text: str | None) -> bytes:
    return base64.b64decode(text or "")


@needs_vectors
def test_the_inclusion_vectors() -> None:
    wrong = []
    for name, vector in vectors("inclusion"):
        proof = [raw(step) for step in vector["proof"] or []]
        index, size, leaf, root = vector["leafIdx"], vector["treeSize"], vector["leafHash"], vector["root"]
        if merkle.includes(index, size, raw(leaf), proof, raw(root)) == vector["wantErr"]:
            wrong.append(name)
    assert wrong == []


@needs_vectors
def test_the_consistency_vectors() -> None:
    wrong = []
    for name, vector in vectors("consistency"):
        proof = [raw(step) for step in vector["proof"] or []]
        sizes, roots = (vector["size1"], vector["size2"]), (raw(vector["root1"]), raw(vector["root2"]))
        if merkle.extends(*sizes, *roots, proof) == vector["wantErr"]:
            wrong.append(name)
    assert wrong == []
