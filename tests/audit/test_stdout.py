"""Lines reach the stream; a stream that hangs or breaks never holds the log up."""

import io
import threading

from ostiary.audit.stdout import EnvelopeStream


class Hanging(io.BytesIO):
    """A pipe that nobody reads until `going` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.going = threading.Event(), threading.Event()

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.reached.set()
        self.going.wait()
        return super().write(data)


class Broken(io.BytesIO):
    def write(self, data: bytes) -> int:  # type: ignore[override]
        raise BrokenPipeError


def test_lines_are_written_in_order() -> None:
    out = io.BytesIO()
    stream = EnvelopeStream(out)
    stream.write(b"1\n2\n")
    stream.write(b"3\n")
    stream.close()
    assert (out.getvalue(), stream.lost) == (b"1\n2\n3\n", 0)


def test_a_hanging_reader_loses_lines_and_holds_nobody_up() -> None:
    out = Hanging()
    stream = EnvelopeStream(out, batches_max=1)
    stream.write(b"1\n")
    out.reached.wait()
    stream.write(b"2\n")
    stream.write(b"3\n4\n")
    assert stream.lost == 2
    out.going.set()
    stream.close()
    assert out.getvalue() == b"1\n2\n"


def test_a_reader_that_went_away_is_counted() -> None:
    stream = EnvelopeStream(Broken())
    stream.write(b"1\n2\n")
    stream.close()
    assert stream.lost == 2
