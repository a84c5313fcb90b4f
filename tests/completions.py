"""A model provider on a port of this machine, which answers as a test tells it and remembers what it was asked."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ostiary.sample.serving import served

Answer = Callable[[str], list[tuple[str, str]]]
"""The text -> (quote, category) of each finding."""


@dataclass
class Stub:
    """`status`, `body`, `finish`: what it answers instead. `asked`: texts; `heard`: whole bodies; `keys`: Authorization headers."""

    answer: Answer
    status: int = 200
    body: bytes | None = None
    finish: str = "stop"
    asked: list[str] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        heard = json.loads(body)
        self.heard.append({"path": scope["path"], **heard})
        self.keys.append(dict(scope["headers"]).get(b"authorization", b"").decode())
        text = json.loads(heard["messages"][1]["content"])["text"]
        self.asked.append(text)
        said = {"findings": [{"quote": quote, "category": kind} for quote, kind in self.answer(text)]}
        choice = {"message": {"content": json.dumps(said)}, "finish_reason": self.finish}
        answer = json.dumps({"choices": [choice]}).encode() if self.body is None else self.body
        headers = [(b"content-type", b"application/json"), (b"location", b"http://127.0.0.1:1/")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


@contextmanager
def provider(answer: Answer = lambda _text: []) -> Iterator[tuple[Stub, str]]:
    """(the stub, the address before `/chat/completions`)."""
    stub = Stub(answer)
    with served(stub) as base:
        yield stub, f"{base}/v1"
