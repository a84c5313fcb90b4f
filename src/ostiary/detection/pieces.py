"""A text of any length in bounded memory: it is cut into pieces that overlap, each is looked at alone, and what patterns find is what they find in the whole.

A finding belongs to the piece in whose own stretch it begins. Around its stretch a piece shows what a finding needs: BEFORE characters (context words), and
AFTER characters, more than the longest match. So pieces may be looked at in any order, by several processes. Stretches end at a paragraph where there is one. The model reads
sentences: where a stretch has to end within one, it may see it otherwise than in the whole, and a name is known again within its piece alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ostiary.detection.engine import MATCH_BYTES_MAX
from ostiary.detection.finding import Finding

STRETCH_CHARACTERS = 256 * 1024
BEFORE = 1024
AFTER = MATCH_BYTES_MAX + 2048
_ENDS = ("\n\n", "\n", ". ", " ")
"""Where a stretch would rather end, the best first."""


@dataclass(frozen=True, slots=True)
class Piece:
    """`text` begins at code point `offset` of the whole; its own stretch is `start` to `end` (exclusive) of the whole."""

    text: str
    offset: int
    start: int
    end: int

    @property
    def own(self) -> str:
        return self.text[self.start - self.offset : self.end - self.offset]


def pieces(chunks: Iterable[str], stretch: int = STRETCH_CHARACTERS) -> Iterator[Piece]:
    """The pieces of a text that comes in chunks of any size. At least one, for the empty text too."""
    held, offset, start = "", 0, 0
    for chunk in chunks:
        held += chunk
        while len(held) - (start - offset) >= stretch + AFTER:
            end = _end(held, start - offset, stretch) + offset
            yield Piece(held[: end - offset + AFTER], offset, start, end)
            keep = max(offset, end - BEFORE)
            held, offset, start = held[keep - offset :], keep, end
    yield Piece(held, offset, start, offset + len(held))


def _end(held: str, start: int, stretch: int) -> int:
    """Where the stretch ends: at the last paragraph, line, sentence or word of its second half, else where it is full."""
    for mark in _ENDS:
        at = held.rfind(mark, start + stretch // 2, start + stretch)
        if at >= 0:
            return at + len(mark)
    return start + stretch


def of_the_whole(looked_at: Iterable[tuple[Piece, list[Finding]]]) -> Iterator[tuple[Piece, list[Finding]]]:
    """The findings of pieces, given in their order, in code points of the whole: each once, by the piece in whose stretch it begins."""
    reached = 0
    for piece, findings in looked_at:
        kept = []
        for finding in findings:
            start, end = finding.start + piece.offset, finding.end + piece.offset
            if piece.start <= start < piece.end and start >= reached:
                kept.append(replace(finding, start=start, end=end))
                reached = end
        yield piece, kept
