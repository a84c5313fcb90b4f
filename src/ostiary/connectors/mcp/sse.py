"""Event streams as a program reads and writes them (WHATWG HTML, section 9.2, Server-sent events), with a bound on each event."""

from collections.abc import Iterator
from dataclasses import dataclass

from ostiary.errors import TargetAnswerInvalid, TargetAnswerTooLarge


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `retry_ms` None: not said. An event without data says where the stream stands and no more."""

    data: str = ""
    id: str | None = None
    name: str = ""
    retry_ms: int | None = None

    def written(self) -> bytes:
        """The event as it goes over the wire."""
        lines = [f"event: {self.name}"] if self.name else []
        lines += [f"id: {self.id}"] if self.id is not None else []
        lines += [f"retry: {self.retry_ms}"] if self.retry_ms is not None else []
        lines += [f"data: {line}" for line in self.data.split("\n")]
        return ("\n".join(lines) + "\n\n").encode()


class Reader:
    """Bytes in, events out. `event_bytes_max` bounds what one event may take."""

    def __init__(self, event_bytes_max: int) -> None:
        self._most = event_bytes_max
        self._rest = b""
        self._size = 0
        self._fresh()

    def _fresh(self) -> None:
        self._data: list[str] = []
        self._id: str | None = None
        self._name = ""
        self._retry: int | None = None
        self._any = False
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that are complete with this chunk. Raises TargetAnswerTooLarge, TargetAnswerInvalid."""
        text = self._rest + chunk
        if text.endswith(b"\r"):  # the other half of a line's end may follow
            text, held = text[:-1], b"\r"
        else:
            held = b""
        lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop() + held
        if len(self._rest) + self._size > self._most:
            raise TargetAnswerTooLarge
        for line in lines:
            self._size += len(line)
            if self._size > self._most:
                raise TargetAnswerTooLarge
            if line:
                self._line(line)
            elif self._any:
                yield Event("\n".join(self._data), self._id, self._name, self._retry)
                self._fresh()

    def _line(self, line: bytes) -> None:
        try:
            name, _, value = line.decode().partition(":")
        except UnicodeDecodeError:
            raise TargetAnswerInvalid("The server's events are not UTF-8.") from None
        value = value.removeprefix(" ")
        if not name:
            return
        self._any = True
        if name == "data":
            self._data.append(value)
        elif name == "id" and "\x00" not in value:
            self._id = value
        elif name == "event":
            self._name = value
        elif name == "retry" and value.isdecimal() and len(value) <= 9:
            self._retry = int(value)
