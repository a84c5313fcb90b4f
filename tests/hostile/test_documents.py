"""Hostile documents: each ends in one clear error, with bounded memory and time, in a process of its own."""

import time

import pytest

from ostiary.documents import sandbox
from ostiary.documents.document import Limits
from ostiary.documents.redacting import Settings
from ostiary.errors import (
    DocumentFormatUnknown,
    DocumentMalformed,
    DocumentTooDeep,
    DocumentTookTooLong,
    DocumentTooLarge,
    DocumentTooManyPieces,
    OstiaryError,
)
from tests.documents.given import MAIL, RULES, SETTINGS


def limited(**given: int) -> Settings:
    return Settings(rules=RULES, limits=Limits(**given))


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
            sandbox._refuse(event, arguments)
    sandbox._refuse("open", ("x", "rb", 0))
