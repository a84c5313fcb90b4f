"""An installation and the long deeds that are asked of it while it is killed: a call, an approval, the erasure of a person, the rotation of a tenant's keys."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ostiary.retention import certificate
from tests.cluster import Cluster
from tests.hostile.test_crash import Ledger, Told
from tests.house import EMBEDDED as ON_SQLITE
from tests.process import NotReady, Process
from tests.shop import Shop, running

PATIENCE_S = 180.0
TRACED_S = 60.0
"""A job whose worker is traced may take long; it is over, or the worker dead, or it goes on when nobody looks any more."""
ENDED = ("done", "failed", "cancelled")
EMBEDDED, SEVERAL = "sqlite", "postgresql"
FIRST_LOOK_S, LAST_LOOK_S = 0.02, 0.3

CONTRACTS = """
version: 1
actions:
  - name: pay.about
    title: Pay
    description: Pays somebody.
    parameters: {properties: {to: {type: string, maxLength: 40}, amount: {type: integer, minimum: 1}}, required: [to, amount]}
    roles: [support, owner]
    risk: medium
    confirmation: never
    subject: to
    sentence: Pay {amount} to {to}
    target: {connector: shop, http: {method: POST, path: /pay, body: {to: '{to}', amount: '{amount}'}}}
  - name: pay.send
    title: Pay after asking
    description: Pays somebody.
    parameters: {properties: {to: {type: string, maxLength: 40}, amount: {type: integer, minimum: 1}}, required: [to, amount]}
    roles: [support, owner]
    risk: high
    confirmation: always
    sentence: Pay {amount} to {to}
    labels: {to: recipient, amount: amount}
    target: {connector: shop, http: {method: POST, path: /pay, body: {to: '{to}', amount: '{amount}'}}}
"""

Killed = Callable[[], bool]


def until(look: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """What `look` finds, as soon as it finds something; a process that is being started is waited for."""
    end, pause_s = time.monotonic() + patience_s, FIRST_LOOK_S
    while time.monotonic() < end:
        with suppress(httpx.TransportError):
            if found := look():
                return found
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.4, LAST_LOOK_S)
    raise AssertionError(f"not in time: {what}")


def wait(over: Callable[[], Any]) -> None:
    """`until` it is over, or TRACED_S."""
    with suppress(AssertionError):
        until(over, "its end", TRACED_S)


def started(victim: Process) -> None:
    """As whatever runs it would: once more, if a machine that is loaded gave it no database in time."""
    with suppress(NotReady):
        victim.start()
        return
    victim.kill()
    victim.start()


@dataclass
class Scene:
    """An installation; `kept` are calls that were answered before, with what they said, which has to open for ever."""

    folder: Path
    shop: Shop
    kind: str
    cluster: Cluster | None = None
    web: Process = field(init=False)
    agent: str = ""
    kept: dict[str, Any] = field(default_factory=dict)
    turn: int = 0

    def __post_init__(self) -> None:
        if self.kind == SEVERAL:
            self.cluster = Cluster(self.folder, web_count=1, worker_count=1)
            self.cluster.start()
            self.web = self.cluster.webs[0]
        else:
            self.web = Process(self.folder / "home", settings=dict(ON_SQLITE))
            self.web.start()
            self.web.found()
        self.web.connect("shop", kind="http", base_url=self.shop.url, honours_idempotency_key=True)
        self.web.agree(CONTRACTS)
        self.agent = self.web.make_key("helper", "support", kind="program")
        self.ledger = Ledger(self.web, self.shop, self.agent, Told(), self.folder)
        self.ledger.checkpoint()
        for number in range(3):
            self.kept[f"kept-{number}"] = self.pay(f"kept-{number}").json()

    def victim(self, name: str) -> Process:
        if name == "worker":
            assert self.cluster is not None
            return self.cluster.workers[0]
        return self.web

    def fresh(self, what: str) -> str:
        self.turn += 1
        return f"{what}-{self.turn}"

    def pay(self, name: str, action: str = "pay.about") -> httpx.Response:
        """Once, whoever asks again: `name` is the recipient and the idempotency key."""

        body = {"to": name, "amount": 3}
        return self.ask("POST", f"/v1/actions/{action}", self.agent, json=body, key=name)

    def ask(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        """An answer that is more than "not now": a process that has just begun, or a loaded machine, may say that."""

        def once() -> httpx.Response | None:
            answer = self.web.ask(method, path, token, **more)
            later = answer.status_code == 503 or (
                answer.status_code == 409 and answer.json()["code"] == "call.in_flight"
            )
            return None if later else answer

        found: httpx.Response = until(once, f"an answer of {path}")
        return found

    def good(self, method: str, path: str, token: str | None = None, **more: Any) -> Any:
        answer = self.ask(method, path, token, **more)
        assert answer.status_code < 300, (path, answer.text)
        return answer.json()

    def stands(self) -> None:
        """What must hold after every kill."""
        name, told = list(self.kept.items())[self.turn % len(self.kept)]
        answer = self.pay(name)
        assert answer.status_code == 200, (name, answer.text)
        assert (answer.json()["call_id"], answer.json()["result"]) == (told["call_id"], told["result"])
        twice = {to: count for to, count in self.shop.done.items() if count > 1}
        assert not twice
        self.ledger.checkpoint()

    def verifies(self) -> None:
        """The whole log, counted anew by the gateway and by the auditor's verifier."""
        assert self.good("POST", "/v1/audit/verify", json={})["ok"]
        self.ledger.export()

    def close(self) -> None:
        if self.cluster:
            self.cluster.close()
        self.web.kill()


