"""kill -9 of any of two web processes and a worker on one PostgreSQL, under load that goes on: nothing that was acknowledged is lost, nothing is done twice
at a target that honours the key, and the one log that all of them write verifies. One that is stopped for a while and comes back (SIGSTOP: a machine that
hangs, a network that is cut) finds its work taken over, and changes nothing."""

import asyncio
import gc
import os
import random
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import cluster
from tests.cluster import Cluster
from tests.hostile.deeds import started
from tests.hostile.points import Journal
from tests.hostile.test_crash import QUICK, Ledger, Load, Told
from tests.process import Process
from tests.shop import CONTRACTS, running

STALL_S = 8.0
"""Longer than a process may be silent before it counts as dead, and than PostgreSQL keeps a transaction that nobody goes on with."""

STABLE = {"audit.unavailable", "store.unavailable", "keys.unavailable", "call.unknown", "call.in_flight", "limit.rate", "limit.concurrency", "connection.broken"}  # fmt: skip
"""What a client may be told while a process hangs, or the database is away."""

BROKEN = httpx.Response(599, json={"code": "connection.broken"})


class Refused(Exception):
    """Somebody who looks is told to come again."""


class Surviving(Load):
    """Clients that go on when a process dies under them: with the next request, at the next process."""

    def good(self, answer: httpx.Response) -> Any:
        if answer.status_code != 200:
            self.told.problems.add(answer.json()["code"])
            raise Refused
        return answer.json()

    async def call(self, name: str, key: str, to: str) -> httpx.Response:
        try:
            return await super().call(name, key, to)
        except httpx.TransportError:
            return BROKEN

    async def run_through(
        self, disaster: Callable[[], Awaitable[None]], before_s: float, after_s: float
    ) -> None:
        """Load, the disaster in the middle of it, and load on what is left."""
        clients = [
            *(self._on(lambda who=who: self.write("pay.quick", who)) for who in range(4)),
            *(self._on(lambda who=who: self.write("mail.send", who)) for who in range(3)),
            self._on(lambda: self.write("pay.send", 0)),
            self._on(self.approve),
            self._on(self.read),
        ]
        tasks = [asyncio.create_task(client) for client in clients]
        await asyncio.sleep(before_s)
        await disaster()
        await asyncio.sleep(after_s)
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if not isinstance(ended, asyncio.CancelledError) and ended is not None:
                raise ended
        gc.collect()  # httpx leaves the socket of a request that is cancelled while it connects

    async def _on(self, client: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await client()
            except (httpx.TransportError, Refused):
                await asyncio.sleep(0.02)


async def killed(victim: Process) -> None:
    await asyncio.to_thread(victim.kill)


async def stalled(victim: Process) -> None:
    assert victim.running is not None
    os.killpg(victim.running.pid, signal.SIGSTOP)
    await asyncio.sleep(STALL_S)
    os.killpg(victim.running.pid, signal.SIGCONT)


def through_disasters(
    folder: Path, turns: int, *, stall_every: int, load_s: float, export_every: int
) -> None:
    told, journal = Told(), Journal("disasters")
    with running() as shop, cluster.running(folder) as members:
        web = members.webs[0]
        web.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
        web.connect("letters", kind="http", base_url=shop.url)
        web.agree(CONTRACTS + QUICK)
        agent = web.make_key("helper", "support", kind="program")
        ledger = Ledger(web, shop, agent, told, folder)
        ledger.checkpoint()
        for turn in range(turns):
            stall = stall_every > 0 and turn % stall_every == stall_every - 1
            asyncio.run(_turn(members, ledger, agent, told, turn, load_s, stall))
            if turn % export_every == export_every - 1 or turn == turns - 1:
                ledger.export()
            journal.say(
                turn=turn,
                hung=stall,
                sent=len(told.sent),
                events=len(told.events),
                log=told.checkpoints[-1]["size"],
            )
    assert told.problems <= STABLE
    starts = sorted(each for member in members.members for each in member.ready_s)
    print(
        f"\n{turns} disasters: {len(told.sent)} calls sent, {len(told.answers)} answers and {len(told.events)} events acknowledged, 0 lost;"
        f" {len(told.approved)} approvals; {sum(shop.done.values())} effects, none twice; {told.checkpoints[-1]['size']} events in the log;"
        f" problems {sorted(told.problems)}; ready again after {starts[len(starts) // 2]:.2f} s (median), {starts[-1]:.2f} s (most)"
    )


async def _turn(
    members: Cluster, ledger: Ledger, agent: str, told: Told, turn: int, load_s: float, stall: bool
) -> None:
    dice = random.Random(turn)
    already, approved = set(told.sent), set(told.approved)
    victim = dice.choice(members.members)
    async with members.client() as client:
        load = Surviving(ledger.process, agent, told, turn, client)
        disaster = stalled if stall else killed
        await load.run_through(
            lambda: disaster(victim), dice.uniform(0.05, load_s), dice.uniform(0.05, load_s)
        )
    if victim.running is None:
        await asyncio.to_thread(started, victim)
    async with members.client() as client:
        again = Load(ledger.process, agent, told, turn, client)
        earlier = dice.sample(sorted(already), min(20, len(already)))
        await ledger.finish(again, sorted(told.approved - approved))
        await ledger.check(again, [*(set(told.sent) - already), *earlier])
    twice = {to: count for to, count in ledger.shop.done.items() if count > 1}
    assert not twice
    await asyncio.to_thread(ledger.checkpoint)


@pytest.mark.journey
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.timeout(300)
def test_whichever_process_dies_or_hangs_under_load_nothing_is_lost_and_nothing_done_twice(
    tmp_path: Path,
) -> None:
    through_disasters(tmp_path, 4, stall_every=4, load_s=1.0, export_every=4)


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.timeout(7200)
def test_two_hundred_disasters(tmp_path: Path) -> None:
    through_disasters(tmp_path, 200, stall_every=10, load_s=1.0, export_every=50)
