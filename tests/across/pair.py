"""Two gateways at once on one PostgreSQL, as two processes are: nothing in common but the databases and the blobs."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import servers
from tests.house import House, MovingClock, opened
from tests.shop import CONTRACTS, Shop, running

WITHIN_S = 1.0
"""The promise; a test looks that often that it would see one that is kept just so."""


@dataclass
class Pair:
    """`a` and `b`: the same tenant, the same owner. `agent`: a key of a support agent."""

    a: House
    b: House
    shop: Shop
    agent: str = ""
    data: str = ""

    def jump(self, seconds: int) -> None:
        """The database's own clock is so far from the right time from now on."""
        servers.jump(self.data, seconds)

    async def pay(self, house: House, key: str = "", to: str = "ada") -> dict[str, str]:
        """A call that is held."""
        answer = await house.ask(
            "POST", "/v1/actions/pay.send", self.agent, json={"to": to, "amount": 48}, key=key
        )
        assert answer.status_code == 202, answer.text
        return dict(answer.json())


async def soon(holds: Callable[[], Awaitable[bool]], within_s: float = WITHIN_S) -> None:
    """Wait until it holds. Raises AssertionError where it does not within the time (and half a second for a slow machine)."""
    until = time.monotonic() + within_s + 0.5
    while not await holds():
        assert time.monotonic() < until, "it does not count there"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def both(folder: Path, shop: Shop, *, own_clocks: bool = False, **settings: str) -> AsyncIterator[Pair]:
    data, keys = servers.clocked(servers.fresh_store("data")), servers.fresh_store("keys")
    clock = MovingClock()
    shared = {"OSTIARY_KEYS_URL": keys, "OSTIARY_BLOB_URL": f"file://{folder / 'blobs'}", **settings}
    try:
        async with AsyncExitStack() as stack:
            a = await stack.enter_async_context(
                opened(folder / "a", database_url=data, clock=clock, **shared)
            )
            await a.found()
            await a.enrol()
            b = await stack.enter_async_context(
                opened(
                    folder / "b", database_url=data, clock=MovingClock() if own_clocks else clock, **shared
                )
            )
            b.owner, b.tenant, b.totp, b.used_codes = a.owner, a.tenant, a.totp, a.used_codes
            await a.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
            await a.connect("letters", kind="http", base_url=shop.url)
            await a.agree(CONTRACTS)
            yield Pair(a, b, shop, await a.make_key("helper"), data)
    finally:
        servers.drop_postgresql(data)
        servers.drop_postgresql(keys)


def play(story: Callable[[Pair], Awaitable[None]], *, own_clocks: bool = False, **settings: str) -> None:
    """Run a story in a fresh pair. `own_clocks`: a clock each, which a test may put wrong."""

    async def whole(folder: Path, shop: Shop) -> None:
        async with both(folder, shop, own_clocks=own_clocks, **settings) as pair:
            await story(pair)

    with running() as shop, tempfile.TemporaryDirectory() as folder:
        asyncio.run(whole(Path(folder), shop))
