"""The OCR service: it reads what is read in process, and lets nobody else in."""

import asyncio
import json
from io import BytesIO
from typing import Any

import pytest

from ostiary.documents.document import Limits
from ostiary.documents.ocr import ocr_image
from ostiary.ocr_server.face import Exposed, Settings, application
from ostiary.secret import Secret
from tests.documents.test_images import drawn, encoded

TOKEN = "t0ken-" * 5


def ask(
    path: str, body: bytes, settings: Settings, *, token: str = "", method: str = "POST"
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
    asyncio.run(application(settings)(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"]) if sent[1]["body"][:1] == b"{" else sent[1]["body"]


def test_it_reads_what_is_read_in_process() -> None:
    picture = drawn("Harbour office")
    status, said = ask("/v1/ocr", encoded(picture, "PNG"), Settings())
    assert status == 200
    (frame,) = said["frames"]
    assert (frame["width"], frame["height"]) == (420, 60)
    assert [line["text"] for line in frame["lines"]] == [line.text for line in ocr_image(picture, Limits())]
    assert "Harbour" in frame["lines"][0]["text"]


def test_without_its_token_nobody_is_let_in() -> None:
    settings = Settings(token=Secret(TOKEN))
    body = encoded(drawn(""), "PNG")
    assert ask("/v1/ocr", body, settings)[0] == 401
    assert ask("/v1/ocr", body, settings, token="t0ken-" * 4)[0] == 401
    assert ask("/v1/ocr", body, settings, token=TOKEN)[0] == 200
    assert ask("/livez", b"", settings, method="GET")[0] == 200
    with pytest.raises(Exposed):
        application(Settings(host="0.0.0.0"))


def test_what_is_no_picture_is_refused() -> None:
    status, said = ask("/v1/ocr", BytesIO(b"hello").getvalue(), Settings())
    assert status == 422
    assert said["code"] == "document.malformed"
