"""Values in another writing, and names that somebody chose: attacks that a text's own words do not show."""

import base64
import io
import json
import time
import zipfile

import pytest

from ostiary.documents import encoded
from ostiary.documents.redacting import Settings, redact

MAIL = "zora.quint@leakmail.org"


def _in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "written",
    [
        _in_base64(f"write to {MAIL} now"),
        base64.urlsafe_b64encode(f"write to {MAIL}??>".encode()).decode().rstrip("="),
        _in_base64(_in_base64(f"write to {MAIL}")),
        MAIL.encode().hex(),
        "".join(f"={letter:02X}" for letter in MAIL.encode()),
        _in_base64(MAIL).join(("https://example.org/path/", "")),
    ],
)
def test_a_value_that_stands_only_in_another_writing_goes_with_all_of_its_run(written: str) -> None:
    made = redact(f"ticket: {written} closed".encode(), "a.txt", Settings()).content.decode()
    assert made.startswith("ticket: ")
    assert made.endswith(" closed")
    assert len(made) < 60


@pytest.mark.parametrize("before", ["", "a few words that make it a longer run than the first look takes. "])
@pytest.mark.parametrize("junk", ["zzzz", "_-_-", "AAAA" * 30, "/" + _in_base64("some other words")])
def test_what_follows_a_run_without_a_gap_does_not_hide_it(before: str, junk: str) -> None:
    said = f"{before}write to {MAIL}"
    own = _in_base64(said + " " * (-len(said) % 3))
    assert not own.endswith("=")
    made = redact(f"ticket: {own}{junk} closed".encode(), "a.txt", Settings()).content.decode()
    assert made == "ticket: [email] closed"


def test_what_a_run_says_first_does_not_hide_what_follows_a_slash_in_it() -> None:
    written = f"{_in_base64('three plain words')[:22]}/{_in_base64(f'write to {MAIL}')}"
    assert MAIL in encoded.runs(written)[-1].text
    made = redact(f"ticket: {written} closed".encode(), "a.txt", Settings()).content.decode()
    assert _in_base64(MAIL)[:8] not in made
    assert len(made) < 60


def test_a_run_that_is_a_picture_does_not_go_out_unread() -> None:
    cell = {"output": base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode(), "count": 3}
    made = json.loads(redact(json.dumps(cell).encode(), "a.json", Settings()).content)
    assert made == {"output": "[embedded_file]", "count": 3}


@pytest.mark.parametrize(
    "text", ["internationalization", "ABCDEFGHIJKLMNOPQRSTUV", "src/ostiary/documents/Word2", "deadbeef" * 4]
)
def test_words_and_checksums_say_nothing(text: str) -> None:
    assert encoded.runs(text) == []


def test_the_names_of_an_xml_are_looked_at_as_its_texts_are() -> None:
    given = f'<?xml version="1.0"?><r xmlns:q="urn:{MAIL}"><q:a zora.quint-leak="1">x</q:a><b>{MAIL}</b></r>'
    made = redact(given.encode(), "a.xml", Settings()).content
    assert b"zora.quint@" not in made
    assert made.endswith(b"</r>")


def test_an_xml_with_a_document_type_that_declares_nothing_is_read() -> None:
    given = f'<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/x.dtd"><svg><text>{MAIL}</text></svg>'
    made = redact(given.encode(), "a.svg", Settings()).content
    assert made.endswith(b"<svg><text>[email]</text></svg>")


def test_what_somebody_added_to_a_word_document_in_a_namespace_of_their_own_goes() -> None:
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = f'<w:document xmlns:w="{word}" xmlns:q="urn:{MAIL}"><w:body><w:p><w:r><w:t>Hello</w:t></w:r><q:note q:by="x">x</q:note></w:p></w:body></w:document>'
    types = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
    given = io.BytesIO()
    with zipfile.ZipFile(given, "w") as package:
        package.writestr("[Content_Types].xml", types)
        package.writestr("word/document.xml", body)
    made = redact(given.getvalue(), "a.docx", Settings()).content
    with zipfile.ZipFile(io.BytesIO(made)) as package:
        written = package.read("word/document.xml")
    assert b"quint" not in written
    assert b"<w:t>Hello</w:t>" in written


def test_an_address_that_is_a_files_name_is_seen_beside_its_folder_and_its_ending() -> None:
    given = io.BytesIO()
    with zipfile.ZipFile(given, "w") as package:
        package.writestr(f"zora quint/{MAIL}.txt", "nothing")
    made = redact(given.getvalue(), "a.zip", Settings()).content
    with zipfile.ZipFile(io.BytesIO(made)) as package:
        assert [name.rpartition("/")[2] for name in package.namelist()] == ["[email].txt"]


def test_what_is_more_than_one_document_may_say_in_another_writing_goes_unread() -> None:
    run = base64.b64encode(f"write to {MAIL} ".encode() * 40_000).decode()
    assert len(run) > encoded.CHARACTERS_MAX
    made = redact(f"a {run} b {_in_base64(MAIL)} c".encode(), "a.txt", Settings()).content
    assert made == b"a [embedded_file] b [email] c"


@pytest.mark.parametrize("text", ["/" * 2_000_000, "x" * 2_000_000 + "=", "A" * 2_000_000, "aA/" * 700_000])
def test_a_long_run_costs_one_look(text: str) -> None:
    began = time.process_time()
    assert encoded.runs(text) == []
    assert time.process_time() - began < 2
