"""Asking the running gateway: OSTIARY_URL (default http://localhost:8080) with the API key in OSTIARY_API_KEY or OSTIARY_API_KEY_FILE."""

import os
from pathlib import Path
from typing import Any

import httpx

TIMEOUT_S = 60
DEFAULT_URL = "http://localhost:8080"


class Refused(Exception):
    """The gateway said no: `problem` is its RFC 9457 body."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem.get("title", "The gateway refused."))
        self.problem = problem


class Unreachable(Exception):
    """No gateway answers at that address."""


def key() -> str:
    """The API key, from the environment or a mounted file; empty if there is none."""
    path = os.environ.get("OSTIARY_API_KEY_FILE")
    return Path(path).read_text().strip() if path else os.environ.get("OSTIARY_API_KEY", "")


def ask(
    method: str,
    path: str,
    *,
    body: Any = None,
    query: dict[str, str] | None = None,
    idempotency_key: str = "",
) -> Any:
    """One request; the answer's JSON. Raises Refused and Unreachable."""
    headers = {"authorization": f"Bearer {key()}"} if key() else {}
    if idempotency_key:
        headers["idempotency-key"] = idempotency_key
    url = os.environ.get("OSTIARY_URL", DEFAULT_URL).rstrip("/")
    try:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = client.request(method, url + path, json=body, params=query, headers=headers)
    except httpx.HTTPError as error:
        raise Unreachable(
            f"No gateway answers at {url} ({type(error).__name__}). Is `ostiary serve` running?"
        ) from error
    try:
        content = answer.json()
    except ValueError as error:
        raise Unreachable(f"What answers at {url} is not Ostiary (status {answer.status_code}).") from error
    if answer.status_code >= 400:
        raise Refused(content)
    return content
