"""What a document is to us: pieces of text in reading order, whatever the format, and changes of them. A format reads pieces and writes changes; nothing else knows it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """Who sees a piece. visible: every reader. hidden: nobody without a trick. metadata: what the file says of itself. attachment: a file within it."""

    VISIBLE = "visible"
    HIDDEN = "hidden"
    METADATA = "metadata"
    ATTACHMENT = "attachment"


@dataclass(frozen=True, slots=True)
class Box:
    """Where the code points start to end (exclusive) of a piece stand on a page, in points from its lower left corner; pages count from 1."""

    start: int
    end: int
    page: int
    left: float
    bottom: float
    right: float
    top: float


@dataclass(frozen=True, slots=True)
class Piece:
    """One run of text in reading order. `place` is for people: "page 2", "Sheet1!B4", "$.customer.name".

    hint: the name of the field, key or column that it stands in. prose: false for what is no language (attributes, numbers), where only patterns look.
    """

    number: int
    place: str
    text: str = field(repr=False)
    kind: Kind = Kind.VISIBLE
    boxes: tuple[Box, ...] = ()
    hint: str = ""
    prose: bool = True


@dataclass(frozen=True, slots=True)
class Carrier:
    """Something that `write` takes out whatever stands in it. what: "comments", "tracked changes", "macros"... count: how many of them."""

    what: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Document:
    """format: the name of the format that read it. pieces: numbered 0, 1, 2 ... in order. becomes: how the name of what is written ends, where that is another format."""

    format: str
    pieces: tuple[Piece, ...]
    carriers: tuple[Carrier, ...] = ()
    becomes: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """The code points start to end (exclusive) of a piece give way to the replacement. Changes of a piece do not overlap."""

    piece: int
    start: int
    end: int
    replacement: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A rectangle that a person drew: whatever stands there goes. In the same measure as a Box: points on a page of a PDF, pixels of a frame, from the lower left corner; pages count from 1."""

    page: int
    left: float
    bottom: float
    right: float
    top: float
    category: str = "drawn"


@dataclass(frozen=True, slots=True)
class Options:
    """strict: pages become pictures, without any text. drawn: areas to be blacked out, of formats that have pages."""

    strict: bool = False
    drawn: tuple[Drawn, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may cost. Every one is enforced, and each has its own error."""

    bytes_max: int = 64 * 1024 * 1024
    unpacked_bytes_max: int = 512 * 1024 * 1024
    nesting_max: int = 4
    """Documents within documents: attachments, archives, messages."""
    depth_max: int = 256
    """Elements, objects and lists within each other."""
    pieces_max: int = 500_000
    pages_max: int = 2_000
    pixels_max: int = 100_000_000
    seconds_max: int = 300
    memory_bytes_max: int = 4 * 1024 * 1024 * 1024


class Format(Protocol):
    """One format. `write` is given the content that `read` was, and changes of its pieces; both are pure and raise the errors of `errors.py` (document.*) and no others."""

    @property
    def name(self) -> str: ...

    @property
    def endings(self) -> tuple[str, ...]:
        """How names of such files end, without the dot, in lower case."""
        ...

    def recognises(self, content: bytes) -> bool:
        """Whether the content is surely this format, by its first bytes or its structure. False where only the name tells."""
        ...

    def read(self, content: bytes, limits: Limits) -> Document: ...

    def write(self, content: bytes, changes: Sequence[Change], options: Options, limits: Limits) -> bytes: ...
