"""The Python client against a real gateway process: calls, held calls, dry runs, sessions, refusals by code, a gateway that is away for a moment."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from ostiary.client import (
    AsyncClient,
    Client,
    Done,
    GatewayUnavailable,
    Held,
    InvalidParameters,
    NotAuthenticated,
    NotFound,
    Preview,
    Rejected,
)
from ostiary.client.steps import FIRST_PAUSE_S, Ask, Pause, Reply, ask, path
from tests.process import Process
from tests.shop import CONTRACTS, Shop, running

ROOT = Path(__file__).parents[2]
LOOK = """  - name: pay.look
    title: Look
    description: How often somebody was paid.
    parameters: {properties: {to: {type: string, maxLength: 40}}, required: [to]}
    roles: [support, owner]
    risk: low
    confirmation: never
    target: {connector: shop, http: {method: GET, path: '/pay/{to}'}}
"""


@dataclass
class Place:
    process: Process
    shop: Shop
    key: str

    def client(self, **more: Any) -> Client:
        return Client(self.process.url, key=self.key, **more)

    def decide(self, approval_id: str, verb: str) -> None:
        card = self.process.good("GET", f"/v1/approvals/{approval_id}")
        said = {"digest": card["digest"]} if verb == "approve" else {"reason": "not this one"}
        self.process.good("POST", f"/v1/approvals/{approval_id}/{verb}", json=said)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    process = Process(tmp_path_factory.mktemp("client") / "home")
    with running() as shop:
        process.start()
        try:
            process.found()
            process.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
            process.connect("letters", kind="http", base_url=shop.url)
            process.agree(CONTRACTS + LOOK)
            yield Place(process, shop, process.make_key("helper", "support"))
        finally:
            process.kill()


def test_a_call_that_runs_and_one_that_waits_for_a_person(place: Place) -> None:
    with place.client() as client:
        looked = client.call("pay.look", {"to": "ada"})
        assert isinstance(looked, Done)
        assert looked.result == {"paid": 0}
        held = client.call("pay.send", {"to": "ada", "amount": 48})
        assert isinstance(held, Held)
        assert held.rule == "risk.high"
        assert isinstance(client.wait(held.call_id, timeout_s=0), Held)
        Thread(target=place.decide, args=(held.approval_id, "approve")).start()
        done = client.wait(held.call_id, timeout_s=60)
        assert isinstance(done, Done)
        assert done.result["paid"] == 48
        assert place.shop.done["ada"] == 1


def test_the_same_key_is_the_same_call(place: Place) -> None:
    with place.client() as client:
        first = client.call("pay.send", {"to": "bob", "amount": 1}, key="order-77")
        again = client.call("pay.send", {"to": "bob", "amount": 1}, key="order-77")
        assert isinstance(first, Held)
        assert first == again


def test_a_no_is_an_exception_with_its_reason(place: Place) -> None:
    with place.client() as client:
        held = client.call("pay.send", {"to": "eve", "amount": 5})
        assert isinstance(held, Held)
        place.decide(held.approval_id, "reject")
        with pytest.raises(Rejected) as no:
            client.wait(held.call_id)
        assert (no.value.code, no.value.detail) == ("approval.rejected", "not this one")
        assert place.shop.done["eve"] == 0


def test_a_dry_run_does_nothing(place: Place) -> None:
    with place.client() as client:
        seen = client.preview("pay.send", {"to": "dry", "amount": 5})
        assert isinstance(seen, Preview)
        assert seen.decision == "ask"
        assert seen.request["body"] == {"to": "dry", "amount": 5}
        assert place.shop.done["dry"] == 0


def test_refusals_are_told_apart_by_their_code(place: Place) -> None:
    with place.client() as client:
        with pytest.raises(InvalidParameters) as wrong:
            client.call("pay.send", {"to": "ada", "amount": 0})
        assert [pointer for pointer, _ in wrong.value.faults] == ["/amount"]
        with pytest.raises(NotFound):
            client.call("pay.all", {})
        with pytest.raises(NotFound):
            client.call("../approvals", {})
    with Client(place.process.url, key="ost_live_nothing") as stranger, pytest.raises(NotAuthenticated):
        stranger.call("pay.look", {"to": "ada"})


def test_what_may_be_asked_for_is_listed_with_its_schema(place: Place) -> None:
    with place.client() as client:
        found = {contract.name: contract for contract in client.contracts()}
        assert {"pay.send", "mail.send", "pay.look"} <= set(found)
        assert found["pay.send"].parameters["required"] == ["to", "amount"]
        assert found["pay.send"].tool_name == "pay_send"


def test_a_session_is_opened_by_a_person_and_named_by_the_agent(place: Place) -> None:
    with Client(place.process.url, key=place.process.owner) as owner, place.client() as client:
        session = owner.open_session(client.ask("GET", "/v1/me")["id"], "See how often ada was paid")
        assert session.id.startswith("ses_")
        assert isinstance(client.call("pay.look", {"to": "ada"}, session=session.id), Done)


def test_the_async_client_does_the_same(place: Place) -> None:
    async def story() -> None:
        async with AsyncClient(place.process.url, key=place.key) as client:
            answers = await asyncio.gather(*(client.call("pay.look", {"to": "ada"}) for _ in range(5)))
            assert all(isinstance(answer, Done) for answer in answers)
            held = await client.do("pay.send", {"to": "tim", "amount": 2}, timeout_s=0)
            assert isinstance(held, Held)
            assert {contract.name for contract in await client.contracts()} >= {"pay.look"}
            assert (await client.ask("GET", "/v1/me"))["kind"] == "agent"
            with pytest.raises(NotFound):
                await client.call("pay.all")

    asyncio.run(story())


def test_a_gateway_that_is_away_says_so() -> None:
    with Client("http://127.0.0.1:1", key="x") as client, pytest.raises(GatewayUnavailable) as away:
        client.call("pay.look", {})
    assert away.value.code == "connection.failed"


def test_a_call_is_sent_again_with_the_same_key_until_it_is_taken() -> None:
    work = ask(Ask("POST", "/v1/actions/x", {}, {"idempotency-key": "k"}), again=True)
    first = next(work)
    assert isinstance(first, Ask)
    assert work.send(Reply(0)) == Pause(FIRST_PAUSE_S)
    assert work.send(None) == first
    assert work.send(Reply(503, {"code": "audit.unavailable"}, 3.0)) == Pause(3.0)
    assert work.send(None) == first
    with pytest.raises(StopIteration) as end:
        work.send(Reply(200, {"done": True}))
    assert end.value.value.body == {"done": True}


def test_what_cannot_be_taken_is_not_sent_again() -> None:
    work = ask(Ask("POST", "/v1/actions/x", {}), again=True)
    next(work)
    with pytest.raises(Rejected):
        work.send(Reply(403, {"code": "policy.refused"}))


def test_a_name_is_one_segment() -> None:
    assert path("calls", "../keys?x=1#y") == "/v1/calls/..%2Fkeys%3Fx%3D1%23y"


def test_it_brings_nothing_of_the_gateway_and_says_no_secret(place: Place) -> None:
    told = "import sys, ostiary.client; print([n for n in sys.modules if n.startswith(('ostiary.', 'sqlalchemy', 'mcp', 'starlette')) and not n.startswith('ostiary.client')])"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
    with place.client() as client:
        assert place.key not in repr(client)
