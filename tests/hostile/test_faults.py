"""The disk is full, the database is locked or away, the log cannot be written: new calls are refused, nothing that was acknowledged is lost, and it
recovers by itself, without a restart."""

import asyncio
import signal
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import make_url

from ostiary.db import database as database_module
from ostiary.errors import StoreUnavailable
from tests import servers
from tests.house import EMBEDDED, House, free_port, opened, play
from tests.process import Process
from tests.shop import CONTRACTS, Shop, running

AWAY = {"audit.unavailable", "store.unavailable", "keys.unavailable"}
PAY = {"to": "ada", "amount": 48}
TMPFS_KIB = 4096


async def furnish(house: House, shop: Shop) -> str:
    await house.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
    await house.connect("letters", kind="http", base_url=shop.url)
    await house.agree(CONTRACTS)
    return await house.make_key("helper")


async def write(house: House, agent: str, to: str) -> httpx.Response:
    return await house.ask("POST", "/v1/actions/mail.send", agent, json={"to": to}, key=to)


async def until_ready(house: House, status: int = 200) -> None:
    for _ in range(200):
        if (await house.ask("GET", "/readyz", "")).status_code == status:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"/readyz never said {status}")


async def away(house: House, agent: str, to: str) -> None:
    """A call is refused in words that say why, nothing is done, and `/readyz` says so."""
    answer = await write(house, agent, to)
    assert answer.status_code == 503, answer.text
    assert answer.json()["code"] in AWAY
    await until_ready(house, 503)
    assert (await house.ask("GET", "/livez", "")).status_code == 200


