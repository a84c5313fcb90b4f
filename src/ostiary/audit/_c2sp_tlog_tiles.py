"""Where tiles and entry bundles stand, and how bundles are written (C2SP tlog-tiles). Pure.

A number is written in path elements of three digits, all but the last with an `x` before them (1234067: `x001/x234/067`); a tile that is not full says how
many hashes it holds (`.p/17`). Each path has one spelling, and any other is no path.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

WIDTH = 256
LEVEL_MAX = 63
ENTRY_BYTES_MAX = 65_535
# Six elements number 10^18 tiles: more than a log of 2^63 events has.
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<number>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class TilePath:
    """One tile, or with `level` None the bundle of entries below one of level 0. `width` is 256 for a full one."""

    level: int | None
    number: int
    width: int = WIDTH


def number_path(number: int) -> str:
    """`x001/x234/067`."""
    digits = str(number)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "".join(f"x{part}/" for part in parts[:-1]) + parts[-1]


def tile_path(tile: TilePath) -> str:
    """Below the log's own address."""
    level = "entries" if tile.level is None else str(tile.level)
    partial = "" if tile.width == WIDTH else f".p/{tile.width}"
    return f"tile/{level}/{number_path(tile.number)}{partial}"


def read_path(path: str) -> TilePath | None:
    """The reverse of `tile_path`; None for anything that is not exactly what it writes."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    level = None if found["level"] == "entries" else int(found["level"])
    number = int(re.sub("[x/]", "", found["number"]))
    tile = TilePath(level, number, int(found["width"] or WIDTH))
    sound = (level is None or level <= LEVEL_MAX) and (found["width"] is None or tile.width < WIDTH)
    return tile if sound and tile_path(tile) == path else None


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries, each with its length before it (2 bytes, big endian). Raises ValueError for one that is too long."""
    parts = []
    for entry in entries:
        if len(entry) > ENTRY_BYTES_MAX:
            raise ValueError("an entry of a bundle has at most 65,535 bytes")
        parts.append(len(entry).to_bytes(2, "big") + entry)
    return b"".join(parts)
