"""Hostile documents: each ends in one clear error, with bounded memory and time, in a process of its own."""

import io
import time
import zipfile

import pytest

from ostiary.documents import confined, sandbox
from ostiary.documents.document import Limits
from ostiary.documents.redacting import Settings
from ostiary.errors import (
    DocumentEncrypted,
    DocumentFormatUnknown,
    DocumentMalformed,
    DocumentTooDeep,
    DocumentTookTooLong,
    DocumentTooLarge,
    DocumentTooManyPieces,
    DocumentUnpacksTooLarge,
    OstiaryError,
)
from tests.documents.given import MAIL, RULES, SETTINGS


def limited(**given: int) -> Settings:
    return Settings(rules=RULES, limits=Limits(**given))


ENTITIES = b'<!DOCTYPE a [<!ENTITY b "lol"><!ENTITY c "&b;&b;&b;&b;"><!ENTITY d SYSTEM "file:///etc/passwd">]><a>&c;&d;</a>'


def word(*, xml: bytes, more: str = "word/more.xml") -> bytes:
    """A package that looks like Word's, with this as its document."""
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    types = f'<Types><Override PartName="/word/document.xml" ContentType="{kind}"/></Types>'
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", types)
        package.writestr("word/document.xml", xml)
        package.writestr(more, "x")
    return made.getvalue()


def test_a_child_process_gives_the_same_as_the_function() -> None:
    done = sandbox.redacted_apart(f"to {MAIL}".encode(), "a.txt", SETTINGS)
    assert done.content == b"to [email]"
    assert [(each.place, each.category) for each in done.found] == [("text", "email")]


@pytest.mark.parametrize(
    ("content", "name", "settings", "error"),
    [
        (b"x" * 2000, "a.txt", limited(bytes_max=1000), DocumentTooLarge),
        (b"[" * 100_000 + b"]" * 100_000, "a.json", SETTINGS, DocumentTooDeep),
        (b"[" * 300 + b"]" * 300, "a.json", SETTINGS, DocumentTooDeep),
        (b"a,b\n" * 100, "a.csv", limited(pieces_max=50), DocumentTooManyPieces),
        (b"\x00\x01\x02\xff\xfe", "a.bin", SETTINGS, DocumentFormatUnknown),
        (b'{"a": NaN', "a.json", SETTINGS, DocumentMalformed),
        (
            b"a log\r\nContent-Transfer-Encoding: base64\r\n\r\nemVi",
            "a.txt",
            SETTINGS,
            DocumentFormatUnknown,
        ),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512), "a.doc", SETTINGS, DocumentFormatUnknown),
        (
            bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le"),
            "a.docx",
            SETTINGS,
            DocumentEncrypted,
        ),
        (word(xml=ENTITIES), "a.docx", SETTINGS, DocumentMalformed),
        (word(xml=b"<a>" * 400 + b"</a>" * 400), "a.docx", SETTINGS, DocumentTooDeep),
        (word(xml=b"<a>"), "a.docx", SETTINGS, DocumentMalformed),
        (word(xml=b"<a/>")[:-40], "a.docx", SETTINGS, DocumentMalformed),
        (word(xml=b"<a/>", more="word/../../x"), "a.docx", SETTINGS, DocumentMalformed),
        (
            word(xml=b" " * 20_000_000 + b"<a/>"),
            "a.docx",
            limited(unpacked_bytes_max=1_000_000),
            DocumentUnpacksTooLarge,
        ),
    ],
)
def test_each_ends_in_its_error(
    content: bytes, name: str, settings: Settings, error: type[OstiaryError]
) -> None:
    with pytest.raises(error):
        sandbox.redacted_apart(content, name, settings)


def test_a_process_that_takes_too_long_is_killed() -> None:
    begun = time.monotonic()
    with pytest.raises(DocumentTookTooLong):
        sandbox.redacted_apart(b"a@marsh.example " * 3_000_000, "a.txt", limited(seconds_max=1))
    assert time.monotonic() - begun < 20


def test_the_child_opens_no_socket_and_writes_no_file(tmp_path) -> None:
    for event, arguments in [
        ("socket.connect", ()),
        ("subprocess.Popen", ()),
        ("open", (str(tmp_path / "x"), "wb", 0)),
    ]:
        with pytest.raises(PermissionError):
            confined.refuse(event, arguments)
    confined.refuse("open", ("x", "rb", 0))
