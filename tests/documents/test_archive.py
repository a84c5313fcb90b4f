"""ZIP archives: every file by its own format, names as pieces, nothing between them; and archives made to hurt."""

import io
import struct
import zipfile
from dataclasses import replace

import pytest

from ostiary.documents import formats
from ostiary.documents.document import Limits
from ostiary.documents.redacting import Settings, redact
from ostiary.documents.sandbox import redacted_apart
from ostiary.errors import (
    DocumentEncrypted,
    DocumentFormatUnknown,
    DocumentMalformed,
    DocumentTooDeep,
    DocumentTooManyPieces,
    DocumentUnpacksTooLarge,
)
from tests.documents.given import CARD, NAME, SETTINGS
from tests.documents.test_mail import message, residues
from tests.documents.test_office import word


def archive(*files: tuple[str | zipfile.ZipInfo, bytes], comment: bytes = b"") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in files:
            package.writestr(name, data)
        package.comment = comment
    return made.getvalue()


def opened(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.testzip() is None
        return {name: package.read(name) for name in package.namelist()}


def link(name: str) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = 0o120777 << 16
    return made


def test_files_names_and_what_lies_between() -> None:
    extra = zipfile.ZipInfo("b.json")
    extra.extra, extra.comment = struct.pack("<HH", 0x9999, 9) + b"Zebedeux!", NAME.encode()
    given = archive(
        ("people/Zebedeux_Quillfeather.txt", f"to {NAME}".encode()),
        ("people/zebedeux-quillfeather.txt", b"second"),
        (extra, f'{{"who": "{NAME}"}}'.encode()),
        ("letters/a.docx", word()),
        ("mail.eml", message().as_bytes()),
        ("again.zip", archive((f"{NAME}.csv", f"card\n{CARD}\n".encode()))),
        (link("link.txt"), f"/home/{NAME}".encode()),
        comment=NAME.encode(),
    )
    done = redact(given, "a.zip", SETTINGS)
    assert residues(done.content) == []
    files = opened(done.content)
    assert list(files) == [
        "people/[person].txt",
        "people/[person] (2).txt",
        "b.json",
        "letters/a.docx",
        "mail.eml",
        "again.zip",
    ]
    assert (files["people/[person].txt"], files["b.json"]) == (b"to [person]", b'{"who": "[person]"}')
    assert opened(files["again.zip"]) == {"[person].csv": b"card\n[card]\n"}
    carriers = {each.what: each.count for each in done.carriers}
    assert (carriers["extra fields"], carriers["links"]) == (1, 1)
    assert carriers["comments"] >= 2
    assert formats.format_of(files["letters/a.docx"], "").name == "docx"


def test_names_that_lead_out_of_it() -> None:
    names = ("../../etc/passwd.txt", "/abs.txt", "C:\\x\\y.txt", "a/./b//c.txt", "..", "con\x01.txt")
    done = redact(archive(*((name, b"x") for name in names)), "a.zip", SETTINGS)
    assert list(opened(done.content)) == [
        "etc/passwd.txt",
        "abs.txt",
        "x/y.txt",
        "a/b/c.txt",
        "file",
        "con_.txt",
    ]


def test_what_cannot_be_read_is_named_by_its_type_alone() -> None:
    given = archive((f"{NAME}.exe", b"MZ\0\1"), ("b.txt", b"x"), (NAME, b"\0\1\2"))
    with pytest.raises(DocumentFormatUnknown) as refused:
        redact(given, "a.zip", SETTINGS)
    assert refused.value.detail == "It holds files of types that are not read: .exe, one without an ending."


def test_packages_that_are_one_document_are_none() -> None:
    for inside in ("mimetype", "META-INF/manifest.xml", "[Content_Types].xml"):
        with pytest.raises(DocumentFormatUnknown):
            formats.format_of(archive((inside, b"x"), ("a.txt", b"y")), "a")


def encrypted() -> bytes:
    given = bytearray(archive(("a.txt", b"x")))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        given[given.index(mark) + at] |= 1
    return bytes(given)


def overlapping() -> bytes:
    """Many names for the same bytes."""
    given = archive(("a.txt", b"x" * 100_000))
    directory = given.index(b"PK\x01\x02")
    entry, end = given[directory : given.rindex(b"PK\x05\x06")], given[given.rindex(b"PK\x05\x06") :]
    entries = b"".join(entry.replace(b"a.txt", b"%05d" % n) for n in range(500))
    end = end[:8] + struct.pack("<HHIIH", 500, 500, len(entries), directory, 0)
    return given[:directory] + entries + end


def deep(levels: int) -> bytes:
    made = archive(("a.txt", b"x"))
    for _ in range(levels):
        made = archive(("a.zip", made))
    return made


HURTS = [
    (encrypted(), Limits(), DocumentEncrypted),
    (overlapping(), Limits(), DocumentMalformed),
    (deep(6), Limits(), DocumentTooDeep),
    (archive(("a.txt", bytes(9_000_000))), Limits(unpacked_bytes_max=1_000_000), DocumentUnpacksTooLarge),
    (archive(("a.txt", b" " * 40_000_000)), Limits(), DocumentUnpacksTooLarge),
    (archive(("a.zip", archive(("a.txt", b" " * 3_000_000), ("b.txt", b"")))), Limits(unpacked_bytes_max=2_000_000), DocumentUnpacksTooLarge),
    (archive(*((f"{n}.txt", b"") for n in range(5_001))), Limits(), DocumentTooManyPieces),
    (archive(("a.txt", b"x"))[:-30], Limits(), DocumentMalformed),
    (archive(("a.txt", b"x")).replace(b"a.txt", b"b.txt", 1), Limits(), DocumentMalformed),
]  # fmt: skip


@pytest.mark.parametrize(("content", "limits", "error"), HURTS)
def test_archives_made_to_hurt(content: bytes, limits: Limits, error: type[Exception]) -> None:
    with pytest.raises(error):
        redact(content, "a.zip", replace(SETTINGS, limits=limits))


def test_a_bomb_in_the_child() -> None:
    with pytest.raises(DocumentUnpacksTooLarge):
        redacted_apart(HURTS[4][0], "a.zip", Settings())
