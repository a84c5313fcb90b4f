"""Jobs over REST, worked on in the test's own time: asked for, seen, steered, retried, given up."""

from pathlib import Path
from typing import Any

import pytest

from ostiary.audit.verify import verify_export
from tests.house import House, play
from tests.worker.slow import Counting


def params(tmp_path: Path, **more: Any) -> dict[str, Any]:
    return Counting(file=str(tmp_path / "deeds"), pause_ms=0, **more).model_dump()


async def start(house: House, kind: str, token: str | None = None, **asked: Any) -> Any:
    return await house.good("POST", "/v1/jobs", token, json={"kind": kind, "params": asked})


async def show(house: House, job: str, token: str | None = None) -> Any:
    return await house.good("GET", f"/v1/jobs/{job}", token)


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_job_is_asked_for_done_and_seen(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        made = await start(house, "test.count", **params(tmp_path, steps=3, name="Ada"))
        assert (made["state"], made["count"], made["percent"], made["by_kind"]) == (
            "queued",
            0,
            None,
            "person",
        )
        await house.work()
        done = await show(house, made["id"])
        assert (done["state"], done["count"], done["total"], done["percent"], done["steps"]) == ("done", 3, 3, 100, 3)  # fmt: skip
        assert done["note"] == "Counted to 3 for Ada"
        assert done["params"]["steps"] == 3
        listed = await house.good("GET", "/v1/jobs", params={"kind": "test.count"})
        assert [job["id"] for job in listed["jobs"]] == [made["id"]]
        assert (tmp_path / "deeds").read_text().count("\n") == 3

    play(tmp_path / "home", story)


def test_every_step_is_a_recorded_call_of_a_service_for_whoever_asked(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await start(house, "test.count", **params(tmp_path, steps=2))
        await house.work()
        found = await house.good("GET", "/v1/audit/events", params={"action": "test.count_step"})
        owner = (await house.good("GET", "/v1/me"))["id"]
        seen = [(event["decision"], event["actor_kind"], event["actor_id"], event["face"]) for event in found["events"]]  # fmt: skip
        assert seen == [("ran", "service", owner, "job")] * 2

    play(tmp_path / "home", story)


def test_kinds_that_one_may_not_do_are_neither_startable_nor_seen(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        made = await start(house, "test.owners", **params(tmp_path, steps=1))
        support = await house.make_key("helper", "program", ("support",))
        asked = {"kind": "test.owners", "params": params(tmp_path)}
        assert refused(await house.ask("POST", "/v1/jobs", support, json=asked)) == (403, "access.forbidden")
        for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/retry")):
            assert refused(await house.ask(method, f"/v1/jobs/{made['id']}{path}", support)) == (
                404,
                "not_found",
            )
        kinds = {kind["name"] for kind in (await house.good("GET", "/v1/job-kinds", support))["kinds"]}
        assert "test.count" in kinds
        assert "test.owners" not in kinds
        assert (await house.good("GET", "/v1/jobs", support))["jobs"] == []

    play(tmp_path / "home", story)


def test_a_keys_scopes_narrow_which_jobs_it_starts(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        narrow = await house.make_key("narrow", "program", ("support",), scopes=["call.*"])
        fitting = await house.make_key("fitting", "program", ("support",), scopes=["test.count"])
        asked = {"kind": "test.count", "params": params(tmp_path, steps=1)}
        assert refused(await house.ask("POST", "/v1/jobs", narrow, json=asked)) == (403, "access.scope")
        assert (await house.ask("POST", "/v1/jobs", fitting, json=asked)).status_code == 201

    play(tmp_path / "home", story)


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("test.nothing", {}, (404, "not_found")),
        ("test.count", {}, (422, "params.invalid")),
        ("test.count", {"file": "x", "unknown": 1}, (422, "params.invalid")),
        ("test.hidden", {}, (403, "access.forbidden")),
    ],
)
def test_what_cannot_be_started_says_why(
    tmp_path: Path, kind: str, given: dict[str, Any], expected: tuple[int, str]
) -> None:
    async def story(house: House) -> None:
        answer = await house.ask("POST", "/v1/jobs", json={"kind": kind, "params": given})
        assert refused(answer) == expected

    play(tmp_path / "home", story)


def test_the_askers_rights_are_looked_up_at_each_step(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        key = await house.good(
            "POST", "/v1/keys", json={"name": "soon gone", "kind": "program", "roles": ["support"]}
        )
        made = await start(house, "test.count", key["secret"], **params(tmp_path, steps=3))
        await house.good("POST", f"/v1/keys/{key['key']['key_id']}/revoke")
        await house.work()
        failed = await show(house, made["id"])
        assert (failed["state"], failed["code"], failed["steps"]) == ("failed", "access.forbidden", 0)
        assert not (tmp_path / "deeds").exists()
        found = await house.good("GET", "/v1/audit/events", params={"action": "test.count_step"})
        assert [(event["decision"], event["code"]) for event in found["events"]] == [("refused", "access.forbidden")]  # fmt: skip

    play(tmp_path / "home", story)


def test_a_step_that_fails_is_tried_again_later_and_the_job_goes_on_from_its_cursor(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        made = await start(house, "test.fail", **params(tmp_path, steps=2))
        await house.work()
        waits = await show(house, made["id"])
        assert (waits["state"], waits["code"]) == ("queued", "target.unavailable")
        assert waits["tries"] < 3, "it waits, longer each time"
        for _ in range(3 - waits["tries"]):
            house.clock.advance(6)
            await house.work()
        assert (await show(house, made["id"]))["state"] == "done"

    play(tmp_path / "home", story)


def test_a_job_that_fails_too_often_has_failed_and_can_be_tried_again_by_hand(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        made = await start(house, "test.fail", **params(tmp_path, steps=6))
        for seconds in (0, 2, 6, 31, 121, 601):
            house.clock.advance(seconds)
            await house.work()
        failed = await show(house, made["id"])
        assert (failed["state"], failed["code"], failed["tries"]) == ("failed", "target.unavailable", 5)
        again = await house.good("POST", f"/v1/jobs/{made['id']}/retry")
        assert (again["state"], again["tries"]) == ("queued", 0)
        await house.work()
        assert (await show(house, made["id"]))["state"] == "done"
        assert refused(await house.ask("POST", f"/v1/jobs/{made['id']}/retry")) == (409, "conflict")

    play(tmp_path / "home", story)


def test_a_retry_goes_on_where_it_failed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        made = await start(house, "test.count", **params(tmp_path, steps=6, fail_at=4))
        for seconds in (0, 2, 6, 31, 121, 601):
            house.clock.advance(seconds)
            await house.work()
        failed = await show(house, made["id"])
        assert (failed["state"], failed["code"], failed["count"], failed["steps"]) == (
            "failed",
            "conflict",
            4,
            4,
        )
        done = [int(line.split()[1]) for line in (tmp_path / "deeds").read_text().splitlines()]
        assert done == [0, 1, 2, 3, 4, 4, 4, 4, 4, 4]

    play(tmp_path / "home", story)


def test_a_waiting_job_is_cancelled_at_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        made = await start(house, "test.count", **params(tmp_path))
        cancelled = await house.good("POST", f"/v1/jobs/{made['id']}/cancel")
        assert cancelled["state"] == "cancelled"
        await house.work()
        assert (await show(house, made["id"]))["state"] == "cancelled"
        assert not (tmp_path / "deeds").exists()
        assert refused(await house.ask("POST", f"/v1/jobs/{made['id']}/cancel")) == (409, "conflict")

    play(tmp_path / "home", story)


def test_an_idempotency_key_starts_one_job(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        asked = {"kind": "test.count", "params": params(tmp_path, steps=1)}
        first, second = [await house.ask("POST", "/v1/jobs", key="once", json=asked) for _ in range(2)]
        assert first.json()["id"] == second.json()["id"]
        await house.work()
        listed = await house.good("GET", "/v1/jobs", params={"kind": "test.count"})
        assert len(listed["jobs"]) == 1

    play(tmp_path / "home", story)


def test_what_recurs_is_one_job_a_period(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async def count() -> int:
            await house.work()
            listed = await house.good("GET", "/v1/jobs", params={"kind": "test.every"})
            return len(listed["jobs"])

        house.clock.advance(3600 - house.clock.now_us() // 1_000_000 % 3600 + 60)  # early in a period
        assert await count() == 1
        house.clock.advance(60)
        assert await count() == 1
        house.gateway.worker._scheduled.clear()  # another process, which does not know
        assert await count() == 1
        house.clock.advance(3600)
        assert await count() == 2

    play(tmp_path / "home", story)


def test_the_log_is_exported_by_a_job_and_verifies(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for _ in range(600):  # more than one part
            await house.ask("GET", "/v1/approvals")
        made = await start(house, "audit.export")
        await house.work()
        done = await show(house, made["id"])
        assert (done["state"], done["percent"], done["steps"] > 1) == ("done", 100, True)
        text, part = "", 0
        while part is not None:
            page = await house.good("GET", f"/v1/audit/exports/{made['id']}", params={"part": str(part)})
            text, part = text + page["text"], page["next"]
        assert page["complete"]
        (tmp_path / "log.jsonl").write_text(text)
        report = verify_export(tmp_path / "log.jsonl", None, None)
        assert (report.ok, report.size) == (True, done["total"])
        parts = list((tmp_path / "home" / "blobs").rglob("exp-*"))
        assert len(parts) == done["steps"]
        assert not any(b"checkpoint" in blob.read_bytes() for blob in parts), "they are sealed"
        support = await house.make_key("helper", "program", ("support",))
        assert refused(await house.ask("GET", f"/v1/audit/exports/{made['id']}", support)) == (403, "access.forbidden")  # fmt: skip
        house.clock.advance(8 * 86400)
        await house.work()
        assert refused(await house.ask("GET", f"/v1/audit/exports/{made['id']}"))[0] in (401, 404)

    play(tmp_path / "home", story)


def test_the_database_holds_nothing_of_what_a_job_says(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await start(house, "test.count", **params(tmp_path, steps=2, name="Canary-Wren-7731"))
        await house.work()

    play(tmp_path / "home", story)
    for path in (tmp_path / "home").rglob("*"):
        if path.is_file():
            assert b"Canary-Wren-7731" not in path.read_bytes(), path
