import asyncio

import pytest

from ostiary.asgi import guard, wire
from ostiary.asgi.caller import Proxies
from ostiary.config import load
from ostiary.errors import CrossSite, MalformedRequest, OstiaryError, RequestTooLarge, UnsupportedMedia
from tests.keys import ROOT_KEY


def scope(method: str = "POST", **headers: str) -> dict[str, object]:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http",
        "method": method,
        "path": "/x",
        "headers": given,
        "client": ("10.0.0.9", 1),
        "scheme": "http",
    }


def receiving(*parts: bytes):  # type: ignore[no-untyped-def]
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages[-1]["more_body"] = False

    async def receive() -> dict[str, object]:
        return messages.pop(0)

    return receive


def body(limit: int, *parts: bytes) -> bytes:
    return asyncio.run(wire.read_body(scope(), receiving(*parts), limit))


def test_a_body_is_read_to_its_bound_and_not_beyond() -> None:
    assert body(6, b"abc", b"def") == b"abcdef"
    with pytest.raises(RequestTooLarge):
        body(5, b"abc", b"def")
    with pytest.raises(RequestTooLarge):
        body(2, b"abc")


def test_a_body_that_is_announced_too_large_is_not_read() -> None:
    with pytest.raises(RequestTooLarge):
        asyncio.run(wire.read_body(scope(content_length="9"), receiving(b""), 8))


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"{", MalformedRequest),
        (b'{"a": NaN}', MalformedRequest),
        (b"\xff\xfe", MalformedRequest),
        (b"[" * 65 + b"]" * 65, MalformedRequest),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, MalformedRequest),
    ],
)
def test_what_is_not_json_is_refused(raw: bytes, error: type[OstiaryError]) -> None:
    with pytest.raises(error):
        wire.read_json(scope(content_type="application/json"), raw)


def test_many_brackets_side_by_side_or_in_text_are_not_deep() -> None:
    assert wire.read_json(scope(content_type="application/json"), b"[" + b"[]," * 99 + b"[]]") == [
        [] for _ in range(100)
    ]
    assert wire.read_json(scope(content_type="application/json"), b'"' + b"[" * 99 + b'"') == "[" * 99


def test_another_content_type_is_refused_and_nothing_is_an_object() -> None:
    with pytest.raises(UnsupportedMedia):
        wire.read_json(scope(content_type="text/plain"), b"{}")
    assert wire.read_json(scope(), b"") == {}


def test_only_a_trusted_proxy_says_where_a_caller_is() -> None:
    behind = load(
        {
            "OSTIARY_ROOT_KEY": ROOT_KEY,
            "OSTIARY_BEHIND_PROXY": "10.0.0.0/24",
            "OSTIARY_PUBLIC_URL": "https://gate.example",
        }
    ).behind_proxy
    forwarded = scope(x_forwarded_for="6.6.6.6, 203.0.113.7, 10.0.0.3", x_forwarded_proto="https")
    assert Proxies(behind).address(forwarded) == "203.0.113.7"
    assert Proxies(behind).is_secure(forwarded)
    assert Proxies().address(forwarded) == "10.0.0.9"
    assert not Proxies().is_secure(forwarded)
    stranger = {**forwarded, "client": ("192.0.2.1", 5)}
    assert Proxies(behind).address(stranger) == "192.0.2.1"


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"origin": "http://localhost:8080", "sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "same-origin"}, True),
        ({"origin": "http://localhost:8080"}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "http://localhost:8080", "sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "same-site"}, False),
        ({}, False),
    ],
)
def test_a_cookie_counts_only_for_our_own_pages(headers: dict[str, str], passes: bool) -> None:
    origins = frozenset({"http://localhost:8080"})
    if passes:
        guard.same_site(scope(**headers), origins)
    else:
        with pytest.raises(CrossSite):
            guard.same_site(scope(**headers), origins)


def guarded(host: str, *, https: bool = False) -> tuple[int, dict[bytes, bytes]]:
    sent: list[dict[str, object]] = []

    async def app(_scope, _receive, send) -> None:  # type: ignore[no-untyped-def]
        await wire.answer(send, 200, b"in")

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    whole = guard.guard(app, hosts=frozenset({"gate.example"}), proxies=Proxies(), https=https)
    asyncio.run(whole(scope("GET", host=host), receiving(b""), send))  # type: ignore[arg-type]
    return sent[0]["status"], dict(sent[0]["headers"])  # type: ignore[call-overload, return-value]


def test_another_host_name_is_refused_and_every_answer_has_the_headers() -> None:
    assert guarded("gate.example")[0] == 200
    assert guarded("GATE.example:8080")[0] == 200
    for host in ("evil.example", "gate.example.evil", "", "[::1]"):
        assert guarded(host)[0] == 421
    for host in ("gate.example", "evil.example"):
        headers = guarded(host)[1]
        assert headers[b"x-content-type-options"] == b"nosniff"
        assert headers[b"content-security-policy"].startswith(b"default-src 'none'")
    assert guarded("gate.example", https=True)[0] == 421
