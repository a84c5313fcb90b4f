"""The tree in tiles (C2SP tlog-tiles): each holds up to 256 hashes of one level that is a multiple of 8, and any node is computed from one tile.

`Tree` is the right edge of a log in memory: enough to append and to know the root. What it appends comes out as the tiles that changed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ostiary.audit._rfc6962 import HASH_BYTES, node_hash, root_of
from ostiary.audit._rfc6962 import frontier as frontier_of

HEIGHT = 8
WIDTH = 1 << HEIGHT
LEVELS_MAX = 8
"""Tile levels of the largest log: 2**63 events."""

OpenTiles = dict[int, bytes]
"""The tiles at the right edge that are not full yet, by tile level: all it takes to go on with a log."""

ReadTile = Callable[[int, int], bytes]
"""The hashes of tile (level, number), joined; a partial tile has fewer than 256. Raises KeyError when there is none."""


@dataclass(slots=True)
class Tree:
    """A log's right edge: its size, its frontier and the tiles that are not full yet, by tile level."""

    size: int = 0
    frontier: list[bytes] = field(default_factory=list)
    open_tiles: OpenTiles = field(default_factory=dict)

    def root(self) -> bytes:
        return root_of(self.frontier)

    def copy(self) -> "Tree":
        return Tree(self.size, self.frontier.copy(), self.open_tiles.copy())

    def extend(self, leaves: list[bytes]) -> dict[tuple[int, int], bytes]:
        """Append leaf hashes; returns the tiles that changed, by (level, number)."""
        edge: dict[int, list[bytes]] = {}
        frontier, size = self.frontier, self.size
        for leaf in leaves:
            edge.setdefault(0, []).append(leaf)
            level, rest, node = 0, size, leaf
            while rest & 1:
                node = node_hash(frontier.pop(), node)
                rest >>= 1
                level += 1
                if level % HEIGHT == 0:
                    edge.setdefault(level // HEIGHT, []).append(node)
            frontier.append(node)
            size += 1
        changed: dict[tuple[int, int], bytes] = {}
        for level, hashes in edge.items():
            self._lay(level, hashes, changed)
        self.size = size
        return changed

    def _lay(self, level: int, hashes: list[bytes], changed: dict[tuple[int, int], bytes]) -> None:
        """Put new hashes of one tile level into its open tile, and into new ones as they fill."""
        held = (self.size >> (HEIGHT * level)) // WIDTH  # the number of the tile that was open before
        row = self.open_tiles.get(level, b"") + b"".join(hashes)
        full = WIDTH * HASH_BYTES
        for begin in range(0, len(row), full):
            changed[level, held + begin // full] = row[begin : begin + full]
        self.open_tiles[level] = row[len(row) - len(row) % full :]


def load(size: int, read_tile: ReadTile) -> Tree:
    """The right edge of a stored log."""
    return edge(size, {level: read_tile(level, number) for level, number in open_numbers(size).items()})


def open_numbers(size: int) -> dict[int, int]:
    """Of each tile level that has an open tile in a log of this size, the number of that tile."""
    counts = {level: size >> HEIGHT * level for level in range(LEVELS_MAX)}
    return {level: count // WIDTH for level, count in counts.items() if count % WIDTH}


def edge(size: int, open_tiles: OpenTiles) -> Tree:
    """The right edge of a log whose open tiles these are; they may hold more hashes than a log of this size. Raises KeyError when one is missing."""
    kept = {
        level: open_tiles[level][: (size >> HEIGHT * level) % WIDTH * HASH_BYTES]
        for level in open_numbers(size)
    }
    frontier = frontier_of(size, lambda level, index: read_node(level, index, lambda at, _: kept[at]))
    return Tree(size, frontier, kept)


def read_node(level: int, index: int, read_tile: ReadTile) -> bytes:
    """The hash of the perfect subtree (level, index), from the one tile that holds its leaves' level. Raises KeyError when it is not stored."""
    tile_level, above = divmod(level, HEIGHT)
    first = index << above
    tile = read_tile(tile_level, first // WIDTH)
    begin = first % WIDTH * HASH_BYTES
    row = [tile[at : at + HASH_BYTES] for at in range(begin, begin + (HASH_BYTES << above), HASH_BYTES)]
    if len(row[-1]) != HASH_BYTES:
        raise KeyError((level, index))
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]
