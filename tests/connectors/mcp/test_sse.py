"""Event streams: read as they come, in whatever pieces, and bounded."""

import pytest

from ostiary.connectors.mcp.sse import Event, Reader
from ostiary.errors import TargetAnswerInvalid, TargetAnswerTooLarge

STREAM = b': hello\nevent: message\nid: 7\nretry: 100\ndata: {"a":\ndata: 1}\n\ndata: two\r\n\r\nid: 8\rdata:three\r\rdata: unfinished'
EVENTS = [Event('{"a":\n1}', "7", "message", 100), Event("two"), Event("three", "8")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_read_in_pieces_of_any_size(size: int) -> None:
    reader, found = Reader(1000), []
    for begin in range(0, len(STREAM), size):
        found += list(reader.feed(STREAM[begin : begin + size]))
    assert found == EVENTS


def test_what_is_written_reads_back() -> None:
    for event in (*EVENTS, Event("", "9", "", 5)):
        assert list(Reader(1000).feed(event.written())) == [event]


@pytest.mark.parametrize("piece", [b"x", b"data: x\n", b": comment\n"])
def test_an_event_that_never_ends_is_refused(piece: bytes) -> None:
    reader = Reader(100)
    with pytest.raises(TargetAnswerTooLarge):
        dripped(reader, piece, 200)


def dripped(reader: Reader, piece: bytes, times: int) -> None:
    for _ in range(times):
        list(reader.feed(piece))


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(TargetAnswerInvalid):
        list(Reader(100).feed(b"data: \xff\xfe\n\n"))
