"""Numbers and reasons are the operator's. Who is not named gets what is not there, whatever headers say; each refusal beside the grant that differs in one fact."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.house import House, opened

TOKEN = "a-token-of-more-than-24-characters"
DIRECT = {"OSTIARY_METRICS_ALLOW": "10.20.0.0/16, fd00:20::/32", "OSTIARY_METRICS_TOKEN": TOKEN}
BEHIND = {
    **DIRECT,
    "OSTIARY_PUBLIC_URL": "https://gate.example.com",
    "OSTIARY_BEHIND_PROXY": "10.20.9.0/24, 127.0.0.1/32",
}


def status(
    tmp_path: Path, peer: str, headers: dict[str, Any] | None = None, path: str = "/metrics", **settings: str
) -> httpx.Response:
    """What a caller at this address is answered."""

    async def story() -> httpx.Response:
        async with opened(tmp_path, **settings) as house:
            return await asked(house, peer, headers or {}, path)

    return asyncio.run(story())


async def asked(house: House, peer: str, headers: dict[str, Any], path: str) -> httpx.Response:
    transport = httpx.ASGITransport(house.gateway.asgi, client=(peer, 40000))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get(path, headers=headers)


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("10.20.0.5", {}, 200),
        ("fd00:20::7", {}, 200),
        ("10.21.0.5", {}, 404),
        ("203.0.113.9", {}, 404),
        # A header is anybody's to write: it opens nothing, and closes what would be open.
        ("203.0.113.9", {"x-forwarded-for": "10.20.0.5"}, 404),
        ("203.0.113.9", {"x-forwarded-for": "127.0.0.1"}, 404),
        ("203.0.113.9", {"x-real-ip": "127.0.0.1"}, 404),
        ("203.0.113.9", {"forwarded": "for=127.0.0.1"}, 404),
        ("10.20.0.5", {"x-forwarded-for": "10.20.0.5"}, 404),
        ("127.0.0.1", {"x-forwarded-for": "127.0.0.1"}, 404),
        ("127.0.0.1", {"via": "1.1 proxy"}, 404),
        ("127.0.0.1", {"x-real-ip": "203.0.113.9"}, 404),
        ("127.0.0.1", {"x-forwarded-proto": "https"}, 404),
        ("127.0.0.1", {"X-Forwarded-Port": "443"}, 404),
        # The token.
        ("203.0.113.9", {"authorization": f"Bearer {TOKEN}"}, 200),
        ("203.0.113.9", {"authorization": f"Bearer {TOKEN}x"}, 404),
        ("203.0.113.9", {"authorization": f"Bearer {TOKEN[:-1]}"}, 404),
        ("203.0.113.9", {"authorization": f"Basic {TOKEN}"}, 404),
        ("203.0.113.9", {"authorization": "Bearer "}, 404),
        ("203.0.113.9", {"authorization": b"Bearer \xe9"}, 404),
        # A page that found its way here under a name of its own (DNS rebinding).
        ("127.0.0.1", {"host": "evil.example"}, 421),
        ("10.20.0.5", {"host": "10.20.0.1:8080"}, 200),
        ("10.20.0.5", {"host": "evil.example"}, 421),
    ],
)  # fmt: skip
def test_who_comes_straight(tmp_path: Path, peer: str, headers: dict[str, Any], expected: int) -> None:
    assert status(tmp_path, peer, headers, **DIRECT).status_code == expected


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("10.20.0.5", {"host": "10.20.0.1"}, 200),
        # A proxy on this machine, which was told to leave out what it forwards.
        ("127.0.0.1", {"host": "gate.example.com", "connection": "x-forwarded-for, x-forwarded-proto"}, 404),
        # The proxy's own network is allowed too, and yet what comes from it is somebody else's.
        ("10.20.9.1", {"host": "gate.example.com"}, 404),
        ("10.20.9.1", {"host": "gate.example.com", "x-forwarded-for": "10.20.0.5", "x-forwarded-proto": "https"}, 404),
        ("10.20.9.1", {"host": "gate.example.com", "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "https"}, 404),
        ("10.20.9.1", {"host": "gate.example.com", "x-forwarded-proto": "https", "authorization": f"Bearer {TOKEN}"}, 200),
        # The token in the clear is no token.
        ("10.20.9.1", {"host": "gate.example.com", "x-forwarded-proto": "http", "authorization": f"Bearer {TOKEN}"}, 404),
        ("203.0.113.9", {"host": "gate.example.com", "x-forwarded-proto": "https", "authorization": f"Bearer {TOKEN}"}, 404),
    ],
)  # fmt: skip
def test_who_comes_through_a_proxy(tmp_path: Path, peer: str, headers: dict[str, Any], expected: int) -> None:
    assert status(tmp_path, peer, headers, **BEHIND).status_code == expected


def test_by_default_only_this_machine(tmp_path: Path) -> None:
    assert status(tmp_path / "a", "10.20.0.5").status_code == 404
    assert status(tmp_path / "b", "203.0.113.9", {"authorization": "Bearer "}).status_code == 404
    assert status(tmp_path / "c", "127.0.0.1").status_code == 200


def test_strangers_learn_a_word_and_the_operator_the_reasons(tmp_path: Path) -> None:
    async def story() -> tuple[Any, Any, Any]:
        async with opened(tmp_path, **DIRECT) as house:
            async with asyncio.timeout(10):
                while (
                    not house.gateway.database.signals.fresh
                ):  # what others change is heard from the first beat on
                    await asyncio.sleep(0.02)
            house.gateway.audit.stop()
            stranger = await asked(house, "203.0.113.9", {"host": "anything"}, "/readyz?detail")
            near = await asked(house, "10.20.0.5", {}, "/readyz?detail")
            alive = await asked(house, "203.0.113.9", {"host": "anything"}, "/livez?detail")
            return stranger, near, alive

    stranger, near, alive = asyncio.run(story())
    assert (stranger.status_code, stranger.text) == (503, "not ready\n")
    assert (alive.status_code, alive.text) == (200, "ok\n")
    assert near.status_code == 503
    told = near.json()
    assert told["ready"] is False
    wrong = [part for part in told["parts"] if not part["ok"]]
    assert [(part["component"], part["why"]) for part in wrong] == [
        ("log", "The audit log takes no entries.")
    ]
    assert {part["component"] for part in told["parts"]} == {
        "stop",
        "log",
        "process",
        "signals",
        "jobs",
        "database",
        "keys",
        "disk",
    }
    assert all(part["since"].endswith("Z") for part in told["parts"])


def test_who_is_asked_to_stop_says_so(tmp_path: Path) -> None:
    async def story() -> httpx.Response:
        async with opened(tmp_path) as house:
            house.gateway.stopping = lambda: True
            return await asked(house, "203.0.113.9", {"host": "anything"}, "/readyz")

    assert asyncio.run(story()).status_code == 503
