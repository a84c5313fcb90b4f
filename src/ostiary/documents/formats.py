"""The formats, as a list. What a file is, its content says first, its name second: a PDF named `notes.txt` is a PDF."""

import re
from collections.abc import Mapping

from ostiary.documents.archive import Archive
from ostiary.documents.document import Format
from ostiary.documents.encoding import is_text
from ostiary.documents.images import IMAGE
from ostiary.documents.jsons import JSON, JSONL
from ostiary.documents.mail import Mail
from ostiary.documents.markup import HTML, XML
from ostiary.documents.opendocument import ODP, ODS, ODT
from ostiary.documents.outlook import MAGIC, Outlook
from ostiary.documents.pdf import PDF
from ostiary.documents.sheets import XLSX
from ostiary.documents.slides import PPTX
from ostiary.documents.table import CSV, TSV
from ostiary.documents.text import Text
from ostiary.documents.word import DOCX
from ostiary.errors import DocumentEncrypted, DocumentFormatUnknown

_ENCODED = re.compile(rb"^content-transfer-encoding:[ \t]*(?:base64|quoted-printable)", re.I | re.M)
_PROGRAMS = (b"{\\rtf", b"%!PS")
"""Text that is no text: RTF, PostScript."""


def by_name() -> Mapping[str, Format]:
    return {each.name: each for each in FORMATS}


def format_of(content: bytes, name: str) -> Format:
    """The format of a file. DocumentFormatUnknown; DocumentEncrypted for an office file with a password."""
    for each in FORMATS:
        if each.recognises(content):
            return each
    if content.startswith(MAGIC):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise DocumentEncrypted
        raise DocumentFormatUnknown("Save it in today's format first: .docx, .xlsx or .pptx.")
    if content.lstrip().startswith(_PROGRAMS):
        raise DocumentFormatUnknown("RTF and PostScript are not read: save it as .docx or .pdf first.")
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in MAIL.endings and _ENCODED.search(content):
        raise DocumentFormatUnknown("It has encoded parts, which are not read as plain text.")
    for each in FORMATS:
        if ending in each.endings:
            return each
    if is_text(content):
        return TEXT
    raise DocumentFormatUnknown


TEXT = Text()
MAIL = Mail(format_of)
MSG = Outlook(format_of)
ZIP = Archive(format_of)
FORMATS: tuple[Format, ...] = (
    PDF,
    IMAGE,
    DOCX,
    XLSX,
    PPTX,
    ODT,
    ODS,
    ODP,
    ZIP,
    MSG,
    MAIL,
    HTML,
    XML,
    CSV,
    TSV,
    JSON,
    JSONL,
    TEXT,
)
"""In the order in which they are asked. PDF and images stand before text, which takes anything that is UTF-8; packages of one document before archives of several."""
