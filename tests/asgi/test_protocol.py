"""The server as callers meet it on the socket: heads that are late, large or doubled, requests in one breath, bodies that never end."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network

import pytest
import uvicorn

from ostiary.asgi import protocol, wire
from ostiary.asgi.caller import Proxies
from ostiary.asgi.guard import guard
from ostiary.asgi.protocol import BoundedProtocol
from ostiary.asgi.wire import Receive, Scope, Send
from ostiary.errors import OstiaryError

BODY_BYTES_MAX = 1000
HEAD = b"Host: localhost\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the size of the body."""
    try:
        body = await wire.read_body(scope, receive, BODY_BYTES_MAX)
    except OstiaryError as error:
        await wire.answer_problem(send, error)
        return
    await wire.answer_json(send, 200, {"path": scope["path"], "size": len(body)})


@contextmanager
def listening() -> Iterator[int]:
    whole = guard(echo, hosts=frozenset({"localhost"}), proxies=Proxies(), https=False)
    config = uvicorn.Config(whole, http=BoundedProtocol, log_config=None, access_log=False, server_header=False, lifespan="off")  # fmt: skip
    server = uvicorn.Server(config)
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        opened.listen(16)
        thread = threading.Thread(target=server.run, args=([opened],), daemon=True)
        thread.start()
        try:
            yield int(opened.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture
def port() -> Iterator[int]:
    with listening() as number:
        yield number


def said(port: int, *parts: bytes) -> bytes:
    """What comes back until the server closes or is silent for two seconds."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as caller:
        try:
            for part in parts:
                caller.sendall(part)
            while more := caller.recv(65536):
                heard += more
        except (TimeoutError, ConnectionError):
            pass
    return heard


def test_a_head_that_does_not_arrive_in_time_ends_the_connection(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.2)
    for begun in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: local"):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as caller:
            caller.sendall(begun)
            assert caller.recv(100) == b""


def test_a_second_head_on_the_same_connection_has_the_same_bound(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.5)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as caller:
        caller.sendall(b"GET /a HTTP/1.1\r\n" + HEAD + b"\r\n")
        assert b'"/a"' in caller.recv(65536)
        caller.sendall(b"GET /b HTTP/1.1\r\n")
        assert caller.recv(100) == b""


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HEAD + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HEAD + b"X: a\r\n" * 40_000 + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HEAD + b"X: " + b"a" * 400_000,
    ],
    ids=["address", "value", "many", "endless"],
)
def test_a_head_that_is_too_large_is_refused(port: int, head: bytes) -> None:
    heard = said(port, head)
    assert heard == b"" or heard.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "hosts",
    [b"Host: evil.example\r\n", b"", b"Host: localhost\r\nHost: evil.example\r\n", b"Host: evil.example\r\nHost: localhost\r\n", b"Host: localhost@evil.example\r\n", b"Host: localhost.\r\n"],
)  # fmt: skip
def test_a_request_that_does_not_name_one_known_host_is_refused(port: int, hosts: bytes) -> None:
    heard = said(port, b"GET / HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
    assert heard.startswith((b"HTTP/1.1 421 ", b"HTTP/1.1 400 "))


def test_requests_in_one_breath_are_answered_in_order(port: int) -> None:
    one = b"POST /one HTTP/1.1\r\n" + HEAD + b"Content-Length: 3\r\n\r\nabc"
    two = b"GET /two HTTP/1.1\r\n" + HEAD + b"Connection: close\r\n\r\n"
    heard = said(port, one + two)
    assert heard.index(b'{"path":"/one","size":3}') < heard.index(b'{"path":"/two","size":0}')


def test_a_chunked_body_without_a_length_has_the_same_bound(port: int) -> None:
    head = b"POST / HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert b'"size":500' in said(port, head + b"1f4\r\n" + b"a" * 500 + b"\r\n0\r\n\r\n")
    assert said(port, head, *([b"1f4\r\n" + b"a" * 500 + b"\r\n"] * 3)).startswith(b"HTTP/1.1 413 ")


def test_a_length_and_chunks_together_are_refused(port: int) -> None:
    both = b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert said(port, b"POST / HTTP/1.1\r\n" + HEAD + both).startswith(b"HTTP/1.1 400 ")
    twice = b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"
    assert said(port, b"POST / HTTP/1.1\r\n" + HEAD + twice).startswith(b"HTTP/1.1 400 ")


def test_a_body_that_does_not_arrive_in_time_is_refused(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "BODY_TIMEOUT_S", 0.2)
    heard = said(port, b"POST / HTTP/1.1\r\n" + HEAD + b"Content-Length: 5\r\n\r\nab")
    assert heard.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"request.timeout"' in heard


def test_a_length_beyond_any_number_is_too_large() -> None:
    scope = {"headers": [(b"content-length", b"9" * 5000)]}

    async def receive() -> dict[str, object]:
        raise AssertionError("it must not be read")

    with pytest.raises(OstiaryError) as refused:
        asyncio.run(wire.read_body(scope, receive, 10))  # type: ignore[arg-type]
    assert refused.value.code == "request.too_large"


def test_nothing_but_the_head_answers_head(port: int) -> None:
    heard = said(port, b"HEAD / HTTP/1.1\r\n" + HEAD + b"Connection: close\r\n\r\n")
    assert heard.startswith(b"HTTP/1.1 200 ")
    assert heard.endswith(b"\r\n\r\n")


def test_a_callers_own_line_before_the_proxys_is_not_believed() -> None:
    proxies = Proxies((ip_network("10.0.0.0/8"),))
    lines = [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"203.0.113.7"), (b"x-forwarded-proto", b"https"), (b"x-forwarded-proto", b"http")]  # fmt: skip
    scope = {"headers": lines, "client": ("10.0.0.1", 1), "scheme": "http"}
    assert proxies.address(scope) == "203.0.113.7"
    assert not proxies.is_secure(scope)
    unreadable = {**scope, "headers": [(b"x-forwarded-for", b"6.6.6.6, <script>")]}
    assert proxies.address(unreadable) == "10.0.0.1"
