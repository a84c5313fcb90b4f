"""Outlook's messages: what people read comes out as a message of the internet, redacted; whatever else the file holds does not."""

import struct
from email import message_from_bytes, policy

import olefile
import pytest

from ostiary.documents import formats
from ostiary.documents.document import Limits
from ostiary.documents.redacting import redact
from ostiary.errors import (
    DocumentEncrypted,
    DocumentFormatUnknown,
    DocumentMalformed,
    DocumentTooDeep,
    DocumentUnpacksTooLarge,
    OstiaryError,
)
from tests.documents.compound import Tree, compound
from tests.documents.given import CARD, MAIL, NAME, SETTINGS
from tests.documents.leaky import plain
from tests.documents.test_mail import residues


def text(what: str, said: str) -> Tree:
    return {f"__substg1.0_{what}001F": said.encode("utf-16-le")}


def numbers(head: int, *each: tuple[int, int, int]) -> Tree:
    """(property, type, value) of fixed size."""
    listed = b"".join(struct.pack("<IIQ", what << 16 | kind, 6, value) for what, kind, value in each)
    return {"__properties_version1.0": bytes(head) + listed}


def message(**more: "bytes | Tree") -> Tree:
    ticks = 134_000_000_000_000_000
    made: Tree = {
        **numbers(32, (0x0039, 0x40, ticks), (0x3FDE, 3, 1252), (0x3FFD, 3, 1250)),
        **text("0037", f"Grüße an {NAME}"),
        **text("0C1A", NAME),
        **text("5D01", MAIL),
        **text("0C1F", "/O=EXCHANGE/CN=ZEBEDEUX.QUILLFEATHER"),
        **text("1000", f"Dear {NAME},\r\npay {CARD}.\r\n" + "and so on " * 500),
        **text("007D", f"Received: from evil.example for {NAME}"),
        **text("8001", NAME),
        "__substg1.0_10130102": f"<html><body><p>Gr\xfc\xdfe, {NAME}</p></body></html>".encode("cp1252"),
        "__nameid_version1.0": {"__substg1.0_00030102": NAME.encode("utf-16-le")},
        "__recip_version1.0_#00000000": {
            **numbers(8, (0x0C15, 3, 2)),
            "__substg1.0_3001001E": "Büro".encode("cp1250"),
            **text("39FE", "a@marsh.example"),
        },
        "__attach_version1.0_#00000000": {
            **numbers(8),
            **text("3707", f"{NAME}.pdf"),
            "__substg1.0_37010102": plain(f"To {NAME}"),
        },
    }
    return made | dict(more)


def inner(tree: Tree) -> Tree:
    return {"__attach_version1.0_#00000009": {**numbers(8), "__substg1.0_3701000D": tree}}


def test_a_message() -> None:
    within = message() | numbers(24, (0x0039, 0x40, 134_000_000_000_000_000))
    within = {key: value for key, value in within.items() if "attach" not in key and "nameid" not in key}
    content = compound(message() | inner(within))
    with olefile.OleFileIO(content) as opened:
        assert opened.parsing_issues == []
    done = redact(content, "a.msg", SETTINGS)
    assert done.format == "eml"
    assert residues(done.content) == []
    made = message_from_bytes(done.content, policy=policy.default)
    assert [each.defects for each in made.walk()] == [[]] * len(list(made.walk()))
    assert made["subject"] == "Grüße an [person]"
    assert made["from"] == '"[person] [email]" <redacted@redacted.invalid>'
    assert made["cc"] == '"Büro [email]" <redacted@redacted.invalid>'
    assert made["date"].datetime.isoformat() == "2025-08-18T14:13:20+00:00"
    assert made.get_body(("plain",)).get_content().splitlines()[:2] == ["Dear [person],", "pay [card]."]
    assert "<p>Grüße, [person]</p>" in made.get_body(("html",)).get_content()
    pdf, forwarded = made.iter_attachments()
    assert (pdf.get_filename(), pdf.get_content()[:5]) == ("[person].pdf", b"%PDF-")
    assert forwarded.get_content()["subject"] == "Grüße an [person]"
    assert forwarded.get_content()["date"] == made["date"]
    assert "properties of the message" in {each.what for each in done.carriers}
    assert formats.MSG.read(content, Limits()).becomes == "eml"


def deep(levels: int) -> Tree:
    made: Tree = {**numbers(24), **text("1000", "hi")}
    for _ in range(levels):
        made = {**numbers(24), **inner(made)}
    return made


@pytest.mark.parametrize(
    ("content", "limits", "error"),
    [
        (compound(message(**text("001A", "IPM.Note.SMIME"))), Limits(), DocumentEncrypted),
        (
            compound(message(**text("001A", "IPM.Note.SMIME.MultipartSigned"))),
            Limits(),
            DocumentFormatUnknown,
        ),
        (compound(deep(8)), Limits(), DocumentTooDeep),
        (compound(message()), Limits(unpacked_bytes_max=5_000), DocumentUnpacksTooLarge),
        (compound({"__properties_version1.0": b""})[:700], Limits(), DocumentMalformed),
    ],
)
def test_what_is_refused(content: bytes, limits: Limits, error: type[Exception]) -> None:
    with pytest.raises(error):
        formats.MSG.read(content, limits)


def test_cut_off_or_turned_anywhere_it_ends_in_an_error_of_ours_or_in_pieces() -> None:
    content = compound(message())
    for at in range(30, len(content), 997):
        for bad in (content[:at], content[:at] + b"\xff\xff\xff\xff" + content[at + 4 :]):
            try:
                formats.MSG.read(bad, Limits())
            except OstiaryError:
                continue
