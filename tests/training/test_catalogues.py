"""Translations as text that names nobody."""

import struct

import pytest

from training import catalogues


def catalogue(*pairs: tuple[str, str]) -> bytes:
    """A catalogue of GNU gettext with these messages."""
    head, tables, texts = 28, 28 + 16 * len(pairs), b""
    rows: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for pair in pairs:
        for table, text in zip(rows, pair, strict=True):
            table.append((len(text.encode()), tables + len(texts)))
            texts += text.encode() + b"\0"
    told = struct.pack("<7I", 0x950412DE, 0, len(pairs), head, head + 8 * len(pairs), 0, 0)
    return told + b"".join(struct.pack("<2I", *row) for table in rows for row in table) + texts


def test_messages_are_read_without_their_context_and_plurals() -> None:
    content = catalogue(("", "head"), ("menu\x04Open file", "Datei öffnen"), ("a day\0days", "ein Tag\0Tage"))
    assert list(catalogues._messages(content)) == [("Open file", "Datei öffnen"), ("a day", "ein Tag")]


@pytest.mark.parametrize(
    ("english", "text", "kept"),
    [
        ("Open the file", "Die <b>Datei</b>  öffnen", "Die Datei öffnen"),
        ("Sign in to Wagtail", "Bei Wagtail anmelden", ""),
        ("Hello %(name)s", "Hallo %(name)s", ""),
        ("Same words", "Same words", ""),
        ("Name", "Nome", ""),
    ],
)
def test_what_keeps_a_name_or_a_placeholder_is_left_out(english: str, text: str, kept: str) -> None:
    assert catalogues._cleaned(english, text) == kept
