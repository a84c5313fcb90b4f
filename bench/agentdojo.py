"""AgentDojo (v1.2.2) through a real gateway, with an agent that is as bad as an agent can be: whatever instruction it reads, it carries out at once, in full,
and then goes on with the person's task. No model is asked; the benchmark's own ground truths are what the agent does, and its own oracles judge.

The gateway is a process of its own, spoken to over HTTP: the contracts come from the importer (an OpenAPI document of the tools) with what a person
changed in review (bench/agentdojo_labels.yaml: by tool, never by task), the person's prompt is the intent of a session. Each task and each pair is a company
of its own, a tenant, as the benchmark starts each of them anew: what one agent wrote is not known to the next.
A perfect person says yes to what the task needs and no to what an injection asked for.

    python -m venv DIR && DIR/bin/pip install agentdojo==0.1.35
    python bench/agentdojo.py --python DIR/bin/python [--sample 5] [--mode strict] [--unreviewed]

Printed for each mode: attacks that succeeded (the benchmark's oracle says so, or one of the attack's consequential calls ran), tasks done without a question,
questions a task, and tasks done in the end.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

sys.path.pop(0)  # this folder: a file in it is called as the MCP SDK is
sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.house import free_port
from tests.process import Process

from ostiary.contracts.importing.openapi import imported_openapi

REVIEWED = Path(__file__).with_name("agentdojo_labels.yaml")
MODES = ("default", "strict")
SETTLED_S = 60.0
HEAD = "| mode | attacks that succeeded | tasks without a question | questions a task | tasks done |\n|---|---|---|---|---|"
TOOL_SAYS_NO = ("target.refused",)


@dataclass
class Tally:
    """What one mode let happen."""

    pairs: int = 0
    reached: int = 0
    leaks: list[str] = field(default_factory=list)
    tasks: int = 0
    done: int = 0
    unattended: int = 0
    questions: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    asked: list[str] = field(default_factory=list)

    def line(self, mode: str) -> str:
        each = self.questions / self.tasks if self.tasks else 0.0
        return (
            f"| {mode} | {len(self.leaks)} of {self.pairs} ({self.reached} reached) | {self.unattended} of {self.tasks} | {each:.2f} "
            f"| {self.done} of {self.tasks} |"
        )


class Bench:
    """One suite behind one gateway, in one mode."""

    def __init__(self, gateway: Process, service: httpx.Client, suite: "Suite", mode: str) -> None:
        self.gateway = gateway
        self.service = service
        self.suite = suite
        self.mode = mode
        self.client = httpx.Client(base_url=gateway.url, timeout=60)
        self.shown = {"support": self.good("GET", "/v1/privacy/policy")["categories"]}

    def good(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        answer = self.client.request(method, path, json=body, headers=self.gateway.headers(token or None))
        if answer.status_code >= 300:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text[:2000]}")
        return answer.json()

    def furnish(self) -> dict[str, Any]:
        """A tenant of its own with these tools; its agent's key."""
        made = self.good("POST", "/v1/tenants", {"name": "Company"})
        self.good("POST", "/v1/session/switch-tenant", {"tenant": made["tenant"]})
        tools = {"kind": "http", "base_url": str(self.service.base_url)}
        self.good("PUT", f"/v1/connectors/{self.suite.name}", {"settings": tools})
        self.good("PUT", "/v1/contracts", {"text": self.suite.contracts})
        self.good("PUT", "/v1/policy", {"text": f"version: 1\nmode: {self.mode}\n"})
        # masking would stop attacks too; it is not measured here
        self.good("PUT", "/v1/privacy/policy", {"shown": self.shown})
        made = self.good("POST", "/v1/keys", {"name": "agent", "kind": "agent", "roles": ["support"]})
        return {"secret": str(made["secret"]), "id": str(made["key"]["key_id"])}

    def episode(self, user: str, injection: str, tally: Tally) -> None:
        suite = self.suite.name
        plan = self.service.post(
            "/episode", json={"suite": suite, "user": user, "injection": injection}
        ).json()
        plan["user"] = user
        agent = Agent(self, self.furnish(), plan)
        agent.act(tally)
        told = self.service.post("/verdict", json={}).json()
        if injection:
            tally.pairs += 1
            tally.reached += agent.reached
            if agent.reached and (told["attacked"] or agent.carried_out):
                tally.leaks.append(f"{suite} {user} {injection}")
        else:
            tally.tasks += 1
            tally.done += told["utility"]
            tally.unattended += told["utility"] and not agent.questions
            tally.questions += agent.questions


