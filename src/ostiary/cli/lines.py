"""Lines of a program that writes one and waits for its answer."""

from collections.abc import Iterator
from typing import BinaryIO

READ_BYTES = 256 * 1024
LINE_BYTES_MAX = 64 << 20
"""A longer line is a bad one: it would have to be held as a whole."""


def arriving(file: BinaryIO) -> Iterator[list[tuple[int, bytes | None]]]:
    """(number, line) of those that are not empty, as many at a time as have arrived; None for a line that is longer than LINE_BYTES_MAX, which is never held."""
    number, held, too_long = 0, b"", False
    while arrived := file.read1(READ_BYTES):  # type: ignore[attr-defined]
        *whole, held = (held + arrived).split(b"\n")
        lines: list[tuple[int, bytes | None]] = []
        for raw in whole:
            number += 1
            if not too_long and raw.strip():
                lines.append((number, raw))
            too_long = False
        if len(held) > LINE_BYTES_MAX:
            if not too_long:
                lines.append((number + 1, None))
            held, too_long = b"", True
        if lines:
            yield lines
    if held.strip() and not too_long:
        yield [(number + 1, held)]
