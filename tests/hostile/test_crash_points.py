"""SIGKILL at a chosen system call of one call, of one letter and of one approval: before each write to a file, each sync and each byte that is sent.

`strace` counts the system calls of each thread from the moment it is attached, and kills the gateway when the n-th one begins.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.hostile.test_crash import QUICK, Ledger, Told
from tests.house import EMBEDDED
from tests.process import NotReady, Process
from tests.shop import CONTRACTS, Shop, running
from tests.tracing import counted, gone, inject, traced

WRITES = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink", "write", "writev", "sendto", "sendmsg")
KINDS = ("pay.quick", "mail.send", "approve")
SETTLED_TIMEOUT_S = 20

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]


class Bench:
    """A gateway that is killed at a point, started again and asked what became of the call."""

    def __init__(self, folder: Path, shop: Shop) -> None:
        self.folder, self.shop = folder, shop
        self.process = Process(folder / "home", settings=dict(EMBEDDED))
        self.process.start()
        self.process.found()
        self.process.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
        self.process.connect("letters", kind="http", base_url=shop.url)
        self.process.agree(CONTRACTS + QUICK)
        self.agent = self.process.make_key("helper", "support", kind="program")
        self.ledger = Ledger(self.process, shop, self.agent, Told(), folder)
        self.ledger.checkpoint()
        self.turn = 0

    def points(self, kind: str) -> Counter[str]:
        """How many of each system call the busiest thread makes for one call of this kind."""
        trace = self.folder / "trace"
        prepared = self.prepare(kind)
        with traced(self.process, "-o", str(trace), "-e", f"trace={','.join(WRITES)}"):
            assert self.ask(kind, prepared).status_code == 200
        return counted(trace)

    def prepare(self, kind: str) -> str:
        """A fresh name for the call; for an approval, the call that waits for it."""
        self.turn += 1
        name = f"{kind}-{self.turn}"
        if kind == "approve":
            held = self.send("pay.send", name).json()
            self.cards = {name: held}
        return name

    def send(self, action: str, name: str) -> httpx.Response:
        body: dict[str, Any] = {"to": name} if action == "mail.send" else {"to": name, "amount": 3}
        return self.process.ask("POST", f"/v1/actions/{action}", self.agent, json=body, key=name)

    def ask(self, kind: str, name: str) -> httpx.Response:
        return (
            self.process.approve(self.cards[name]["approval_id"])
            if kind == "approve"
            else self.send(kind, name)
        )

    def kill_at(self, kind: str, call: str, number: int) -> bool:
        """Whether the gateway died there; what became of the call is checked after a new start."""
        name = self.prepare(kind)
        answer = None
        with traced(self.process, *inject(call, number)):
            with suppress(httpx.TransportError):
                answer = self.ask(kind, name)
            if kind == "approve" and answer is not None:
                self.settle(name)
        died = gone(self.process)
        if died:
            self.process.kill()
            self.process.start()
        self.check(kind, name, answer)
        return died

    def settle(self, name: str) -> Any:
        with suppress(httpx.TransportError):
            path = f"/v1/calls/{self.cards[name]['call_id']}?wait_s={SETTLED_TIMEOUT_S}"
            return self.process.good("GET", path, self.agent)
        return None

    def check(self, kind: str, name: str, answer: httpx.Response | None) -> None:
        if kind == "approve":
            card = self.process.good("GET", f"/v1/approvals/{self.cards[name]['approval_id']}")
            assert answer is None or card["state"] != "waiting"
            if card["state"] == "waiting":
                assert self.shop.done[name] == 0
                assert self.ask(kind, name).status_code == 200
            ended = self.settle(name)
            assert (ended["state"], self.shop.done[name]) == ("done", 1), ended
        else:
            again = self.send(kind, name)
            while again.status_code == 409 and again.json()["code"] == "call.in_flight":
                again = self.send(kind, name)
            if answer is not None:
                assert (again.status_code, again.json()["call_id"]) == (200, answer.json()["call_id"])
            if again.status_code == 200:
                assert self.shop.done[name] == 1
            else:
                assert (kind, again.json()["code"]) == ("mail.send", "call.unknown")
                assert self.shop.done[name] <= 1
        self.ledger.checkpoint()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running() as shop:
        made = Bench(tmp_path, shop)
        yield made
        made.process.kill()


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("kind", "call"), [("pay.quick", "fdatasync"), ("approve", "pwrite64")])
def test_killed_at_its_first_write_and_at_its_first_sync(bench: Bench, kind: str, call: str) -> None:
    assert bench.kill_at(kind, call, 1)
    assert bench.process.good("POST", "/v1/audit/verify", json={})["ok"]


def killed_while_starting(folder: Path, number: int) -> bool:
    """Whether the first start died at its n-th write; the next start brings up a gateway that can be set up."""
    process = Process(folder / f"home{number}", settings=dict(EMBEDDED))
    inject = ("-e", "trace=pwrite64", "-e", f"inject=pwrite64:signal=SIGKILL:when={number}")
    try:
        process.launch("strace", "-f", "-o", "/dev/null", *inject)
        with suppress(NotReady):
            process.wait_ready()
            return False
        process.kill()
        process.start()
        process.found()
        assert process.good("POST", "/v1/audit/verify", json={})["ok"]
        return True
    finally:
        process.kill()


@pytest.mark.timeout(120)
def test_killed_while_it_makes_its_tables_it_starts_afresh(tmp_path: Path) -> None:
    assert killed_while_starting(tmp_path, 20)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_at_every_write_of_its_first_start(tmp_path: Path) -> None:
    number = 1
    while killed_while_starting(tmp_path, number):
        number += 1
    print(f"\nfirst start: {number - 1} kills, each followed by a start that works")
    assert number > 20


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_every_write_of_one_call(bench: Bench, kind: str) -> None:
    points = bench.points(kind)
    assert points["pwrite64"] > 2
    assert points["fdatasync"] > 0
    died = 0
    for call, count in sorted(points.items()):
        for number in range(1, count + 1):
            died += bench.kill_at(kind, call, number)
    print(
        f"\n{kind}: {died} kills at {sum(points.values())} points ({dict(points)}), nothing lost, nothing twice"
    )
    assert died >= sum(points.values()) * 3 // 4
    bench.ledger.export()
