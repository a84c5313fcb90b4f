"""A whole gateway in one test: real databases, real door, real REST, asked in memory over ASGI.

async def story(house: House) -> None: ...
play(tmp_path, story)
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pyotp

from ostiary import config
from ostiary.app.codes import OperatorDesk
from ostiary.app.gateway import Gateway
from ostiary.clock import Clock, SystemClock
from tests import inline, servers
from tests.keys import ROOT_KEY

OWNER = "olive.owner@pellow.example"
BASE = "http://localhost:8080"
EMBEDDED = {"OSTIARY_DATABASE_URL": "", "OSTIARY_KEYS_URL": ""}
"""For a test that is about files, or counts what one process alone does: on SQLite whatever the suite runs on."""


class MovingClock(SystemClock):
    """The machine's clock, which a test may put forward."""

    ahead_us = 0

    def now_us(self) -> int:
        return super().now_us() + self.ahead_us

    def advance(self, seconds: float) -> None:
        self.ahead_us += int(seconds * 1_000_000)


class QuietDesk(OperatorDesk):
    """Keeps what the operator would be shown."""

    def __init__(self, home: Path, clock: Clock) -> None:
        super().__init__(home, clock, interactive=True)
        self.shown: list[str] = []

    def show(self, line: str) -> None:
        self.shown.append(line)

    def last(self) -> str:
        """The last word of the last line: a code or a token."""
        return self.shown[-1].rsplit(" ", 1)[-1]


@dataclass
class House:
    """`owner` is the owner's session token, `totp` their second factor."""

    gateway: Gateway
    desk: QuietDesk
    clock: MovingClock
    client: httpx.AsyncClient
    owner: str = ""
    tenant: str = ""
    totp: pyotp.TOTP | None = None
    used_codes: set[str] = field(default_factory=set)

    async def ask(
        self, method: str, path: str, token: str | None = None, *, key: str = "", **more: Any
    ) -> httpx.Response:
        """One request; the owner's by default, nobody's with token ""."""
        bearer = self.owner if token is None else token
        headers = dict(more.pop("headers", {}))
        if bearer:
            headers["authorization"] = f"Bearer {bearer}"
        if key:
            headers["idempotency-key"] = key
        return await self.client.request(method, path, headers=headers, **more)

    async def good(self, method: str, path: str, token: str | None = None, **more: Any) -> Any:
        """The JSON of an answer that has to be good."""
        answer = await self.ask(method, path, token, **more)
        assert answer.status_code < 300, (method, path, answer.status_code, answer.text)
        return answer.json()

    async def found(self, tenant: str = "Pellow & Finch") -> None:
        """First start: the owner and the first tenant."""
        opened = await self.good(
            "POST", "/v1/setup", "",
            json={"token": self.desk.last(), "email": OWNER, "name": "Olive Owner", "tenant": tenant},
        )  # fmt: skip
        self.owner, self.tenant = opened["secret"], opened["tenant"]

    async def enrol(self) -> None:
        """Give the owner a second factor; confirming it counts as a step-up."""
        enrolment = await self.good("POST", "/v1/me/totp")
        self.totp = pyotp.parse_uri(enrolment["secret"]["otpauth"])  # type: ignore[assignment]
        opened = await self.good("POST", "/v1/me/totp/confirm", json={"code": self.code()})
        self.owner = opened["secret"] or self.owner

    def code(self) -> str:
        """A fresh code: the clock moves on to the next step if this one was used."""
        assert self.totp is not None
        code = self.totp.at(self.clock.now_us() // 1_000_000)
        if code in self.used_codes:
            self.clock.advance(30)
            return self.code()
        self.used_codes.add(code)
        return code

    async def sign_in(self, email: str) -> str:
        """A session token, by the mailed code (and the owner's second factor where it is asked for)."""
        request = await self.good("POST", "/v1/session/code", "", json={"email": email})
        await asyncio.sleep(0)
        for _ in range(50):
            if self.desk.shown and email in self.desk.shown[-1]:
                break
            await asyncio.sleep(0.01)
        opened = await self.good(
            "POST", "/v1/session/start", "", json={"request": request["request"], "code": self.desk.last()}
        )
        if opened["second_factor_required"]:
            opened = await self.good(
                "POST", "/v1/session/second-factor", opened["secret"], json={"code": self.code()}
            )
        return str(opened["secret"])

    async def make_key(
        self, name: str, kind: str = "agent", roles: tuple[str, ...] = ("support",), **more: Any
    ) -> str:
        """An API key's text."""
        made = await self.good(
            "POST", "/v1/keys", json={"name": name, "kind": kind, "roles": list(roles), **more}
        )
        return str(made["secret"])

    async def connect(self, name: str, **settings: Any) -> Any:
        return await self.good("PUT", f"/v1/connectors/{name}", json={"settings": settings})

    async def agree(self, text: str) -> Any:
        """Apply a contract file."""
        return await self.good("PUT", "/v1/contracts", json={"text": text})

    async def settled(self, call: str, token: str | None = None) -> Any:
        """The call once it has ended."""
        return await self.good("GET", f"/v1/calls/{call}", token, params={"wait_s": "20"})

    async def work(self) -> None:
        """Do the jobs that are due, until there is none left."""
        await inline.work(self.gateway.worker)

    async def approve(self, approval: str, token: str | None = None) -> httpx.Response:
        card = await self.good("GET", f"/v1/approvals/{approval}", token)
        return await self.ask(
            "POST", f"/v1/approvals/{approval}/approve", token, json={"digest": card["digest"]}
        )


@asynccontextmanager
async def opened(
    home: Path,
    *,
    database_url: str = "",
    clock: MovingClock | None = None,
    jobs: bool = False,
    **settings: str,
) -> AsyncIterator[House]:
    """A gateway that runs, with nobody in it yet. The same `home` again is the same gateway after a restart. `jobs`: it works on them by itself, with DBOS,
    of which there is one a process; else `House.work` does."""
    moving = clock or MovingClock()
    environ = {
        "OSTIARY_HOME": str(home),
        "OSTIARY_ROOT_KEY": ROOT_KEY,
        "OSTIARY_EGRESS_ALLOW": "127.0.0.0/8",
        "OSTIARY_ANONYMOUS_RATE_PER_MINUTE": "100000",
        **servers.home_settings(home),
        **({"OSTIARY_DATABASE_URL": database_url} if database_url else {}),
        **settings,
    }
    loaded = config.load(environ)
    for which, url in (("data", loaded.database_url), ("keys", loaded.keys_url)):
        servers.copy_tables(which, url)
    desk = QuietDesk(loaded.home, moving)
    gateway = Gateway(loaded, moving, desk=desk, jobs=jobs)
    await gateway.start()
    transport = httpx.ASGITransport(gateway.asgi, client=("127.0.0.1", 40000))  # type: ignore[arg-type]
    try:
        async with httpx.AsyncClient(transport=transport, base_url=BASE, timeout=60) as client:
            yield House(gateway, desk, moving, client)
    finally:
        await gateway.stop()


def play(
    home: Path, story: Callable[[House], Awaitable[None]], *, furnished: bool = True, **settings: str
) -> None:
    """Run a story in a fresh house; `furnished`: with an owner who has a second factor."""

    async def whole() -> None:
        async with opened(home, **settings) as house:
            if furnished:
                await house.found()
                await house.enrol()
            await story(house)

    asyncio.run(whole())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
