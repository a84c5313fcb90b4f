"""Plain text, Markdown, logs: one piece, changed in place."""

from collections.abc import Sequence
from dataclasses import dataclass

from ostiary.documents import slots
from ostiary.documents.document import Change, Document, Limits, Options, Piece
from ostiary.documents.encoding import decoded


@dataclass(frozen=True, slots=True)
class Text:
    """Whatever is read as one text."""

    name: str = "text"
    endings: tuple[str, ...] = (
        "txt",
        "text",
        "md",
        "markdown",
        "log",
        "rst",
        "ini",
        "conf",
        "yaml",
        "yml",
        "toml",
        "env",
        "sql",
    )

    def recognises(self, content: bytes) -> bool:
        return False

    def read(self, content: bytes, limits: Limits) -> Document:
        text = decoded(content).text
        return Document(self.name, (Piece(0, "text", text),) if text else ())

    def write(self, content: bytes, changes: Sequence[Change], options: Options, limits: Limits) -> bytes:
        source = decoded(content)
        return source.encoded(slots.spliced(source.text, changes))
