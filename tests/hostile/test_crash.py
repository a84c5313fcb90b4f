"""kill -9 of a real gateway under load: what was acknowledged stands, nothing is done twice, the log verifies, and it is ready again at once.

Writers call with idempotency keys, a target that honours them and one that does not; agents ask for what a person must approve, and the owner
approves; others read. Everything that a client was told is kept outside and held against the gateway after it was started anew.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.audit._c2sp_note import parse_key, verify
from ostiary.audit._rfc6962 import extends
from ostiary.audit.export import export_lines, write_export
from ostiary.audit.verify import verify_export
from tests.process import Process
from tests.shop import CONTRACTS, Shop, running

QUICK = """  - name: pay.quick
    title: Pay at once
    description: Pays somebody without asking.
    parameters: {properties: {to: {type: string, maxLength: 40}, amount: {type: integer, minimum: 1}}, required: [to, amount]}
    roles: [support, owner]
    risk: medium
    confirmation: never
    sentence: Pay {amount} to {to}
    target: {connector: shop, http: {method: POST, path: /pay, body: {to: '{to}', amount: '{amount}'}}}
  - name: pay.look
    title: Look
    description: How often somebody was paid.
    parameters: {properties: {to: {type: string, maxLength: 40}}, required: [to]}
    roles: [support, owner]
    risk: low
    confirmation: never
    target: {connector: shop, http: {method: GET, path: '/pay/{to}'}}
