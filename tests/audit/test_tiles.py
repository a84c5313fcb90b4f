"""Tiles hold the whole tree: any node of it comes from one of them, at any size."""

import pytest

from ostiary.audit import tiles
from ostiary.audit._rfc6962 import (
    append,
    consistency_proof,
    extends,
    includes,
    inclusion_proof,
    leaf_hash,
    root_of,
)

LEAVES = [leaf_hash(str(number).encode()) for number in range(66_100)]
MARKS = (1, 2, 255, 256, 257, 511, 512, 513, 4096, 65_535, 65_536, 65_537, 66_100)


def grown(*sizes: int) -> tuple[tiles.Tree, dict[tuple[int, int], bytes]]:
    """A tree that grew through these sizes, with what it stored."""
    tree, stored = tiles.Tree(), {}
    for size in sizes:
        stored |= tree.extend(LEAVES[tree.size : size])
    return tree, stored


def root_at(size: int) -> bytes:
    frontier: list[bytes] = []
    for number in range(size):
        append(frontier, number, LEAVES[number])
    return root_of(frontier)


def test_the_tree_is_the_same_however_it_grew() -> None:
    at_once, stored_at_once = grown(66_100)
    in_steps, stored_in_steps = grown(*MARKS)
    assert (at_once.root(), at_once.open_tiles) == (in_steps.root(), in_steps.open_tiles)
    assert stored_at_once == stored_in_steps
    assert at_once.root() == root_at(66_100)
    assert sorted(stored_at_once)[-2:] == [(1, 1), (2, 0)]
    assert {len(stored_at_once[0, number]) for number in range(258)} == {256 * 32}
    assert len(stored_at_once[0, 258]) == (66_100 - 258 * 256) * 32


def test_a_stored_tree_is_loaded_where_it_stood() -> None:
    for mark in MARKS:
        tree, stored = grown(mark)
        loaded = tiles.load(mark, lambda level, number, stored=stored: stored[level, number])
        assert (loaded.root(), loaded.frontier) == (tree.root(), tree.frontier)
        loaded.extend(LEAVES[mark : mark + 3])
        tree.extend(LEAVES[mark : mark + 3])
        assert loaded.root() == tree.root()


def test_proofs_come_from_tiles_at_any_size() -> None:
    _, stored = grown(66_100)

    def read(level: int, index: int) -> bytes:
        return tiles.read_node(level, index, lambda *tile: stored[tile])

    for index, size in ((0, 1), (0, 66_100), (66_099, 66_100), (256, 257), (300, 65_537), (65_535, 65_536)):
        assert includes(index, size, LEAVES[index], inclusion_proof(index, size, read), root_at(size))
    for first, second in ((1, 66_100), (256, 512), (257, 65_537), (65_536, 66_100)):
        proof = consistency_proof(first, second, read)
        assert extends(first, second, root_at(first), root_at(second), proof)


def test_a_copy_does_not_touch_its_original() -> None:
    tree, _ = grown(300)
    before = tree.root()
    tree.copy().extend(LEAVES[300:700])
    assert (tree.size, tree.root()) == (300, before)


def test_a_node_that_is_not_complete_is_not_there() -> None:
    _, stored = grown(300)
    with pytest.raises(KeyError):
        tiles.read_node(0, 300, lambda *tile: stored[tile])
    with pytest.raises(KeyError):
        tiles.read_node(3, 37, lambda *tile: stored[tile])