class Deed(ABC):
    """What somebody asks for. `prepare` makes it ready, `act` asks and waits until it is over or nobody answers any more, `check` comes after the restart."""

    @abstractmethod
    def prepare(self, scene: Scene) -> Any:
        """What `act` and `check` are given."""

    @abstractmethod
    def act(self, scene: Scene, it: Any, killed: Killed) -> bool:
        """Whether it was acknowledged."""

    @abstractmethod
    def check(self, scene: Scene, it: Any, acknowledged: bool) -> None: ...


class Paying(Deed):
    def prepare(self, scene: Scene) -> str:
        return scene.fresh("call")

    def act(self, scene: Scene, it: str, killed: Killed) -> bool:
        body = {"to": it, "amount": 3}
        answer = scene.web.ask("POST", "/v1/actions/pay.about", scene.agent, json=body, key=it)
        self.told = answer.json()["call_id"]
        return answer.status_code == 200

    def check(self, scene: Scene, it: str, acknowledged: bool) -> None:
        again = scene.pay(it)
        assert again.status_code == 200, again.text
        assert not acknowledged or again.json()["call_id"] == self.told
        assert scene.shop.done[it] == 1


class Approving(Deed):
    def prepare(self, scene: Scene) -> dict[str, str]:
        name = scene.fresh("approval")
        return {"name": name, **scene.pay(name, "pay.send").json()}

    def act(self, scene: Scene, it: dict[str, str], killed: Killed) -> bool:
        acknowledged = scene.web.approve(it["approval_id"]).status_code == 200
        self.settle(scene, it, killed)
        return acknowledged

    def settle(self, scene: Scene, it: dict[str, str], killed: Killed) -> Any:
        def look() -> Any:
            if killed():
                return {"state": "killed"}
            answer = scene.web.ask("GET", f"/v1/calls/{it['call_id']}?wait_s=1", scene.agent)
            return answer.json() if answer.status_code == 200 and answer.json()["state"] == "done" else None

        return until(look, f"the end of {it['name']}")

    def check(self, scene: Scene, it: dict[str, str], acknowledged: bool) -> None:
        card = scene.good("GET", f"/v1/approvals/{it['approval_id']}")
        if card["state"] == "waiting":
            assert not acknowledged
            assert scene.shop.done[it["name"]] == 0
            path, digest = f"/v1/approvals/{it['approval_id']}/approve", card["digest"]
            assert scene.ask("POST", path, json={"digest": digest}).status_code == 200
        ended = self.settle(scene, it, lambda: False)
        assert (ended["state"], scene.shop.done[it["name"]]) == ("done", 1), ended


