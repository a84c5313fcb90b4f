"""Asking the running gateway: OSTIARY_URL (default http://localhost:8080) with the API key in OSTIARY_API_KEY or OSTIARY_API_KEY_FILE."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from ostiary.net import operator
from ostiary.net.operator import Unreachable
from ostiary.secret import Secret

DEFAULT_URL = "http://localhost:8080"


class Refused(Exception):
    """The gateway said no: `problem` is its RFC 9457 body."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem.get("title", "The gateway refused."))
        self.problem = problem


def key() -> Secret:
    """The API key (or a session's token), from a mounted file or the environment; empty if there is none. Raises Unreachable."""
    path = os.environ.get("OSTIARY_API_KEY_FILE")
    if not path:
        return Secret(os.environ.get("OSTIARY_API_KEY", "").strip())
    try:
        return Secret(Path(path).read_text(encoding="ascii").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise Unreachable(f"OSTIARY_API_KEY_FILE cannot be read ({type(error).__name__}).") from error


def named(*parts: str) -> str:
    """An address below /v1: each part is one segment, whatever is in it."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def ask(
    method: str,
    path: str,
    *,
    body: Any = None,
    query: dict[str, str] | None = None,
    idempotency_key: str = "",
) -> Any:
    """One request; the answer's JSON. Raises Refused and Unreachable."""
    headers = {"idempotency-key": idempotency_key} if idempotency_key else {}
    content = None if body is None else json.dumps(body).encode()
    if content is not None:
        headers["content-type"] = "application/json"
    return _answer(method, path + ("?" + urlencode(query) if query else ""), headers, content)


def send(path: str, content: bytes) -> Any:
    """A file's bytes, by PUT; the answer's JSON. Raises Refused and Unreachable."""
    return _answer("PUT", path, {"content-type": "application/octet-stream"}, content)


def _answer(method: str, target: str, headers: dict[str, str], content: bytes | None) -> Any:
    headers = {"accept": "application/json", **headers}
    if credential := key():
        headers["authorization"] = f"Bearer {credential.reveal()}"
    url = os.environ.get("OSTIARY_URL", DEFAULT_URL).rstrip("/")
    answer = operator.ask(url, method, target, headers, content)
    try:
        told = json.loads(answer.body)
    except ValueError as error:
        raise Unreachable(f"What answers at {url} is not Ostiary (status {answer.status}).") from error
    if answer.status >= 400:
        raise Refused(told if isinstance(told, dict) else {})
    return told
