"""Two `ostiary web` and an `ostiary worker` on one PostgreSQL, as real processes; and a client that goes to whichever web process answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import httpx

from tests import servers
from tests.process import Process


@dataclass
class Cluster:
    """`webs[0]` is the one that sets things up. All members share the databases and the blobs; each has a home of its own."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    web_count: int = 2
    worker_count: int = 1

    def __post_init__(self) -> None:
        self.data_url, self.keys_url = servers.fresh_store("data"), servers.fresh_store("keys")
        servers.make_workflows(self.data_url)
        shared = {
            "OSTIARY_DATABASE_URL": self.data_url,
            "OSTIARY_KEYS_URL": self.keys_url,
            "OSTIARY_BLOB_URL": f"file://{self.folder / 'blobs'}",
            **self.settings,
        }
        self.webs = [
            Process(self.folder / f"web{number}", ("web",), dict(shared)) for number in range(self.web_count)
        ]
        self.workers = [
            Process(self.folder / f"worker{number}", ("worker",), dict(shared))
            for number in range(self.worker_count)
        ]

    @property
    def members(self) -> list[Process]:
        return [*self.webs, *self.workers]

    def start(self) -> None:
        """All of them, with an owner and a tenant; every web process is asked as this owner."""
        for member in self.members:
            member.launch()
        for member in self.members:
            member.wait_ready()
        self.setter().found()
        for web in self.webs:
            web.owner, web.tenant = self.setter().owner, self.setter().tenant

    def setter(self) -> Process:
        """The web process that showed the set-up token."""
        return next((web for web in self.webs if (web.home / "login-codes").exists()), self.webs[0])

    def kill(self) -> None:
        for member in self.members:
            member.kill()

    def close(self) -> None:
        self.kill()
        for url in (self.data_url, self.keys_url):
            servers.drop_postgresql(url)

    def client(self) -> httpx.AsyncClient:
        """Requests go to the web processes in turn; one that cannot be reached is passed over. What was sent is never sent again."""
        return httpx.AsyncClient(transport=Turns(self.webs), base_url="http://localhost", timeout=60)


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Cluster]:
    cluster = Cluster(folder, settings)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


class Turns(httpx.AsyncBaseTransport):
    """A load balancer without stickiness: the next process for each request."""

    def __init__(self, webs: list[Process]) -> None:
        self._webs = webs
        self._turns = cycle(webs)
        self._transports = {
            web.port: httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=100)) for web in webs
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        failed: httpx.ConnectError | None = None
        for _ in self._webs:
            web = next(self._turns)
            request.url = request.url.copy_with(port=web.port)
            try:
                return await self._transports[web.port].handle_async_request(request)
            except httpx.ConnectError as error:
                failed = error
        assert failed is not None
        raise failed

    async def aclose(self) -> None:
        for transport in self._transports.values():
            await transport.aclose()
