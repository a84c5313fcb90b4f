"""A disk is full: that of everything, of the keys, of the files, of PostgreSQL. New calls are refused with 503 and a stable code, `/livez` says yes, nothing that
was acknowledged is lost, and calls pass again by themselves when there is room.

The disk (tests/lossy.py) lets nothing grow while it is full, as a real one; what stands may be overwritten.
"""

import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import cluster, lossy
from tests.hostile.deeds import CONTRACTS
from tests.own_server import own_server
from tests.process import Process
from tests.shop import Shop, running

AWAY = {"audit.unavailable", "store.unavailable", "keys.unavailable", "blobs.unavailable"}
LARGE = """  - name: book.read
    title: Read a book
    description: A long constant.
    parameters: {properties: {}, additionalProperties: false}
    roles: [support, owner]
    target: {connector: fixed, constant: {text: [%s]}}
"""
PAGE = "lorem ipsum " * 1_000
FILLING_MAX = 400
"""What is free within the files that stand is used up first."""
BACK_S = 60.0

pytestmark = [pytest.mark.journey]


def until(look: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + BACK_S
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not in time: {what}")


def furnish(web: Process, shop: Shop) -> str:
    web.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
    web.connect("fixed", kind="constant")
    web.agree(CONTRACTS + LARGE % ", ".join([PAGE] * 10))
    return web.make_key("helper", "support", kind="program")


def pay(web: Process, agent: str, name: str) -> httpx.Response:
    return web.ask("POST", "/v1/actions/pay.about", agent, json={"to": name, "amount": 3}, key=name)


def read(web: Process, agent: str) -> httpx.Response:
    """Its answer goes to a file."""
    return web.ask("POST", "/v1/actions/book.read", agent, json={})


def refused(answer: httpx.Response) -> bool:
    assert answer.status_code in (200, 503), answer.text
    return answer.status_code == 503 and answer.json()["code"] in AWAY


def lives(web: Process) -> bool:
    return httpx.get(f"{web.url}/livez", timeout=30).status_code == 200


def stands(web: Process, shop: Shop, agent: str, told: dict[str, str]) -> None:
    for name, call in told.items():
        again = pay(web, agent, name)
        assert (again.status_code, again.json().get("call_id")) == (200, call), again.text
    assert max(shop.done.values()) == 1
    assert web.good("POST", "/v1/audit/verify", json={})["ok"]


def fill_up(web: Process, agent: str, told: dict[str, str], ask: Callable[[str], httpx.Response]) -> None:
    """Calls until one is refused; those that passed are told."""
    for number in range(FILLING_MAX):
        answer = ask(f"b{number}")
        if refused(answer):
            return
        if "call_id" in answer.json() and answer.request.url.path.endswith("pay.about"):
            told[f"b{number}"] = answer.json()["call_id"]
    raise AssertionError("the disk was never full")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("which", ["everything", "keys", "files"])
def test_a_full_disk_of_one_process(tmp_path: Path, which: str) -> None:
    with lossy.disk(tmp_path / "disk") as disk, running() as shop:
        settings = {
            "everything": {"OSTIARY_HOME": str(disk.place / "home")},
            "keys": {"OSTIARY_KEYS_URL": f"sqlite:///{disk.place / 'keys.db'}"},
            "files": {"OSTIARY_BLOB_URL": f"file://{disk.place / 'blobs'}"},
        }[which]
        web = Process(
            tmp_path / "home", settings={"OSTIARY_DATABASE_URL": "", "OSTIARY_KEYS_URL": "", **settings}
        )
        try:
            if which == "everything":
                web.home.symlink_to(disk.place / "home")
            web.start()
            web.found()
            agent = furnish(web, shop)
            told = {name: pay(web, agent, name).json()["call_id"] for name in ("a", "b")}
            assert read(web, agent).status_code == 200
            disk.full = True
            if which == "keys":  # each somebody new takes a key of their own
                fill_up(web, agent, told, lambda name: pay(web, agent, name))
                assert pay(web, agent, "a").status_code == 200
            elif which == "files":
                fill_up(web, agent, told, lambda _: read(web, agent))
                told["small"] = pay(web, agent, "small").json()["call_id"]
            else:
                fill_up(web, agent, told, lambda name: pay(web, agent, name))
            assert lives(web)
            disk.full = False
            until(lambda: pay(web, agent, "after").status_code == 200, "calls pass again")
            until(lambda: read(web, agent).status_code == 200, "large answers pass again")
            assert shop.done["after"] == 1
            stands(web, shop, agent, told)
        finally:
            web.kill()


@pytest.mark.timeout(300)
def test_a_full_disk_of_postgresql(tmp_path: Path) -> None:
    """The server may end itself when its write-ahead log cannot grow; who runs it starts it again when there is room."""
    with ExitStack() as stack:
        disk = stack.enter_context(lossy.disk(tmp_path / "disk"))
        server = stack.enter_context(own_server(disk.place / "data", tmp_path / "server.log"))
        shop = stack.enter_context(running())
        members = stack.enter_context(cluster.running(tmp_path))
        web, other = members.webs
        agent = furnish(web, shop)
        told = {name: pay(web, agent, name).json()["call_id"] for name in ("a", "b")}
        disk.full = True

        def ask(name: str) -> httpx.Response:
            read(other, agent)
            return pay(web, agent, name)

        fill_up(web, agent, told, ask)
        assert lives(web)
        assert lives(other)
        disk.full = False
        assert server.running is not None
        if server.running.poll() is not None or not server.answers():
            if server.running.poll() is None:
                server.stop(signal.SIGQUIT)
            server.start()
        for each in members.webs:
            until(
                lambda each=each: pay(each, agent, f"after-{each.port}").status_code == 200,
                "calls pass again",
            )
        stands(web, shop, agent, told)
