"""The formats, as a list. What a file is, its content says first, its name second: a PDF named `notes.txt` is a PDF."""

from collections.abc import Mapping

from ostiary.documents.document import Format
from ostiary.documents.encoding import is_text
from ostiary.documents.jsons import JSON, JSONL
from ostiary.documents.sheets import XLSX
from ostiary.documents.slides import PPTX
from ostiary.documents.table import CSV, TSV
from ostiary.documents.text import Text
from ostiary.documents.word import DOCX
from ostiary.errors import DocumentFormatUnknown

TEXT = Text()
FORMATS: tuple[Format, ...] = (DOCX, XLSX, PPTX, CSV, TSV, JSON, JSONL, TEXT)
"""In the order in which they are asked. PDF and images stand before text, which takes anything that is UTF-8."""


def by_name() -> Mapping[str, Format]:
    return {each.name: each for each in FORMATS}


def format_of(content: bytes, name: str) -> Format:
    """The format of a file. DocumentFormatUnknown."""
    for each in FORMATS:
        if each.recognises(content):
            return each
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    for each in FORMATS:
        if ending in each.endings:
            return each
    if is_text(content):
        return TEXT
    raise DocumentFormatUnknown
