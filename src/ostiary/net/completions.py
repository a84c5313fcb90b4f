"""A question to a model that speaks OpenAI's chat completions: the operator's own endpoint, one request at a time, blocking, with a bound on the time and the answer.

The address is the operator's, so it is not vetted, and may be of this machine. No proxy is taken from the environment and no redirect is followed, so what is asked and the
key go to that address and nowhere else. What the other side says when it fails stays here.
"""

import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from ostiary.clock import SECOND_US, SystemClock
from ostiary.detection.provider import ProviderAway
from ostiary.net.operator import connection_to
from ostiary.secret import Secret

ANSWER_BYTES_MAX = 256 << 10
TOKENS_MAX = 2_000
PIECE_BYTES = 16 << 10
_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url`: what stands before `/chat/completions`, such as `https://models.example.com/v1`."""

    url: str
    model: str
    key: Secret
    timeout_s: int


def ask(endpoint: Endpoint, instructions: str, data: str) -> str:
    """What the model answers. Raises ProviderAway."""
    messages = [{"role": "system", "content": instructions}, {"role": "user", "content": data}]
    asked = {
        "model": endpoint.model,
        "messages": messages,
        "temperature": 0,
        "max_tokens": TOKENS_MAX,
        "response_format": {"type": "json_object"},
    }
    try:
        status, body = _sent(endpoint, json.dumps(asked).encode())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ProviderAway(f"The model provider cannot be asked ({type(error).__name__}).") from None
    if status != 200:
        raise ProviderAway(f"The model provider answered {status}.")
    return _content(body)


def _sent(endpoint: Endpoint, asked: bytes) -> tuple[int, bytes]:
    until_us = _CLOCK.monotonic_us() + endpoint.timeout_s * SECOND_US
    at = urlsplit(endpoint.url)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key.reveal()}"
    connection = connection_to(at.scheme, at.hostname or "", at.port, timeout_s=endpoint.timeout_s)
    try:
        connection.request("POST", at.path.rstrip("/") + "/chat/completions", body=asked, headers=headers)
        answer = connection.getresponse()
        body = b""
        while piece := answer.read1(PIECE_BYTES):
            body += piece
            if len(body) > ANSWER_BYTES_MAX:
                raise ValueError("larger than is read")
            if _CLOCK.monotonic_us() > until_us:
                raise TimeoutError
        return answer.status, body
    finally:
        connection.close()


def _content(body: bytes) -> str:
    """What the model said, whole: an answer that was cut short is none."""
    try:
        choice = json.loads(body)["choices"][0]
        said, ended = choice["message"]["content"], choice.get("finish_reason")
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        raise ProviderAway("The model provider answered with nothing that can be read.") from None
    if not isinstance(said, str) or ended not in ("stop", None):
        raise ProviderAway("The model provider's answer is not whole.")
    return said
