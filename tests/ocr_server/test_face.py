"""The OCR service: it reads what is read in process, and lets nobody else in."""

import asyncio
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest

from ostiary.documents import confined, framing
from ostiary.documents.document import Limits
from ostiary.documents.framing import Readers
from ostiary.documents.ocr import ocr_image
from ostiary.errors import DocumentTookTooLong, DocumentTookTooMuchMemory
from ostiary.ocr_server.face import LIMITS, Exposed, Settings, application
from ostiary.secret import Secret
from tests.documents.test_images import drawn, encoded

TOKEN = "t0ken-" * 5


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    made = Readers(LIMITS)
    yield made
    made.close()


def ask(
    path: str,
    body: bytes,
    settings: Settings,
    readers: Readers | None = None,
    *,
    token: str = "",
    method: str = "POST",
) -> tuple[int, Any]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost:5001"), (b"content-type", b"image/png")]
    if token:
        headers.append((b"authorization", b"Bearer " + token.encode()))
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers,
        "client": ("127.0.0.1", 1), "scheme": "http",
    }  # fmt: skip
    asyncio.run(application(settings, readers)(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"]) if sent[1]["body"][:1] == b"{" else sent[1]["body"]


def test_it_reads_what_is_read_in_process(readers: Readers) -> None:
    picture = drawn("Harbour office")
    status, said = ask("/v1/ocr", encoded(picture, "PNG"), Settings(), readers)
    assert status == 200
    (frame,) = said["frames"]
    assert (frame["width"], frame["height"]) == (420, 60)
    assert [line["text"] for line in frame["lines"]] == [line.text for line in ocr_image(picture, Limits())]
    assert "Harbour" in frame["lines"][0]["text"]


def test_without_its_token_nobody_is_let_in(readers: Readers) -> None:
    settings = Settings(token=Secret(TOKEN))
    body = encoded(drawn(""), "PNG")
    assert ask("/v1/ocr", body, settings)[0] == 401
    assert ask("/v1/ocr", body, settings, token="t0ken-" * 4)[0] == 401
    assert ask("/v1/ocr", body, settings, readers, token=TOKEN)[0] == 200
    assert ask("/livez", b"", settings, method="GET")[0] == 200
    with pytest.raises(Exposed):
        application(Settings(host="0.0.0.0"))


def test_what_is_no_picture_is_refused(readers: Readers) -> None:
    status, said = ask("/v1/ocr", BytesIO(b"hello").getvalue(), Settings(), readers)
    assert status == 422
    assert said["code"] == "document.malformed"


def tried(limits: Limits, what: str) -> confined.Answer:
    """In the child: what it is not let do, and memory beyond its bound."""
    if what == "memory":
        return {"size": len(bytes(limits.memory_bytes_max))}, b""
    try:
        socket.create_connection(("127.0.0.1", 9))
    except PermissionError:
        return {"refused": True}, b""
    return {"refused": False}, b""


def test_the_child_reaches_no_network_and_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import sys; sys.path.insert(0, '.'); from ostiary.documents.confined import child; child()"
    monkeypatch.setattr(confined, "PROGRAM", program)
    with confined.Child(f"{__name__}:tried", LIMITS, uses_max=3) as child:
        assert child.ask("socket") == ({"refused": True}, b"")
        with pytest.raises(DocumentTookTooMuchMemory):
            child.ask("memory")


def test_a_process_that_hangs_is_ended_and_the_next_request_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    readers = Readers(replace(LIMITS, seconds_max=1))
    picture = encoded(drawn("", size=8), "PNG")
    monkeypatch.setattr(confined, "PROGRAM", "import time; time.sleep(60)")
    with pytest.raises(DocumentTookTooLong):
        readers.read(picture)
    monkeypatch.undo()
    tiny = encoded(drawn("").crop((0, 0, 7, 7)), "PNG")
    monkeypatch.setattr(readers._idle[0], "_limits", LIMITS)
    assert readers.read(tiny) == {"frames": [{"width": 7, "height": 7, "lines": []}]}
    first = readers._idle[0]._process
    assert readers.read(tiny)["frames"][0]["width"] == 7
    assert readers._idle[0]._process is first
    assert framing.USES_MAX > 2
    readers.close()
    assert readers._idle == []
