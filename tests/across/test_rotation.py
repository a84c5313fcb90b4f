"""Keys turn while two processes are asked without pause: no request fails, everything that was sealed opens, and nothing is left behind."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx
import pytest

from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.ids import INSTALL, TenantId
from ostiary.secret import Secret
from ostiary.vault import turning
from ostiary.vault.root import EnvironmentRoot, generate
from ostiary.vault.roots.adopting import adopt, standing
from ostiary.vault.sealing import Vault
from tests.across.pair import Pair, play
from tests.cluster import Cluster
from tests.keys import ROOT_KEY
from tests.process import Process

ASKERS = 4
NEW_ROOT_KEY = "bmV3IHJvb3Qga2V5LCAzMiBieXRlcywgdGhpcyBvbmU="


@dataclass
class Load:
    """What the askers saw: statuses, and the texts of answers that were not good."""

    seen: Counter[int] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)

    def note(self, answer: httpx.Response) -> None:
        self.seen[answer.status_code] += 1
        if answer.status_code != 200:
            self.bad.append(f"{answer.request.url.path}: {answer.text[:300]}")


async def asked(pair: Pair, load: Load, going: asyncio.Event, number: int) -> None:
    """Reads that open sealed names and events, and calls that seal, at both in turn."""
    while going.is_set():
        for house in (pair.a, pair.b):
            load.note(await house.ask("GET", "/v1/me"))
            load.note(await house.ask("GET", "/v1/audit/events", params={"limit": "3"}))
            load.note(
                await house.ask("POST", "/v1/actions/mail.send", pair.agent, json={"to": f"bob{number}"})
            )


def turn(vault: Vault, tenant: TenantId) -> None:
    """Everything that can turn: a new version, all keys wrapped by it, new data keys, and the old versions destroyed."""
    turning.rotate(vault.keys, tenant)
    turning.rewrap_all(vault.keys, tenant)
    turning.turn_data_keys(vault.keys, tenant)
    while older := [row.version for row, count in vault.versions(tenant)[1:] if row.wrapped]:
        for version in older:
            try:
                turning.retire(vault.keys, tenant, version)
            except turning.Conflict:  # a key was made by it meanwhile
                turning.rewrap_all(vault.keys, tenant)


@pytest.mark.parametrize("rotations", [6, pytest.param(100, marks=pytest.mark.soak)])
def test_no_request_fails_while_keys_turn(rotations: int) -> None:
    async def story(pair: Pair) -> None:
        load, going = Load(), asyncio.Event()
        going.set()
        askers = [asyncio.create_task(asked(pair, load, going, number)) for number in range(ASKERS)]
        tenants = (TenantId(pair.a.tenant), INSTALL)
        both = EnvironmentRoot(Secret(f"{NEW_ROOT_KEY},{ROOT_KEY}"))
        newer = Vault(pair.a.gateway.keys_database, both, SystemClock())
        for number in count():
            if number >= rotations and load.seen[200] > 10 * ASKERS:
                break
            vault = (pair.a.gateway.vault, pair.b.gateway.vault, newer)[number % 3]
            await asyncio.to_thread(turn, vault, tenants[number % 2])
            if number == rotations // 2:
                await asyncio.to_thread(adopt, newer.keys, tenants)
        going.clear()
        await asyncio.gather(*askers)
        assert load.bad == []
        for tenant in tenants:
            living = [row for row, _ in newer.versions(tenant) if row.wrapped]
            assert len(living) == 1
            assert living[0].version > rotations // 3

    play(story)


@dataclass
class Balancer:
    """As a load balancer that takes a process out before it is stopped: those that are asked, and how many requests are under way at each."""

    webs: list[Process]
    under_way: Counter[int] = field(default_factory=Counter)

    async def get(self, client: httpx.AsyncClient, number: int, path: str) -> httpx.Response:
        web = self.webs[number % len(self.webs)]
        self.under_way[web.port] += 1
        try:
            return await client.get(web.url + path, headers=web.headers())
        finally:
            self.under_way[web.port] -= 1

    async def restart(self, member: Process, root_key: str) -> None:
        """Stop it when it is asked nothing any more, and start it with these root keys."""
        asked = member in self.webs
        if asked:
            self.webs.remove(member)
        while self.under_way[member.port]:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(member.stop)
        member.settings["OSTIARY_ROOT_KEY"] = root_key
        await asyncio.to_thread(member.start)
        if asked:
            self.webs.append(member)


async def calls(balancer: Balancer, load: Load, going: asyncio.Event) -> None:
    number = 0
    async with httpx.AsyncClient(timeout=60) as client:
        while going.is_set():
            for path in ("/v1/me", "/v1/audit/events?limit=3", "/v1/vault/keys"):
                load.note(await balancer.get(client, number, path))
                number += 1


@pytest.mark.soak
def test_no_request_fails_while_the_root_key_is_changed_by_rolling_restarts(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)

    async def story() -> None:
        load, going, old = Load(), asyncio.Event(), ROOT_KEY
        going.set()
        balancer = Balancer(list(cluster.webs))
        askers = [asyncio.create_task(calls(balancer, load, going)) for _ in range(ASKERS)]
        for _ in range(3):
            new = generate().reveal()
            for texts in (f"{new},{old}", new):
                for member in cluster.members:
                    await balancer.restart(member, texts)
            old = new
        going.clear()
        await asyncio.gather(*askers)
        assert load.bad == []
        database = Database(cluster.keys_url)
        vault = Vault(database, EnvironmentRoot(Secret(old)), SystemClock())
        roots = standing(vault.keys, (INSTALL, TenantId(cluster.webs[0].tenant)))
        database.close()
        assert list(roots) == [vault.keys.root.current()]
        assert load.seen[200] > 100

    try:
        cluster.start()
        asyncio.run(story())
    finally:
        cluster.close()
