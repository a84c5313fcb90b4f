"""A house with one owner, and a place that takes what is posted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from standardwebhooks import Webhook

from tests.house import House, opened
from tests.net.peer import Peer, Seen

Story = Callable[[House, Peer], Awaitable[None]]


def verified(seen: Seen, secret: str) -> Any:
    """What was posted, if the reference library says that it was signed with the secret."""
    return Webhook(secret).verify(seen.body, seen.headers)


def signed_by(seen: Seen, secret: str) -> bool:
    """The same of a notice of another time than now, which the library would refuse to look at: whether it would have signed it so."""
    at = datetime.fromtimestamp(int(seen.headers["webhook-timestamp"]), UTC)
    expected = Webhook(secret).sign(seen.headers["webhook-id"], at, seen.body.decode())
    return expected in seen.headers["webhook-signature"].split(" ")


async def hook(house: House, url: str, *types: str, **more: Any) -> Any:
    """A webhook at that address: `webhook` and `secret`."""
    asked = {"url": url, "types": list(types or ("*",)), **more}
    return await house.good("POST", "/v1/webhooks", json=asked)


async def show(house: House, endpoint: str) -> Any:
    return await house.good("GET", f"/v1/webhooks/{endpoint}")


async def deliveries(house: House, endpoint: str) -> Any:
    return (await house.good("GET", f"/v1/webhooks/{endpoint}/deliveries"))["deliveries"]


def types(peer: Peer) -> list[str]:
    return [orjson.loads(seen.body).get("type", "") for seen in peer.seen]


@asynccontextmanager
async def furnished(home: Path, **settings: str) -> AsyncIterator[House]:
    async with opened(home, **settings) as house:
        await house.found()
        await house.enrol()
        yield house


def told(home: Path, story: Callable[[House], Awaitable[None]], **settings: str) -> None:
    async def whole() -> None:
        async with furnished(home, **settings) as house:
            await story(house)

    asyncio.run(whole())