"""
DONE_TIMEOUT_S = 20
AWAY_TRIES = 100
FAILED = {"store.unavailable", "keys.unavailable", "audit.unavailable"}


@dataclass
class Told:
    """What clients were told, kept outside. `sent`: key -> (action, recipient); `answers`: key -> the acknowledged answer."""

    sent: dict[str, tuple[str, str]] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    approved: set[str] = field(default_factory=set)
    events: set[tuple[str, str]] = field(default_factory=set)
    checkpoints: list[dict[str, Any]] = field(default_factory=list)
    problems: set[str] = field(default_factory=set)


@dataclass
class Load:
    """Clients of one round, until the gateway dies under them."""

    process: Process
    agent: str
    told: Told
    round: int
    client: httpx.AsyncClient

    async def call(self, name: str, key: str, to: str) -> httpx.Response:
        self.told.sent[key] = (name, to)
        body = {"to": to} if name == "mail.send" else {"to": to, "amount": 7}
        answer = await self.client.post(
            f"/v1/actions/{name}", json=body, headers=self.process.headers(self.agent, key)
        )
        if answer.status_code == 200:
            self.told.answers[key] = answer.json()
            self.told.events.add((answer.json()["call_id"], "ran"))
        elif answer.status_code == 202:
            self.told.events.add((answer.json()["call_id"], "held"))
        else:
            self.told.problems.add(answer.json()["code"])
            await asyncio.sleep(0.02)  # too many of one agent's calls wait for a person: do not press
        return answer

    async def write(self, name: str, who: int) -> None:
        for number in range(1_000_000):
            key = f"{name}-{self.round}-{who}-{number}"
            await self.call(name, key, key)

    async def approve(self) -> None:
        while True:
            headers = self.process.headers()
            listed = await self.client.get("/v1/approvals?limit=20", headers=headers)
            for card in self.good(listed)["approvals"]:
                body = {"digest": card["digest"]}
                answer = await self.client.post(
                    f"/v1/approvals/{card['id']}/approve", json=body, headers=headers
                )
                if answer.status_code == 200:
                    self.told.approved.add(card["id"])
                    self.told.events.add((answer.headers["ostiary-call"], "ran"))
                    self.told.events.add((card["call"], "approved"))

    async def read(self) -> None:
        while True:
            answer = await self.client.post(
                "/v1/actions/pay.look", json={"to": "ada"}, headers=self.process.headers(self.agent)
            )
            self.told.events.add((self.good(answer)["call_id"], "ran"))

    def good(self, answer: httpx.Response) -> Any:
        """The JSON of an answer that has to be good."""
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def run(self, for_s: float) -> None:
        """All of them at once; the gateway is killed after `for_s`."""
        clients = [
            *(self.write("pay.quick", who) for who in range(4)),
            *(self.write("mail.send", who) for who in range(3)),
            self.write("pay.send", 0),
            self.approve(),
            self.read(),
        ]
        tasks = [asyncio.create_task(_until_gone(client)) for client in clients]
        await asyncio.sleep(for_s)
        self.process.kill()
        await asyncio.gather(*tasks)


async def _until_gone(client: Any) -> None:
    try:
        await client
    except httpx.TransportError:
        return


class Ledger:
    """Holds what clients were told against what the gateway says now."""

    def __init__(self, process: Process, shop: Shop, agent: str, told: Told, folder: Path) -> None:
        self.process, self.shop, self.agent, self.told, self.folder = process, shop, agent, told, folder

    async def check(self, load: Load, keys: list[str]) -> None:
        """Each of these calls again, with its key: the answer it had; if it had none, one that fits what the target did."""
        for part in range(0, len(keys), 16):
            await asyncio.gather(*(self._again(load, key) for key in keys[part : part + 16]))

    async def _again(self, load: Load, key: str) -> None:
        name, to = self.told.sent[key]
        before = self.told.answers.get(key)
        answer = await load.call(name, key, to)
        for turn in range(DONE_TIMEOUT_S * 20):
            under_way = answer.status_code == 409 and answer.json()["code"] == "call.in_flight"
            away = answer.status_code == 503 and turn < AWAY_TRIES
            if not (under_way or away):
                break
            await asyncio.sleep(0.05)
            answer = await load.call(name, key, to)
        done = self.shop.done[to]
        if before:
            assert answer.status_code == 200, (key, answer.text)
            assert (answer.json()["call_id"], answer.json()["result"]) == (
                before["call_id"],
                before["result"],
            )
        if answer.status_code == 200:
            assert done == 1, (key, done)
        elif answer.status_code == 503:  # it failed for good before anything was done, and that is its answer
            assert answer.json()["code"] in FAILED, (key, answer.text)
            assert done == 0, (key, done)
        elif answer.status_code == 409:
            assert name == "mail.send", (key, answer.text)
            assert answer.json()["code"] == "call.unknown"
            assert done <= 1, (key, done)
        else:
            assert name == "pay.send", (key, answer.text)
            assert answer.status_code == 202 or answer.json()["code"] == "limit.rate"
            assert done == 0, (key, done)

    async def finish(self, load: Load, approvals: list[str]) -> None:
        """What was approved comes to its end by itself, once: also what its asker was never told of, whose gateway died before it answered."""
        for approval in approvals:
            card = await self._shown(load, f"/v1/approvals/{approval}", self.process.headers())
            assert card["state"] != "waiting"
            path = f"/v1/calls/{card['call']}?wait_s={DONE_TIMEOUT_S}"
            ended = await self._shown(load, path, self.process.headers(self.agent))
            assert ended["state"] == "done", ended
            (to,) = (each["value"] for each in card["parameters"] if each["name"] == "to")
            assert self.shop.done[to] == 1

    async def _shown(self, load: Load, path: str, headers: dict[str, str]) -> Any:
        """What a page says; a process that has just begun may say "not now"."""
        for _ in range(AWAY_TRIES):
            answer = await load.client.get(path, headers=headers)
            if answer.status_code != 503:
                break
            await asyncio.sleep(0.05)
        return load.good(answer)

    def _good(self, path: str, **more: Any) -> Any:
        """The same, without a client of its own."""
        for _ in range(AWAY_TRIES):
            if (answer := self.process.ask("GET", path, **more)).status_code != 503:
                break
            time.sleep(0.05)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    def checkpoint(self) -> None:
        """The log goes on from where the checkpoint that was kept last says it stood."""
        now = self._good("/v1/audit/checkpoint")
        key = parse_key(now["key"])
        signed = verify(now["checkpoint"], key)
        if self.told.checkpoints:
            kept = verify(self.told.checkpoints[-1]["checkpoint"], key)
            asked = {"first": str(kept.size), "second": str(signed.size)}
            proof = self._good("/v1/audit/consistency", params=asked)
            hashes = [bytes.fromhex(text) for text in proof["hashes"]]
            assert extends(kept.size, signed.size, kept.root, signed.root, hashes)
        self.told.checkpoints.append(now)

    def export(self) -> None:
        """The whole log, offline: it verifies against checkpoints kept from earlier on, and every acknowledged event is in it."""
        path, note = self.folder / "export.jsonl", self.folder / "kept"
        lines = list(export_lines(self._good("/v1/audit/checkpoint"), self._page))
        write_export(lines, path)
        kept = self.told.checkpoints
        for checkpoint in {0: kept[0], 1: kept[len(kept) // 2], 2: kept[-1]}.values():
            note.write_text(checkpoint["checkpoint"])
            report = verify_export(path, note, checkpoint["key"])
            assert (report.ok, report.complete, report.faults) == (True, True, ())
        exported = {(row["event"]["call"], row["event"]["decision"]) for row in self._entries}
        assert self.told.events <= exported, list(self.told.events - exported)[:5]

    def _page(self, start: int, end: int) -> Any:
        if start == 0:
            self._entries: list[Any] = []
        page = self._good("/v1/audit/entries", params={"start": str(start), "end": str(end)})
        self._entries += page["entries"]
        return page


def kill_often(folder: Path, times: int, *, load_s: float, export_every: int) -> None:
    process = Process(folder / "home")
    told = Told()
    with running() as shop:
        process.start()
        try:
            process.found()
            process.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
            process.connect("letters", kind="http", base_url=shop.url)
            process.agree(CONTRACTS + QUICK)
            agent = process.make_key("helper", "support", kind="program")
            ledger = Ledger(process, shop, agent, told, folder)
            ledger.checkpoint()
            for turn in range(times):
                asyncio.run(_round(process, ledger, agent, told, turn, load_s))
                if turn % export_every == export_every - 1:
                    ledger.export()
            if times % export_every:
                ledger.export()
        finally:
            process.kill()
    starts = sorted(process.ready_s[1:])
    unknown = sum(
        1 for key, (name, _) in told.sent.items() if name == "mail.send" and key not in told.answers
    )
    print(
        f"\n{times} kills: {len(told.sent)} calls sent, {len(told.answers)} answers and {len(told.events)} events acknowledged, 0 lost;"
        f" {len(told.approved)} approvals; {sum(shop.done.values())} effects, none twice; {unknown} letters of unknown outcome;"
        f" {told.checkpoints[-1]['size']} events in the log;"
        f" ready again after {starts[len(starts) // 2]:.2f} s (median), {starts[-1]:.2f} s (most)"
    )


async def _round(process: Process, ledger: Ledger, agent: str, told: Told, turn: int, load_s: float) -> None:
    dice = random.Random(turn)
    already, approved = set(told.sent), set(told.approved)
    async with httpx.AsyncClient(base_url=process.url, timeout=60) as client:
        await Load(process, agent, told, turn, client).run(dice.uniform(0.05, load_s))
    await asyncio.to_thread(process.start)
    async with httpx.AsyncClient(base_url=process.url, timeout=60) as client:
        load = Load(process, agent, told, turn, client)
        earlier = dice.sample(sorted(already), min(20, len(already)))
        await ledger.finish(load, sorted(told.approved - approved))
        await ledger.check(load, [*(set(told.sent) - already), *earlier])
    assert max(ledger.shop.done.values(), default=0) <= 1
    await asyncio.to_thread(ledger.checkpoint)


@pytest.mark.journey
@pytest.mark.timeout(300)
def test_killed_at_random_points_under_load_nothing_is_lost_and_nothing_done_twice(tmp_path: Path) -> None:
    kill_often(tmp_path, 6, load_s=1.0, export_every=6)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_two_hundred_times(tmp_path: Path) -> None:
    kill_often(tmp_path, 200, load_s=1.0, export_every=50)