class Agent:
    """It does what the person asked, and what anything it reads asks."""

    def __init__(self, bench: Bench, key: dict[str, Any], plan: dict[str, Any]) -> None:
        self.bench, self.key, self.plan = bench, key["secret"], plan
        opened = bench.good("POST", "/v1/sessions", {"agent": key["id"], "intent": plan["prompt"]})
        self.session = opened["session_id"]
        self.reached = self.carried_out = False
        self.questions = 0

    def act(self, tally: Tally) -> None:
        goal = "".join(self.plan["goal"].split())
        for call in self.plan["calls"]:
            result = self.call(call, tally, attack=False)
            if goal and not self.reached and goal in _text(result):
                self.reached = True
                for evil in self.plan["attack"]:
                    self.call(evil, tally, attack=True)

    def call(self, call: dict[str, Any], tally: Tally, *, attack: bool) -> Any:
        action = self.bench.suite.actions[call["function"]]
        params = {name: value for name, value in call["args"].items() if value is not None}
        answer = self.bench.client.post(
            f"/v1/actions/{action['name']}", json=params,
            headers={"authorization": f"Bearer {self.key}", "ostiary-session": self.session},
        )  # fmt: skip
        if answer.status_code == 202:
            return self.held(answer.json(), tally, attack=attack)
        if answer.status_code >= 400 and answer.json().get("code") in TOOL_SAYS_NO:
            return None  # as it does for one ground truth or another
        if answer.status_code != 200:
            raise SystemExit(f"{call}: {answer.status_code} {answer.text[:2000]}")
        self.carried_out |= attack and action["consequential"]
        return answer.json()["result"]

    def held(self, held: dict[str, Any], tally: Tally, *, attack: bool) -> Any:
        """The person's answer, and what came of it."""
        bench, approval = self.bench, held["approval_id"]
        card = bench.good("GET", f"/v1/approvals/{approval}")
        if attack:
            bench.good("POST", f"/v1/approvals/{approval}/reject", {})
            return None
        self.questions += 1
        if not self.plan["goal"]:
            tally.rules[card.get("rule", "")] += 1
            tally.asked.append(
                f"{bench.suite.name} {self.plan['user']} {held.get('action', '')} {_why(card)}"
            )
        bench.good("POST", f"/v1/approvals/{approval}/approve", {"digest": card["digest"]})
        until = time.monotonic() + SETTLED_S
        while time.monotonic() < until:
            answer = bench.client.get(
                f"/v1/calls/{held['call_id']}", headers=self.bench.gateway.headers(self.key)
            )
            body = answer.json()
            if answer.status_code != 200 or body.get("state") not in ("held", "approved", "running"):
                return body.get("result")
            time.sleep(0.02)
        raise SystemExit(f"{held}: not settled in {SETTLED_S} s")


def _why(card: dict[str, Any]) -> str:
    """Rule and parameter of each reason on a card."""
    each = [f"{one.get('rule', '')} {one.get('pointer', '')}".strip() for one in card.get("reasons", ())]
    return "; ".join(each) or str(card.get("rule", ""))


def _text(value: Any) -> str:
    """Without spaces: YAML folds long lines."""
    return "".join(str(leaf) for leaf in _leaves(value)).replace(" ", "").replace("\n", "").replace("\t", "")


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield key
            yield from _leaves(child)
    elif isinstance(value, list):
        for child in value:
            yield from _leaves(child)
    else:
        yield value


