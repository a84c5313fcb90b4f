"""An installation and a cell as gateways in one test: the same databases, each with its own root key, and the cell with its own database roles."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from ostiary.ids import TenantId
from ostiary.vault.root import generate
from tests import servers
from tests.house import House, MovingClock, opened

MEMBER = "mia.member@brock.example"
CELL_URL = "http://cell.brock.example"


@dataclass
class Two:
    """`home` is the installation, where the owner operates; `tenant` is the one that moves, with `key` and the member MEMBER; `stays` is the other, with
    `other_key`. `root`: the cell's root key. `ports`: where the two would be, for a browser."""

    home: House
    folder: Path
    data: str
    keys: str
    stays: TenantId
    tenant: TenantId
    key: str
    other_key: str
    root: str
    ports: tuple[int, int] = (8080, 8080)

    async def pin(self) -> None:
        await self.home.good("POST", "/v1/cells", json={"tenant": self.tenant, "url": CELL_URL, "root_key": self.root})  # fmt: skip

    async def unpin(self) -> None:
        await self.home.good("POST", "/v1/cells/return", json={"tenant": self.tenant, "root_key": self.root})

    def cell_settings(self) -> dict[str, str]:
        return {
            "OSTIARY_DATABASE_URL": servers.cell_url(self.data, self.tenant),
            "OSTIARY_KEYS_URL": servers.cell_url(self.keys, self.tenant, "keys"),
            "OSTIARY_BLOB_URL": f"file://{self.folder / 'blobs'}",
            "OSTIARY_TENANT": self.tenant,
            "OSTIARY_ROOT_KEY": self.root,
        }

    @asynccontextmanager
    async def cell(self, **more: str) -> AsyncIterator[House]:
        async with opened(self.folder / "cell", clock=self.home.clock, **self.cell_settings(), **more) as house:  # fmt: skip
            yield house


@asynccontextmanager
async def two(folder: Path, ports: tuple[int, int] = (8080, 8080)) -> AsyncIterator[Two]:
    data, keys = servers.fresh_store("data"), servers.fresh_store("keys")
    shared = {"OSTIARY_KEYS_URL": keys, "OSTIARY_BLOB_URL": f"file://{folder / 'blobs'}"}
    if ports[0] != 8080:
        shared |= {"OSTIARY_PORT": str(ports[0]), "OSTIARY_PUBLIC_URL": f"http://localhost:{ports[0]}"}
    tenant = TenantId("")
    try:
        async with opened(folder / "home", database_url=data, clock=MovingClock(), **shared) as home:
            home.client.base_url = httpx.URL(f"http://localhost:{ports[0]}")
            await home.found()
            await home.enrol()
            other_key, stays = await home.make_key("steady", roles=("developer",)), TenantId(home.tenant)
            tenant = TenantId((await home.good("POST", "/v1/tenants", json={"name": "Brock"}))["tenant"])
            await home.good("POST", "/v1/session/switch-tenant", json={"tenant": tenant})
            key = await home.make_key("helper", roles=("developer",))
            await home.good("POST", "/v1/members", json={"email": MEMBER, "name": "Mia Member", "role": "owner"})  # fmt: skip
            yield Two(home, folder, data, keys, stays, tenant, key, other_key, generate().reveal(), ports)
    finally:
        for url in (data, keys):
            servers.drop_postgresql(url)
        if tenant:
            servers.drop_cell(data, tenant)


def play(
    folder: Path, story: Callable[[Two], Awaitable[None]], ports: tuple[int, int] = (8080, 8080)
) -> None:
    """Run a story in a fresh installation with two tenants."""

    async def whole() -> None:
        async with two(folder, ports) as made:
            await story(made)

    asyncio.run(whole())
