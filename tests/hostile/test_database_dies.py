"""PostgreSQL is stopped, stopped at once, killed with all its processes, or its machine loses power, while two web processes and a worker are under load. They
stay up: new calls are refused with 503 and a stable code, `/readyz` says no, and they go on by themselves when it is back. Nothing that was acknowledged is
lost, nothing is done twice."""

import asyncio
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests import cluster, lossy
from tests.cluster import Cluster
from tests.hostile.test_cluster_crash import STABLE, Surviving
from tests.hostile.test_crash import QUICK, Ledger, Load, Told
from tests.lossy import Disk
from tests.own_server import Server, own_server
from tests.process import Process
from tests.shop import CONTRACTS, running

AWAY = {"audit.unavailable", "store.unavailable", "keys.unavailable"}
BACK_S = 15.0
"""How soon after the database is back everything has to go on: a generous bound for loaded machines. What was measured is printed."""

Death = Callable[[Server, Disk | None, random.Random], None]

pytestmark = [pytest.mark.journey]


def stopped_fast(server: Server, _disk: Disk | None, _dice: random.Random) -> None:
    server.stop(signal.SIGINT)


def stopped_at_once(server: Server, _disk: Disk | None, _dice: random.Random) -> None:
    server.stop(signal.SIGQUIT)


def killed(server: Server, _disk: Disk | None, _dice: random.Random) -> None:
    server.kill()


def unplugged(server: Server, disk: Disk | None, dice: random.Random) -> None:
    assert disk is not None
    disk.cut(dice if dice.random() < 0.5 else None)
    server.kill()
    disk.unmount()
    disk.mount()


DEATHS: dict[str, Death] = {
    "fast": stopped_fast,
    "immediate": stopped_at_once,
    "killed": killed,
    "power": unplugged,
}


@contextmanager
def place(folder: Path, death: str) -> Iterator[tuple[Server, Disk | None]]:
    """A server, on a disk that forgets where power is to fail."""
    if death != "power":
        with own_server(folder / "server" / "data") as server:
            yield server, None
        return
    with (
        lossy.disk(folder / "disk") as disk,
        own_server(disk.place / "data", folder / "server.log") as server,
    ):
        disk.keep_all()
        yield server, disk


def through_deaths(folder: Path, death: str, turns: int, *, load_s: float) -> None:
    told, back, lost = Told(), list[float](), list[int]()
    with place(folder, death) as (server, disk), running() as shop, cluster.running(folder) as members:
        web = members.webs[0]
        web.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
        web.connect("letters", kind="http", base_url=shop.url)
        web.agree(CONTRACTS + QUICK)
        agent = web.make_key("helper", "support", kind="program")
        ledger = Ledger(web, shop, agent, told, folder)
        ledger.checkpoint()
        for turn in range(turns):
            dice = random.Random(turn)

            async def disaster(dice: random.Random = dice) -> None:
                await asyncio.to_thread(DEATHS[death], server, disk, dice)
                lost.append(disk.lost_pages if disk else 0)
                await asyncio.gather(*(_says_no(each, agent) for each in members.webs))
                await asyncio.to_thread(server.start)
                began = time.monotonic()
                await asyncio.gather(*(_ready_again(each) for each in members.members))
                back.append(time.monotonic() - began)

            asyncio.run(_turn(members, ledger, agent, told, turn, load_s, disaster))
        ledger.export()
    assert told.problems <= STABLE, told.problems - STABLE
    pages = f"{sum(lost)} pages that were not synced are gone; " if disk else ""
    back.sort()
    print(
        f"\ndatabase {death}: {turns} times; {pages}{len(told.sent)} calls sent, {len(told.answers)} answers and {len(told.events)} events acknowledged, 0 lost;"
        f" {len(told.approved)} approvals; {sum(shop.done.values())} effects, none twice; {told.checkpoints[-1]['size']} events in the log;"
        f" problems {sorted(told.problems)}; ready {back[len(back) // 2]:.2f} s after the database (median), {back[-1]:.2f} s (most)"
    )


async def _turn(
    members: Cluster,
    ledger: Ledger,
    agent: str,
    told: Told,
    turn: int,
    load_s: float,
    disaster: Callable[[], object],
) -> None:
    dice = random.Random(turn)
    already, approved = set(told.sent), set(told.approved)
    async with members.client() as client:
        load = Surviving(ledger.process, agent, told, turn, client)
        await load.run_through(disaster, dice.uniform(0.05, load_s), dice.uniform(0.05, load_s))  # type: ignore[arg-type]
    assert all(each.running and each.running.poll() is None for each in members.members)
    async with members.client() as client:
        again = Load(ledger.process, agent, told, turn, client)
        earlier = dice.sample(sorted(already), min(20, len(already)))
        await ledger.finish(again, sorted(told.approved - approved))
        await ledger.check(again, [*(set(told.sent) - already), *earlier])
    twice = {to: count for to, count in ledger.shop.done.items() if count > 1}
    assert not twice
    await asyncio.to_thread(ledger.checkpoint)


async def _says_no(web: Process, agent: str) -> None:
    """A call is refused in words that say why, readiness says so, and it lives."""
    async with httpx.AsyncClient(base_url=web.url, timeout=60) as client:
        answer = await client.post(
            "/v1/actions/pay.quick", json={"to": "nobody", "amount": 1}, headers=web.headers(agent)
        )
        assert (answer.status_code, answer.json()["code"] in AWAY) == (503, True), answer.text
        for _ in range(200):
            if (await client.get("/readyz")).status_code == 503:
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError("/readyz never said no")
        assert (await client.get("/livez")).status_code == 200


async def _ready_again(member: Process) -> None:
    began = time.monotonic()
    async with httpx.AsyncClient(base_url=member.url, timeout=60) as client:
        while (await client.get("/readyz")).status_code != 200:
            assert time.monotonic() - began < BACK_S, member.said()
            await asyncio.sleep(0.05)


@pytest.mark.timeout(300)
@pytest.mark.soak
@pytest.mark.parametrize("death", ["fast", "power"])
def test_the_database_dies_under_load_and_everything_goes_on(tmp_path: Path, death: str) -> None:
    through_deaths(tmp_path, death, 1, load_s=0.8)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("death", DEATHS)
def test_the_database_dies_often(tmp_path: Path, death: str) -> None:
    through_deaths(tmp_path, death, 100 if death == "power" else 25, load_s=1.0)
