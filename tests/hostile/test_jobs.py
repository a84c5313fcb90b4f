"""Attacks on jobs: another tenant's, steps called from outside, rows forged by somebody who writes the database, questions held by the thousand."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ostiary import ids
from ostiary.actions import Actor, ActorKind, Face
from ostiary.app import gateway
from ostiary.consent import jobs as consent_jobs
from ostiary.errors import Conflict, NotAuthenticated, NotFound, OffContract
from ostiary.identity.gate import Entrance
from ostiary.ids import TenantId
from ostiary.jobs import store
from ostiary.jobs.store import JobRow, State
from tests.house import House, play
from tests.servers import tamper
from tests.worker import slow
from tests.worker.slow import Counting


@pytest.fixture(autouse=True)
def _kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "KINDS", (*gateway.KINDS, *slow.KINDS))
    monkeypatch.setattr("tests.house.Gateway", slow.SlowGateway)


def params(tmp_path: Path, **more: Any) -> dict[str, Any]:
    return Counting(file=str(tmp_path / "deeds"), pause_ms=0, **more).model_dump()


async def start(house: House, kind: str, token: str | None = None, **asked: Any) -> str:
    made = await house.good("POST", "/v1/jobs", token, json={"kind": kind, "params": asked})
    return str(made["id"])


async def row_of(house: House, job: str) -> JobRow:
    row = await house.gateway.database.run(lambda c: store.find_job(c, TenantId(house.tenant), job))
    assert row is not None
    return row


async def put(house: House, row: JobRow) -> None:
    await house.gateway.database.change(lambda c: store.add_job(c, row.tenant, row, join=False))


def test_a_step_is_no_action_of_any_face(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        asked = {"job": "job_1", "params": params(tmp_path)}
        for name in ("test.count_step", "audit.export_step", "approval.expire_step"):
            answer = await house.ask("POST", f"/v1/actions/{name}", json=asked)
            assert (answer.status_code, answer.json()["code"]) == (404, "contract.unknown")
        document = (await house.good("GET", "/openapi.json"))["paths"]
        assert not [path for path in document if "_step" in path or "step_" in path.rpartition("/")[2]]
        door = house.gateway.door
        owner = (await house.gateway.gate.enter(_presented(house))).actor
        for face in Face:
            for kind in ActorKind:
                if face is Face.JOB and kind is ActorKind.SERVICE:
                    continue
                with pytest.raises((OffContract, NotAuthenticated)):
                    await door.call(Entrance(replace(owner, kind=kind)), "test.count_step", asked, face=face)
        assert not [action for action in await door.visible(owner) if action.step]
        assert not (tmp_path / "deeds").exists()

    play(tmp_path / "home", story)


def test_the_workers_face_calls_nothing_but_steps(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        service = Actor(
            TenantId(house.tenant), ActorKind.SERVICE, "service", frozenset({"member.read", "me.own"})
        )
        with pytest.raises(OffContract):
            await house.gateway.door.call(Entrance(service), "member.list", {}, face=Face.JOB)

    play(tmp_path / "home", story)


def test_another_tenants_job_does_not_exist(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        job = await start(house, "test.count", **params(tmp_path))
        elsewhere = TenantId(ids.new("ten"))
        stranger = Actor(elsewhere, ActorKind.PERSON, ids.new("per"), frozenset({"member.read", "me.own"}))
        await house.gateway.vault.create_tenant(elsewhere)
        for action in ("job.show", "job.cancel", "job.retry"):
            with pytest.raises(NotFound):
                await house.gateway.door.call(Entrance(stranger), action, {"job_id": job}, face=Face.REST)
        listed = await house.gateway.door.call(Entrance(stranger), "job.list", {}, face=Face.REST)
        assert listed.result["jobs"] == []  # type: ignore[union-attr]
        assert (await row_of(house, job)).cancelling is False

    play(tmp_path / "home", story)


def test_a_forged_row_runs_nothing_that_its_asker_may_not_do(tmp_path: Path) -> None:
    """Who writes the database copies a row and makes it another's, another kind's, the tenant's own; or writes one with sealed columns of their own."""

    async def story(house: House) -> None:
        support = await house.make_key("helper", "program", ("support",))
        owner = (await house.good("GET", "/v1/me"))["id"]
        job = await start(house, "test.count", support, **params(tmp_path, steps=2))
        real = await row_of(house, job)
        forged = [
            replace(real, id=ids.new("job"), requested_by=owner, requested_kind="person"),
            replace(real, id=ids.new("job"), kind="test.owners"),
            replace(
                real, id=ids.new("job"), kind="test.owners", requested_kind="service", requested_by="service"
            ),
            replace(real, id=ids.new("job")),
            replace(real, id=ids.new("job"), origin=b"\x01" * 80, params=b"\x01" * 80),
        ]
        for row in forged:
            await put(house, row)
        await house.work()
        for row in forged:
            ended = await row_of(house, row.id)
            assert (ended.state, ended.code, ended.step) == (State.FAILED, "keys.seal_broken", 0)
        assert (tmp_path / "deeds").read_text().count("\n") == 2, "only the real one's"

    play(tmp_path / "home", story)


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'test.owners'",
        "requested_kind = 'service', requested_by = 'service'",
        "requested_by = 'per_0'",
    ],
)
def test_a_row_that_is_changed_by_hand_runs_nothing(tmp_path: Path, change: str) -> None:
    async def story(house: House) -> None:
        support = await house.make_key("helper", "program", ("support",))
        job = await start(house, "test.count", support, **params(tmp_path, steps=2))

        tamper(
            house.gateway.database,
            lambda c: c.execute(text(f"UPDATE job SET {change} WHERE id = '{job}'")),
        )
        await house.work()
        row = await row_of(house, job)
        assert (row.state, row.code) == (State.FAILED, "keys.seal_broken")
        assert not (tmp_path / "deeds").exists()

    play(tmp_path / "home", story)


