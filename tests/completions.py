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
    """`status`, `body`, `finish`: what it answers instead. `asked`: texts; `heard`: whole bodies; `keys`: Authorization headers. `say`: what it says to the data of a question, a text or JSON."""

    answer: Answer
    say: Callable[[dict[str, Any]], Any] | None = None
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
        data = json.loads(heard["messages"][1]["content"])
        said = self.say(data) if self.say else self._found(data["text"])
        content = said if isinstance(said, str) else json.dumps(said)
        choice = {"message": {"content": content}, "finish_reason": self.finish}
        answer = json.dumps({"choices": [choice]}).encode() if self.body is None else self.body
        headers = [(b"content-type", b"application/json"), (b"location", b"http://127.0.0.1:1/")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _found(self, text: str) -> Any:
        self.asked.append(text)
        return {"findings": [{"quote": quote, "category": kind} for quote, kind in self.answer(text)]}

    def data(self) -> list[dict[str, Any]]:
        """What it was asked about, each time."""
        return [json.loads(each["messages"][1]["content"]) for each in self.heard]


@contextmanager
def provider(
    answer: Answer = lambda _text: [], say: Callable[[dict[str, Any]], Any] | None = None
) -> Iterator[tuple[Stub, str]]:
    """(the stub, the address before `/chat/completions`)."""
    stub = Stub(answer, say)
    with served(stub) as base:
        yield stub, f"{base}/v1"
