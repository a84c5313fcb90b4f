"""Reading alone: in the child process as in this one; bounded; and a process that is kept goes on after an error, and after it was killed."""

from dataclasses import replace
from time import monotonic

import pytest

from ostiary.documents import confined, reading
from ostiary.documents.document import Kind, Limits
from ostiary.errors import DocumentFormatUnknown, DocumentMalformed, DocumentTookTooLong, DocumentTooLarge
from tests.documents.leaky import leaky, plain

LIMITS = Limits()


def test_what_is_read_apart_is_what_is_read() -> None:
    content = leaky()
    document = reading.read_apart(content, "a.pdf", LIMITS)
    assert document == reading.read(content, "a.pdf", LIMITS)
    assert (document.format, document.pieces[0].kind) == ("pdf", Kind.VISIBLE)
    assert document.pieces[0].boxes[0].page == 1


def test_a_reader_goes_on_after_an_error() -> None:
    with reading.Reader(replace(LIMITS, bytes_max=10_000), uses_max=3) as reader:
        assert [each.text for each in reader.read(b"one", "a.txt").pieces] == ["one"]
        with pytest.raises(DocumentFormatUnknown):
            reader.read(b"\x00\x01\xff", "a.bin")
        with pytest.raises(DocumentTooLarge):
            reader.read(b"x" * 10_001, "a.txt")
        assert reader.read(b"a,b\n1,2\n", "a.csv").format == "csv"
        assert reader.read(plain("Hello"), "x").pieces[0].text == "Hello"  # in the next process


def nonsense(_: Limits, what: str) -> confined.Answer:
    if what == "sleep":
        while True:
            pass
    if what == "die":
        raise SystemExit(3)
    return ({"number": float("nan")} if what == "nan" else {"said": what}), b"bytes"


@pytest.mark.parametrize(
    ("what", "error"),
    [("sleep", DocumentTookTooLong), ("die", DocumentMalformed), ("nan", DocumentMalformed)],
)
def test_a_child_that_does_no_good_is_ended_and_another_one_starts(
    what: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import sys; sys.path.insert(0, '.'); from ostiary.documents.confined import child; child()"
    monkeypatch.setattr(confined, "PROGRAM", program)
    begun = monotonic()
    with confined.Child(f"{__name__}:nonsense", replace(LIMITS, seconds_max=2), uses_max=9) as child:
        with pytest.raises(error):
            child.ask(what)
        assert child.ask("hello") == ({"said": "hello"}, b"bytes")
    assert monotonic() - begun < 30