async def nothing_lost(house: House, shop: Shop, agent: str, told: dict[str, str]) -> None:
    """Each answer that was given is still the answer, and stands in a log that verifies."""
    for to, call in told.items():
        assert (await write(house, agent, to)).json()["call_id"] == call
        assert shop.done[to] == 1
        trail = await house.good("GET", "/v1/audit/events", params={"call": call, "decision": "ran"})
        assert len(trail["events"]) == 1
    assert (await house.good("POST", "/v1/audit/verify", json={}))["ok"]


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of TMPFS_KIB."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_KIB}k", "tmpfs", str(folder)], capture_output=True
    )
    if done.returncode:
        pytest.skip("mounting a small disk is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Write until the disk is full; the file that did it."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return ballast


def test_a_full_disk_refuses_calls_loses_nothing_and_recovers_by_itself(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, running() as shop:

        async def story(house: House) -> None:
            agent = await furnish(house, shop)
            told = {f"a{n}": (await write(house, agent, f"a{n}")).json()["call_id"] for n in range(5)}
            ballast = fill(disk)
            for number in range(2000):  # what is free within the files that stand is used up first
                answer = await write(house, agent, f"b{number}")
                if answer.status_code != 200:
                    break
                told[f"b{number}"] = answer.json()["call_id"]
            assert (answer.status_code, answer.json()["code"] in AWAY) == (503, True)
            await away(house, agent, "c")
            assert shop.done["c"] == 0
            house.gateway.audit.probe()
            assert (await house.ask("GET", "/readyz", "")).status_code == 503
            ballast.unlink()
            await until_ready(house)
            told["d"] = (await write(house, agent, "d")).json()["call_id"]
            await nothing_lost(house, shop, agent, told)
            again = await write(
                house, agent, f"b{number}"
            )  # refused before: done now, or known to have been done
            assert again.status_code == 200, again.text
            assert shop.done[f"b{number}"] == 1

        play(disk / "home", story, **EMBEDDED)


def test_a_locked_database_refuses_calls_and_recovers_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.2)
    with running() as shop:

        async def story(house: House) -> None:
            agent = await furnish(house, shop)
            told = {"a": (await write(house, agent, "a")).json()["call_id"]}
            other = sqlite3.connect(tmp_path / "ostiary.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            await away(house, agent, "b")
            other.execute("ROLLBACK")
            other.close()
            await until_ready(house)
            assert shop.done["b"] == 0
            told["b"] = (await write(house, agent, "b")).json()["call_id"]
            await nothing_lost(house, shop, agent, told)

        play(tmp_path, story, **EMBEDDED)


def log_goes(home: Path) -> None:
    with closing(sqlite3.connect(home / "ostiary.db")) as connection:
        connection.execute("ALTER TABLE audit_tile RENAME TO audit_gone")


def log_comes_back(home: Path) -> None:
    with closing(sqlite3.connect(home / "ostiary.db")) as connection:
        connection.execute("ALTER TABLE audit_gone RENAME TO audit_tile")


def test_no_audit_no_passage_for_reads_writes_and_refusals_alike(tmp_path: Path) -> None:
    with running() as shop:

        async def story(house: House) -> None:
            agent = await furnish(house, shop)
            held = (await house.ask("POST", "/v1/actions/pay.send", agent, json=PAY)).json()
            card = await house.good("GET", f"/v1/approvals/{held['approval_id']}")
            log_goes(tmp_path)
            for method, path, body in (
                ("POST", "/v1/actions/mail.send", {"to": "bob"}),
                ("POST", "/v1/actions/pay.send", PAY),
                ("POST", "/v1/actions/pay.everyone", {}),
                ("POST", f"/v1/approvals/{held['approval_id']}/approve", {"digest": card["digest"]}),
                ("POST", "/v1/keys", {"name": "one more", "kind": "agent", "roles": ["support"]}),
            ):
                token = None if "approvals" in path or "keys" in path else agent
                answer = await house.ask(method, path, token, json=body)
                assert (path, answer.status_code, answer.json()["code"]) == (path, 503, "audit.unavailable")
            await until_ready(house, 503)
            assert shop.requests == 0
            log_comes_back(tmp_path)
            await until_ready(house)
            keys = (await house.good("GET", "/v1/keys"))["keys"]
            assert [key["name"] for key in keys] == ["helper"]
            assert (await house.approve(held["approval_id"])).status_code == 200
            assert (await house.settled(held["call_id"], agent))["state"] == "done"
            assert shop.done == {"ada": 1}

        play(tmp_path, story, **EMBEDDED)


@pytest.mark.parametrize("name", ["mail.send", "pay.send"])
def test_what_was_done_while_the_log_was_away_is_recorded_later(tmp_path: Path, name: str) -> None:
    """The log goes between the intent and the outcome: the target did it, and nobody may be told until it is written."""
    with running() as shop:
        answered = shop._answered

        def log_goes_meanwhile(content: dict[str, object]) -> Any:
            log_goes(tmp_path)
            shop._answered = answered  # type: ignore[method-assign]
            return answered(content)

        async def story(house: House) -> None:
            agent = await furnish(house, shop)
            shop._answered = log_goes_meanwhile  # type: ignore[method-assign]
            body = {"to": "ada"} if name == "mail.send" else PAY
            first = await house.ask("POST", f"/v1/actions/{name}", agent, json=body, key="k")
            if name == "mail.send":
                assert (first.status_code, first.json()["code"]) == (503, "audit.unavailable")
            else:
                assert (await house.approve(first.json()["approval_id"])).status_code in (200, 503)
            await until_ready(house, 503)
            assert shop.done == {"ada": 1}
            log_comes_back(tmp_path)
            await until_ready(house)
            again = await house.ask("POST", f"/v1/actions/{name}", agent, json=body, key="k")
            for _ in range(100):
                if again.status_code == 200:
                    break
                assert again.json()["code"] in ("call.in_flight", "audit.unavailable")
                await asyncio.sleep(0.1)
                again = await house.ask("POST", f"/v1/actions/{name}", agent, json=body, key="k")
            assert again.json()["state"] == "done"
            assert shop.done == {"ada": 1}
            trail = await house.good("GET", "/v1/audit/events", params={"call": again.json()["call_id"]})
            decisions = [event["decision"] for event in trail["events"] if event["decision"] != "repeated"]
            assert decisions[:2] == ["ran", "intended"]
            assert (await house.good("POST", "/v1/audit/verify", json={}))["ok"]

        play(tmp_path, story, **EMBEDDED)


def test_an_intent_whose_commit_stood_though_the_answer_to_it_was_lost_is_closed_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running() as shop:

        async def story(house: House) -> None:
            agent = await furnish(house, shop)
            transact = house.gateway.database.transact

            def lost(work: Callable[[Any], Any]) -> Any:
                transact(work)
                monkeypatch.setattr(house.gateway.database, "transact", transact)
                raise StoreUnavailable

            monkeypatch.setattr(house.gateway.database, "transact", lost)
            refused = await write(house, agent, "bob")
            assert (refused.status_code, refused.json()["code"]) == (503, "audit.unavailable")
            assert (await write(house, agent, "bob")).json()["code"] == "call.in_flight"
            house.clock.advance(91)
            house.gateway.resumer.wake()
            for _ in range(100):
                answer = await write(house, agent, "bob")
                if answer.json()["code"] != "call.in_flight":
                    break
                await asyncio.sleep(0.05)
            assert answer.json()["code"] == "call.unknown"
            assert shop.done["bob"] == 0

        play(tmp_path, story, **EMBEDDED)


class Wire:
    """Stands between the gateway and a PostgreSQL: `cut` closes every connection and refuses new ones, `mend` lets them through again."""

    def __init__(self, url: str) -> None:
        there = make_url(url)
        self._there = (there.host or str(there.query["host"]), there.port or 5432)
        self._open = True
        self._pairs: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        plain = {name: value for name, value in there.query.items() if name != "host"}
        here = there.set(host="127.0.0.1", port=port, query=plain)
        self.url = here.render_as_string(hide_password=False)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._open = False
        for end in self._pairs:
            _shut(end)
        self._pairs.clear()

    def mend(self) -> None:
        self._open = True

    def close(self) -> None:
        self.cut()
        _shut(self._listening)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            if not self._open:
                _shut(near)
                continue
            far = _connected(self._there)
            self._pairs += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _connected(there: tuple[str, int]) -> socket.socket:
    host, port = there
    if not host.startswith("/"):
        return socket.create_connection(there)
    far = socket.socket(socket.AF_UNIX)
    far.connect(f"{host}/.s.PGSQL.{port}")
    return far


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    _shut(source)
    _shut(sink)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def test_a_postgresql_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    url = servers.fresh_store("data")
    wire = Wire(url)
    try:
        with running() as shop:

            async def story(house: House) -> None:
                agent = await furnish(house, shop)
                told = {f"a{n}": (await write(house, agent, f"a{n}")).json()["call_id"] for n in range(3)}
                for turn in range(2):
                    wire.cut()
                    await away(house, agent, f"b{turn}")
                    read = await house.ask("GET", "/v1/approvals")
                    assert (read.status_code, read.json()["code"] in AWAY) == (503, True)
                    assert shop.done[f"b{turn}"] == 0
                    wire.mend()
                    await until_ready(house)
                    told[f"b{turn}"] = (await write(house, agent, f"b{turn}")).json()["call_id"]
                await nothing_lost(house, shop, agent, told)

            play(tmp_path, story, database_url=wire.url)
    finally:
        wire.close()
        servers.drop_postgresql(url)


def test_postgresql_cut_under_load_loses_no_acknowledged_call(tmp_path: Path) -> None:
    url = servers.fresh_store("data")
    wire = Wire(url)
    told: dict[str, str] = {}
    try:
        with running() as shop:

            async def writer(house: House, agent: str, who: int) -> None:
                for number in range(15):
                    answer = await write(house, agent, f"w{who}-{number}")
                    if answer.status_code == 200:
                        told[f"w{who}-{number}"] = answer.json()["call_id"]
                    else:
                        assert answer.json()["code"] in {*AWAY, "call.unknown"}, answer.text

            async def cutter() -> None:
                for _ in range(4):
                    await asyncio.sleep(0.2)
                    wire.cut()
                    await asyncio.sleep(0.1)
                    wire.mend()

            async def story(house: House) -> None:
                agent = await furnish(house, shop)
                await asyncio.gather(cutter(), *(writer(house, agent, who) for who in range(6)))
                await until_ready(house)
                told["after"] = (await write(house, agent, "after")).json()["call_id"]
                await nothing_lost(house, shop, agent, told)
                assert max(shop.done.values()) == 1

            play(tmp_path, story, database_url=wire.url)
    finally:
        wire.close()
        servers.drop_postgresql(url)


@pytest.mark.journey
def test_a_second_process_on_the_same_home_is_refused_with_one_sentence(tmp_path: Path) -> None:
    one = Process(tmp_path / "home", settings=dict(EMBEDDED))
    one.start()
    try:
        two = Process(one.home, settings=dict(EMBEDDED), port=free_port())
        two.launch()
        assert two.running is not None
        assert two.running.wait(30) == 2
        said = two.said().strip().splitlines()
        assert said[-1:] == [
            f"OSTIARY_HOME {one.home} is in use by another process of Ostiary; stop it first"
        ]
        assert "Traceback" not in two.said()
        assert httpx.get(f"{one.url}/readyz").status_code == 200
    finally:
        one.kill()


@pytest.mark.journey
def test_stopping_lets_what_is_under_way_be_answered(tmp_path: Path) -> None:
    process = Process(tmp_path / "home")
    began, go_on = threading.Event(), threading.Event()
    with running() as shop:
        answered = shop._answered

        def slowly(content: dict[str, object]) -> Any:
            began.set()
            assert go_on.wait(30)
            return answered(content)

        shop._answered = slowly  # type: ignore[method-assign]
        process.start()
        try:
            process.found()
            process.connect("letters", kind="http", base_url=shop.url)
            process.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
            process.agree(CONTRACTS)
            agent = process.make_key("helper", "support", kind="program")
            with ThreadPoolExecutor(1) as pool:
                call = pool.submit(_write, process, agent)
                assert began.wait(30)
                assert process.running is not None
                process.running.send_signal(signal.SIGTERM)
                _refuses_connections(process)
                go_on.set()
                answer = call.result(30)
            assert (answer.status_code, answer.json()["state"]) == (200, "done")
            assert process.running.wait(30) in (0, -signal.SIGTERM)
            process.start()
            again = _write(process, agent)
            assert again.json()["call_id"] == answer.json()["call_id"]
            assert shop.done == {"bob": 1}
        finally:
            go_on.set()
            process.kill()


def _write(process: Process, agent: str) -> httpx.Response:
    return process.ask("POST", "/v1/actions/mail.send", agent, json={"to": "bob"}, key="k")


def _refuses_connections(process: Process) -> None:
    until(lambda: not _listens(process.port))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came to hold")


def test_the_same_home_opens_again_after_it_was_closed(tmp_path: Path) -> None:
    """The lock of a home belongs to a process, and goes with it."""

    async def twice() -> None:
        for _ in range(2):
            async with opened(tmp_path) as house:
                assert (await house.ask("GET", "/readyz", "")).status_code == 200

    asyncio.run(twice())