class Erasing(Deed):
    """A person with two calls. `erased` are the calls of everybody who was: they never open again."""

    def __init__(self) -> None:
        self.erased: list[str] = []

    def prepare(self, scene: Scene) -> str:
        person = scene.fresh("person")
        assert scene.pay(person).json()["result"]
        return person

    def _ask(self, ask: Callable[..., httpx.Response], it: str) -> httpx.Response:
        body = {"subject": it, "confirm": it}
        return ask("POST", "/v1/erasures", json=body, key=f"erase-{it}")

    def act(self, scene: Scene, it: str, killed: Killed) -> bool:
        answer = self._ask(scene.web.ask, it)
        if answer.status_code == 202:
            wait(lambda: killed() or self._ended(scene, answer.json()["id"]))
        return answer.status_code == 202

    def _ended(self, scene: Scene, erasure: str) -> bool:
        answer = scene.web.ask("GET", f"/v1/erasures/{erasure}")
        return answer.status_code == 200 and answer.json()["state"] == "done"

    def check(self, scene: Scene, it: str, acknowledged: bool) -> None:
        asked = self._ask(scene.ask, it)
        assert asked.status_code == 202, (asked.text, acknowledged)
        shown = asked.json() or scene.good("GET", "/v1/erasures")["erasures"][0]
        erasure = shown["id"]  # what was told about the person is gone with them
        until(lambda: self._ended(scene, erasure), f"the erasure of {it}")
        taken = scene.good("GET", f"/v1/erasures/{erasure}/certificate")
        statement = certificate.verify(taken).statement
        assert len(statement["keys"]["destroyed"]) >= 1
        self.erased.append(it)
        for person in {self.erased[0], self.erased[-1]}:
            answer = scene.pay(person)
            assert (answer.status_code, answer.json()["result"]) == (200, None), answer.text
            assert scene.shop.done[person] == 1


class Rotating(Deed):
    """Each rotation makes one version, retires the older ones, and turns the data keys."""

    def prepare(self, scene: Scene) -> tuple[str, int]:
        versions = scene.good("GET", "/v1/vault/keys")["versions"]
        return scene.fresh("rotation"), max((each["version"] for each in versions), default=0)

    def _ask(self, ask: Callable[..., httpx.Response], key: str) -> httpx.Response:
        body = {"kind": "vault.rotation", "params": {"data_keys": True, "retire": True}}
        return ask("POST", "/v1/jobs", json=body, key=key)

    def act(self, scene: Scene, it: tuple[str, int], killed: Killed) -> bool:
        answer = self._ask(scene.web.ask, it[0])
        if answer.status_code == 201:
            wait(lambda: killed() or self._ended(scene, answer.json()["id"]))
        return answer.status_code == 201

    def _ended(self, scene: Scene, job: str) -> Any:
        answer = scene.web.ask("GET", f"/v1/jobs/{job}")
        return answer.json() if answer.status_code == 200 and answer.json()["state"] in ENDED else None

    def check(self, scene: Scene, it: tuple[str, int], acknowledged: bool) -> None:
        asked = self._ask(scene.ask, it[0])
        assert asked.status_code == 201, (asked.text, acknowledged)
        ended = until(lambda: self._ended(scene, asked.json()["id"]), f"the end of {it[0]}")
        assert ended["state"] == "done", ended
        versions = {
            each["version"]: each["state"] for each in scene.good("GET", "/v1/vault/keys")["versions"]
        }
        assert max(versions) == it[1] + 1
        assert [version for version, state in versions.items() if state in ("active", "opening")] == [
            it[1] + 1
        ]


DEEDS: dict[str, Callable[[], Deed]] = {
    "call": Paying,
    "approval": Approving,
    "erasure": Erasing,
    "rotation": Rotating,
}


@contextmanager
def scene(folder: Path, kind: str) -> Iterator[Scene]:
    with running() as shop:
        made = Scene(folder, shop, kind)
        try:
            yield made
        finally:
            made.close()
