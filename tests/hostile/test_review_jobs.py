"""Jobs as a way around: the kill switch, the limits."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ostiary.app import gateway
from ostiary.jobs.actions import STARTED_MAX
from tests.house import House, play
from tests.worker import slow
from tests.worker.slow import Counting


@pytest.fixture(autouse=True)
def _kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "KINDS", (*gateway.KINDS, *slow.KINDS))
    monkeypatch.setattr("tests.house.Gateway", slow.SlowGateway)


def asked(tmp_path: Path, **more: Any) -> dict[str, Any]:
    params = Counting(file=str(tmp_path / "deeds"), pause_ms=0, **more).model_dump()
    return {"kind": "test.count", "params": params}


@pytest.mark.parametrize("what", ["key", "programs", "everything", "action"])
def test_what_is_stopped_does_not_go_on_as_a_job(tmp_path: Path, what: str) -> None:
    async def story(house: House) -> None:
        agent = await house.make_key("bot")
        job = await house.good("POST", "/v1/jobs", agent, json=asked(tmp_path, steps=3))
        key = next(each for each in (await house.good("GET", "/v1/keys"))["keys"] if each["name"] == "bot")
        target = {"key": key["key_id"], "action": "test.count"}.get(what, "")
        stop = {"kind": what, "target": target, "reason": "It exports what it should not."}
        stopped = await house.good("POST", "/v1/stops", json=stop)
        await house.work()
        assert not (tmp_path / "deeds").exists()
        shown = await house.good("GET", f"/v1/jobs/{job['id']}")
        assert (shown["state"], shown["code"]) == ("queued", "shield.stopped")
        page = await house.good("GET", "/v1/audit/events", params={"action": "test.count_step"})
        assert {event["code"] for event in page["events"]} == {"shield.stopped"}
        await house.good("DELETE", f"/v1/stops/{stopped['stop_id']}")
        house.clock.advance(700)
        await house.work()
        assert (await house.good("GET", f"/v1/jobs/{job['id']}"))["state"] == "done"

    play(tmp_path / "home", story)


def test_jobs_are_not_started_without_end(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        agent = await house.make_key("bot")

        async def start() -> int:
            return (await house.ask("POST", "/v1/jobs", agent, json=asked(tmp_path, steps=1))).status_code

        answers = [await start() for _ in range(STARTED_MAX + 3)]
        assert answers == [201] * STARTED_MAX + [409] * 3
        assert set(await asyncio.gather(*(start() for _ in range(5)))) == {409}
        await house.work()
        assert await start() == 201

    play(tmp_path / "home", story)