def test_two_workers_with_one_job_commit_each_step_once(tmp_path: Path) -> None:
    """A worker that was thought dead goes on beside the one that took over: the row says whose step counts."""

    async def story(house: House) -> None:
        gate, queue = house.gateway, house.gateway.jobs
        job = await start(house, "test.count", **params(tmp_path, steps=4, name="x"))
        row = await row_of(house, job)
        mine = await gate.database.change(lambda c: queue.take(c, row, gate.processes.id))
        assert mine is not None
        first = asyncio.create_task(gate.runner._once(row.tenant, job, 0))
        await asyncio.sleep(0)  # it has begun
        again = await gate.database.change(lambda c: queue.take(c, mine, gate.processes.id))
        assert again is not None
        with pytest.raises(Conflict):
            await gate.database.change(lambda c: store.must_hold(c, row.tenant, mine))
        outcomes = await asyncio.gather(first, return_exceptions=True)
        standing = await row_of(house, job)
        assert standing.fence == 2
        assert standing.step in (0, 1), outcomes
        while await gate.runner.go_on(row.tenant, job, 0):
            pass
        ended = await row_of(house, job)
        assert (ended.state, ended.step, ended.count) == (State.DONE, 4, 4)
        found = await house.good(
            "GET", "/v1/audit/events", params={"action": "test.count_step", "decision": "ran"}
        )
        assert len(found["events"]) == 4

    play(tmp_path / "home", story)


def test_an_agent_that_holds_calls_by_the_hundred_makes_one_job_of_each(tmp_path: Path) -> None:
    """What goes with each held call is put into the queue 300 times: one row for expiry, one for notices, at the earliest time of all."""

    async def story(house: House) -> None:
        queue, tenant = house.gateway.jobs, TenantId(house.tenant)
        jobs = consent_jobs.asked(queue, mailed=True)
        now_us = house.clock.now_us()

        def flood(connection: Any) -> None:
            for number in range(300, 0, -1):
                jobs(_Approval(tenant, now_us + number * 1_000_000))(connection)  # type: ignore[arg-type]

        await house.gateway.database.change(flood)
        kinds = [consent_jobs.EXPIRE.name, consent_jobs.NOTICE.name]
        rows = await house.gateway.database.run(
            lambda c: store.list_jobs(c, tenant, states=(), kinds=kinds, before="", limit=100)
        )
        assert sorted(row.kind for row in rows) == kinds
        expire = next(row for row in rows if row.kind == consent_jobs.EXPIRE.name)
        assert expire.due_us == now_us + 1_000_000

    play(tmp_path / "home", story)


class _Approval:
    def __init__(self, tenant: TenantId, expires_us: int) -> None:
        self.tenant, self.expires_us = tenant, expires_us


def _presented(house: House) -> Any:
    from ostiary.identity.presented import Presented
    from ostiary.secret import Secret

    return Presented(face=Face.REST, address="127.0.0.1", session=Secret(house.owner))