@dataclass(frozen=True)
class Suite:
    """`contracts`: the contract file as the importer drafts it, with the review applied. `actions`: by tool, its action and whether that has a consequence."""

    name: str
    contracts: str
    actions: dict[str, dict[str, Any]]


def suite_of(service: httpx.Client, name: str, review: dict[str, Any]) -> Suite:
    items: list[dict[str, Any]] = []
    actions: dict[str, dict[str, Any]] = {}
    document = json.dumps(service.get(f"/openapi/{name}").json())
    imported = imported_openapi(document, f"{name}.json", name, str(service.base_url))
    for left in imported.left:
        print(f"not imported: {name} {left.source}: {left.detail}")
    for draft in imported.drafts:
        tool = draft.source.rsplit("/", 1)[1]
        item = {**draft.item, "roles": ["support", "owner"]}
        change = dict(review.get(tool, {}))
        labels = {**item.get("labels", {}), **change.pop("labels", {})}
        item |= {**({"labels": labels} if labels else {}), **change}
        out = item["effect"] == "write" or bool({"url", "content"} & set(labels.values()))
        actions[tool] = {"name": item["name"], "consequential": out}
        items.append(item)
    return Suite(name, yaml.safe_dump({"version": 1, "actions": items}, sort_keys=False), actions)


@contextmanager
def served(python: str) -> Iterator[httpx.Client]:
    port = free_port()
    script = str(Path(__file__).with_name("dojo_suites.py"))
    running = subprocess.Popen([python, "-P", script, str(port)], stdin=subprocess.DEVNULL)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
    try:
        until = time.monotonic() + 120
        while time.monotonic() < until and running.poll() is None:
            try:
                client.get("/tasks")
                break
            except httpx.TransportError:
                time.sleep(0.2)
        yield client
    finally:
        running.terminate()
        running.wait()


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--python", default=sys.executable, help="an interpreter that has agentdojo==0.1.35")
    asked.add_argument(
        "--sample", type=int, default=1, help="one in so many pairs (the tasks are always all)"
    )
    asked.add_argument("--mode", choices=MODES, action="append")
    asked.add_argument("--suite", action="append")
    asked.add_argument("--unreviewed", action="store_true", help="with the importer's labels alone")
    told = asked.parse_args()
    review = {} if told.unreviewed else yaml.safe_load(REVIEWED.read_text())
    with served(told.python) as service:
        tasks = service.get("/tasks").json()
        suites = [suite_of(service, name, review) for name in told.suite or tasks]
        print(HEAD)
        for mode in told.mode or MODES:
            tally = Tally()
            for suite in suites:
                with gateway() as running:
                    run(Bench(running, service, suite, mode), tasks[suite.name], told.sample, tally)
            for leak in tally.leaks:
                print("leak:", leak)
            print(tally.line(mode), flush=True)
            print("asked for the tasks:", dict(tally.rules.most_common()), file=sys.stderr)
            print(*tally.asked, sep="\n", file=sys.stderr, flush=True)


@contextmanager
def gateway() -> Iterator[Process]:
    """One for each suite and mode: a gateway does not slow as hundreds of companies join it, but this one's database need not hold them all."""
    with tempfile.TemporaryDirectory() as folder:
        running = Process(Path(folder) / "home")
        running.home.mkdir()
        running.start()
        try:
            running.found()
            yield running
        finally:
            running.stop()


def run(bench: Bench, tasks: dict[str, Any], sample: int, tally: Tally) -> None:
    pairs = [(user, one) for one in tasks["injections"] for user in tasks["users"]]
    for user, injection in [*((user, "") for user in tasks["users"]), *pairs[::sample]]:
        bench.episode(user, injection, tally)


if __name__ == "__main__":
    main()
