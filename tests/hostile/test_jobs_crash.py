"""A web process and a worker are killed at one moment, while jobs of every sort are under way: an export of the log, a rotation of the tenant's keys, the erasure
of a person, a purge. None is lost and none is done twice; another worker ends them, within ten seconds and the time of their steps."""

import random
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.retention import certificate
from tests.cluster import Cluster
from tests.hostile.deeds import CONTRACTS, ENDED, until
from tests.process import Process
from tests.shop import Shop, running

TAKEN_OVER_S = 10.0
STEPS_S = 50.0
"""What the jobs' own steps may take on a loaded machine."""

pytestmark = [pytest.mark.journey]


def pay(web: Process, agent: str, name: str) -> httpx.Response:
    return web.ask("POST", "/v1/actions/pay.about", agent, json={"to": name, "amount": 3}, key=name)


def begin(web: Process, person: str) -> tuple[dict[str, str], str]:
    """The ids of the jobs, and of the erasure."""
    jobs = {}
    for kind, params in (
        ("audit.export", {}),
        ("vault.rotation", {"data_keys": True, "retire": True}),
        ("retention.purge", {}),
    ):
        made = web.good("POST", "/v1/jobs", json={"kind": kind, "params": params}, key=f"{kind}-{person}")
        jobs[kind] = made["id"]
    return jobs, web.good("POST", "/v1/erasures", json={"subject": person, "confirm": person})["id"]


def one_turn(members: Cluster, shop: Shop, agent: str, turn: int, dice: random.Random) -> float:
    """How long it took from the kill until every job had ended."""
    dying, living = dice.sample(members.webs, 2)
    person, kept = f"person-{turn}", f"kept-{turn}"
    for name in (person, kept):
        assert pay(living, agent, name).json()["result"]
    newest = max(each["version"] for each in living.good("GET", "/v1/vault/keys")["versions"])
    jobs, erasure = begin(living, person)
    worker = dice.choice(members.workers)
    time.sleep(dice.uniform(0.0, 2.0))
    worker.kill()
    dying.kill()
    killed = time.monotonic()

    def over() -> Any:
        shown = [living.good("GET", f"/v1/jobs/{job}") for job in jobs.values()]
        erased = living.good("GET", f"/v1/erasures/{erasure}")["state"]
        return shown if all(each["state"] in ENDED for each in shown) and erased == "done" else None

    shown = until(over, "the end of all jobs")
    took = time.monotonic() - killed
    assert {each["state"] for each in shown} == {"done"}
    assert took < TAKEN_OVER_S + STEPS_S
    versions = living.good("GET", "/v1/vault/keys")["versions"]
    assert [each["version"] for each in versions if each["state"] in ("active", "opening")] == [newest + 1]
    certificate.verify(living.good("GET", f"/v1/erasures/{erasure}/certificate"))
    part = living.ask("GET", f"/v1/audit/exports/{jobs['audit.export']}", params={"part": "0"})
    assert part.status_code == 200, part.text
    assert pay(living, agent, person).json()["result"] is None
    assert pay(living, agent, kept).json()["result"]
    assert set(shop.done.values()) == {1}
    assert living.good("POST", "/v1/audit/verify", json={})["ok"]
    for victim in (worker, dying):
        victim.start()
    return took


def killed_in_pairs(folder: Path, turns: int) -> None:
    members = Cluster(folder, worker_count=2)
    with running() as shop:
        try:
            members.start()
            web = members.webs[0]
            web.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
            web.agree(CONTRACTS)
            agent = web.make_key("helper", "support", kind="program")
            took = sorted(one_turn(members, shop, agent, turn, random.Random(turn)) for turn in range(turns))
        finally:
            members.close()
    print(
        f"\njobs: {turns} times a web process and a worker killed at once, {4 * turns} jobs, none lost, none done twice;"
        f" all ended {took[len(took) // 2]:.1f} s after the kill (median), {took[-1]:.1f} s (most)"
    )


@pytest.mark.timeout(240)
def test_a_web_process_and_a_worker_die_at_once_while_jobs_are_under_way(tmp_path: Path) -> None:
    killed_in_pairs(tmp_path, 1)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_fifty_pairs_die(tmp_path: Path) -> None:
    killed_in_pairs(tmp_path, 50)
