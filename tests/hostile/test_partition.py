"""The network between a process and its databases: swallowed packets and cut connections, of one web process and of the worker, of the data and of the keys
alone. Who is cut off refuses within seconds (nothing held in memory counts for longer than one), the others go on and take over, and nobody does anything
twice when the network is back."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import servers, stalling
from tests.cluster import Cluster
from tests.hostile.deeds import CONTRACTS, ENDED
from tests.process import Process
from tests.shop import Shop, running
from tests.stalling import Wire

AWAY = {"audit.unavailable", "store.unavailable", "keys.unavailable"}
CLOSED_S = 2.0
"""After this long nothing that is held in memory counts any more: one second, and the clock's and the machine's due."""
DEAD_S = 7.0
PATIENCE_S = 60.0

pytestmark = [pytest.mark.journey]


@dataclass
class Net:
    """`cut_off` and the worker reach their databases over wires; `other` directly."""

    cluster: Cluster
    shop: Shop
    data: Wire
    keys: Wire
    worker_data: Wire
    worker_keys: Wire
    agent: str = ""

    @property
    def cut_off(self) -> Process:
        return self.cluster.webs[0]

    @property
    def other(self) -> Process:
        return self.cluster.webs[1]

    def pay(self, web: Process, name: str) -> httpx.Response:
        return web.ask("POST", "/v1/actions/pay.about", self.agent, json={"to": name, "amount": 3}, key=name)


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Net]:
    with ExitStack() as stack:
        shop = stack.enter_context(running())
        cluster = Cluster(tmp_path)
        stack.callback(cluster.close)
        wires = [stack.enter_context(stalling.to(cluster.data_url)) for _ in range(4)]
        for member, data, keys in ((cluster.webs[0], *wires[:2]), (cluster.workers[0], *wires[2:])):
            member.settings["OSTIARY_DATABASE_URL"] = stalling.over(data, cluster.data_url)
            member.settings["OSTIARY_KEYS_URL"] = stalling.over(keys, cluster.keys_url)
            servers.has_workflows(member.settings["OSTIARY_DATABASE_URL"])
        cluster.start()
        made = Net(cluster, shop, *wires)
        web = made.other
        web.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
        web.agree(CONTRACTS)
        made.agent = web.make_key("helper", "support", kind="program")
        yield made


def until(look: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not in time: {what}")


def refused(answer: httpx.Response) -> bool:
    return answer.status_code == 503 and answer.json()["code"] in AWAY


def ready(web: Process) -> bool:
    return httpx.get(f"{web.url}/readyz", timeout=30).status_code == 200


def passes(net: Net, web: Process, name: str) -> None:
    """A new call is done again, and once."""
    until(lambda: net.pay(web, name).status_code == 200, f"a call at {web.home.name}")
    assert net.shop.done[name] == 1


def verifies(net: Net) -> None:
    assert net.other.good("POST", "/v1/audit/verify", json={})["ok"]
    assert max(net.shop.done.values()) == 1


@pytest.mark.timeout(240)
def test_who_cannot_hear_of_keys_opens_and_seals_nothing(net: Net) -> None:
    """A person is erased while one process is cut off from the key store only: nothing of theirs is opened there, though it was a moment ago."""
    for web in (net.cut_off, net.other):
        passes(net, web, "person")
        assert net.pay(web, "person").json()["result"]
    net.keys.stall()
    time.sleep(CLOSED_S)
    assert not net.pay(net.cut_off, "person").json().get("result")
    assert refused(net.pay(net.cut_off, "b"))
    asked = net.other.good("POST", "/v1/erasures", json={"subject": "person", "confirm": "person"})
    path = f"/v1/erasures/{asked['id']}"
    until(lambda: net.other.good("GET", path)["state"] == "done", "the erasure")
    assert not net.pay(net.cut_off, "person").json().get("result")
    passes(net, net.other, "c")
    net.keys.mend()
    passes(net, net.cut_off, "d")
    for web in (net.cut_off, net.other):
        assert net.pay(web, "person").json()["result"] is None
    verifies(net)


@pytest.mark.timeout(240)
def test_who_is_cut_off_from_the_data_refuses_and_comes_back(net: Net) -> None:
    passes(net, net.cut_off, "a")
    for number, go in enumerate((net.data.cut, net.data.stall)):
        go()
        assert refused(net.pay(net.cut_off, f"b{number}"))
        until(lambda: not ready(net.cut_off), "readiness says no")
        assert httpx.get(f"{net.cut_off.url}/livez", timeout=30).status_code == 200
        passes(net, net.other, f"c{number}")
        assert ready(net.other)
        net.data.mend()
        until(lambda: ready(net.cut_off), "readiness says yes")
        passes(net, net.cut_off, f"b{number}")
        passes(net, net.other, f"b{number}")
    verifies(net)


@pytest.mark.timeout(240)
def test_what_was_under_way_where_the_network_went_is_taken_over_and_done_once(net: Net) -> None:
    begun, go_on = threading.Event(), threading.Event()
    answered = net.shop._answered

    def slowly(content: dict[str, object]) -> Any:
        begun.set()
        go_on.wait(60)
        return answered(content)

    net.shop._answered = slowly  # type: ignore[method-assign]
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(net.pay, net.cut_off, "ada")
        assert begun.wait(30)
        net.data.stall()
        time.sleep(DEAD_S)
        go_on.set()
        until(lambda: net.pay(net.other, "ada").status_code == 200, "the other to take it over")
        net.data.mend()
        said = first.result(60)
    taken = net.pay(net.other, "ada").json()
    if said.status_code == 200:
        assert said.json()["call_id"] == taken["call_id"]
    else:
        assert said.json()["code"] in {*AWAY, "call.in_flight"}, said.text
    passes(net, net.cut_off, "ada")
    assert net.pay(net.cut_off, "ada").json()["call_id"] == taken["call_id"]
    verifies(net)


@pytest.mark.soak
@pytest.mark.timeout(240)
@pytest.mark.parametrize("which", ["worker_data", "worker_keys"])
def test_a_worker_that_is_cut_off_goes_on_with_its_job(net: Net, which: str) -> None:
    for number in range(3):
        passes(net, net.other, f"kept-{number}")
    wire: Wire = getattr(net, which)
    body = {"kind": "vault.rotation", "params": {"data_keys": True, "retire": True}}
    for turn, go in enumerate((wire.stall, wire.cut)):
        job = net.other.good("POST", "/v1/jobs", json=body, key=f"rotation-{turn}")["id"]
        go()
        time.sleep(DEAD_S)
        passes(net, net.other, f"meanwhile-{turn}")
        wire.mend()

        def ended(job: str = job) -> Any:
            shown = net.other.good("GET", f"/v1/jobs/{job}")
            return shown if shown["state"] in ENDED else None

        assert until(ended, "the rotation")["state"] == "done"
        versions = net.other.good("GET", "/v1/vault/keys")["versions"]
        assert [each["version"] for each in versions if each["state"] in ("active", "opening")] == [turn + 2]
        for number in range(3):
            assert net.pay(net.cut_off, f"kept-{number}").json()["result"]
    verifies(net)
