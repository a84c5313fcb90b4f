"""What a collector on the gateway's machine reads, and what nobody else does."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import structlog
from sqlalchemy import Connection, text

from ostiary import log
from tests import servers
from tests.house import House, play
from tests.net.peer import listening, silence


def test_the_log_and_what_waits_are_counted(tmp_path: Path) -> None:
    async def counted(house: House) -> dict[str, str]:
        text = (await house.ask("GET", "/metrics", "")).text
        return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))

    async def story(house: House) -> None:
        before = await counted(house)  # counters are the process's: other tests ran in it
        await house.connect("fixed", kind="constant")
        await house.agree(
            "version: 1\nactions:\n  - {name: demo.ask, description: Asks., risk: high, confirmation: always,"
            " sentence: Do it, target: {connector: fixed, constant: {done: true}}}\n"
        )
        agent = await house.make_key("agent")
        assert (await house.ask("POST", "/v1/actions/demo.ask", agent)).status_code == 202
        await house.gateway.counting.count()
        lines = await counted(house)
        assert lines["ostiary_approvals_waiting"] == "1.0"
        assert float(lines["ostiary_audit_events_total"]) >= 6
        assert 1 <= float(lines["ostiary_audit_batches_total"]) <= float(lines["ostiary_audit_events_total"])
        assert lines["ostiary_audit_failures_total"] == before["ostiary_audit_failures_total"]

    play(tmp_path, story)


def test_behind_a_proxy_on_this_machine_a_collector_needs_the_token_and_the_world_gets_nothing(
    tmp_path: Path,
) -> None:
    async def story(house: House) -> None:
        local = {"host": "127.0.0.1"}  # it may be the proxy, whose headers were dropped on the way
        assert (await house.ask("GET", "/metrics", "", headers=local)).status_code == 404
        assert (await house.ask("GET", "/v1/me", "", headers=local)).status_code == 421
        outside = {"host": "gate.example.com", "x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.5"}
        assert (await house.ask("GET", "/metrics", "", headers=outside)).status_code == 404
        assert (await house.ask("GET", "/v1/me", "", headers=outside)).status_code == 401

    play(
        tmp_path, story, furnished=False, OSTIARY_PUBLIC_URL="https://gate.example.com", OSTIARY_BEHIND_PROXY="127.0.0.1/32"
    )  # fmt: skip


SERIES_MAX = 2_000
"""What one process shows at most, whatever comes: labels are closed vocabularies."""
CONTRACTS = """
version: 1
actions:
  - {name: demo.show, description: Shows., roles: [support], target: {connector: fixed, constant: {email: a@b.example}}}
  - {name: demo.ask, description: Asks., risk: high, confirmation: always, roles: [support], sentence: Do it, target: {connector: fixed, constant: {done: true}}}
  - {name: demo.gone, description: Fails., risk: low, confirmation: never, sentence: Do it, roles: [support], target: {connector: away, http: {method: POST, path: /x}}}
"""


QUIET = CONTRACTS.replace("away", "fixed").replace("http: {method: POST, path: /x}", "constant: {}")


async def numbers(house: House) -> dict[str, float]:
    text = (await house.ask("GET", "/metrics", "")).text
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


def test_however_varied_the_load_no_more_series_come_than_there_are_words(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.connect("fixed", kind="constant")
        await house.agree(
            CONTRACTS.replace("away", "fixed").replace("http: {method: POST, path: /x}", "constant: {}")
        )
        keys = [await house.make_key(f"agent {number}") for number in range(5)]

        async def load(salt: str) -> None:
            for number, key in enumerate(keys):
                await house.ask("POST", "/v1/actions/demo.show", key, json={})
                await house.ask("POST", "/v1/actions/demo.ask", key, json={})
                await house.ask("POST", f"/v1/actions/no.such_{salt}{number}", key, json={"x": salt})
                await house.ask("GET", f"/v1/calls/cal_{salt}{number}", key)
                await house.ask("GET", f"/{salt}/{number}", "")
                await house.ask(
                    "POST", "/mcp", key, json={"jsonrpc": "2.0", "id": number, "method": f"tools/{salt}"}
                )
                await house.ask("DELETE", f"/v1/keys/{salt}", f"ost_live_{salt}_{number}")
            await house.gateway.counting.count()

        await load("zebra")
        before = await numbers(house)
        await load("okapi")
        await load("tapir")
        after = await numbers(house)
        assert set(after) == set(before)
        assert len(after) < SERIES_MAX
        text = (await house.ask("GET", "/metrics", "")).text
        assert [
            word
            for word in ("zebra", "okapi", "demo.", "agent 1", "cal_", house.tenant, "127.0.0.1")
            if word in text
        ] == []

    play(tmp_path, story)


def test_a_held_call_shows_how_long_it_waits_and_when_it_lapses(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.connect("fixed", kind="constant")
        await house.agree(
            CONTRACTS.replace("away", "fixed").replace("http: {method: POST, path: /x}", "constant: {}")
        )
        agent = await house.make_key("agent")
        await house.gateway.counting.count()
        before = await numbers(house)
        assert before["ostiary_approvals_waiting"] == 0
        assert before["ostiary_approval_oldest_timestamp_seconds"] == 0
        held = (await house.ask("POST", "/v1/actions/demo.ask", agent)).json()
        asked_s = house.clock.now_us() / 1e6
        await house.gateway.counting.count()
        after = await numbers(house)
        assert after["ostiary_approvals_waiting"] == 1
        assert abs(after["ostiary_approval_oldest_timestamp_seconds"] - asked_s) < 30
        left = after["ostiary_approval_next_expiry_timestamp_seconds"] - asked_s
        assert 3500 < left < 3601  # OstiaryApprovalExpiresSoon
        name = 'ostiary_approval_decision_seconds_count{decision="approved"}'
        assert (await house.approve(held["approval_id"])).status_code == 200
        await house.settled(held["call_id"], agent)
        await house.gateway.counting.count()
        ended = await numbers(house)
        assert ended["ostiary_approvals_waiting"] == 0
        assert ended[name] == before.get(name, 0) + 1

    play(tmp_path, story, OSTIARY_APPROVAL_TTL_S="3600")


def test_a_log_that_cannot_be_written_shows_at_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.connect("fixed", kind="constant")
        await house.agree(QUIET)
        agent = await house.make_key("agent")
        before = await numbers(house)
        assert (before["ostiary_audit_writable"], before['ostiary_ready{component="log"}']) == (1, 1)
        with _broken(house):
            assert (await house.ask("POST", "/v1/actions/demo.show", agent, json={})).status_code == 503
            broken = await numbers(house)
        assert (broken["ostiary_audit_writable"], broken['ostiary_ready{component="log"}']) == (0, 0)
        assert broken["ostiary_audit_failures_total"] > before["ostiary_audit_failures_total"]
        code = 'ostiary_refusals_total{code="audit.unavailable"}'
        assert broken[code] > before[code]  # it stood there from the start: a collector sees it grow
        house.gateway.audit.probe()
        mended = await numbers(house)
        assert mended["ostiary_audit_writable"] == 1
        assert (await house.ask("POST", "/v1/actions/demo.show", agent, json={})).status_code == 200
        durable = await numbers(house)
        assert (
            durable["ostiary_audit_durable_timestamp_seconds"]
            > before["ostiary_audit_durable_timestamp_seconds"]
        )

    play(tmp_path, story)


@contextmanager
def _broken(house: House) -> Iterator[None]:
    """The log's table is away."""
    database = house.gateway.database
    with servers.intruder(database) as connection:
        connection.exec_driver_sql("ALTER TABLE audit_event RENAME TO audit_event_away")
    try:
        yield
    finally:
        with servers.intruder(database) as connection:
            connection.exec_driver_sql("ALTER TABLE audit_event_away RENAME TO audit_event")


def test_a_call_whose_outcome_nobody_knows_is_counted_until_a_person_settles_it(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(silence) as system:
            await house.connect("fixed", kind="constant")
            await house.connect("away", kind="http", base_url=system.url)
            await house.agree(CONTRACTS)
            agent = await house.make_key("agent")
            errors = 'ostiary_connector_errors_total{code="target.timeout",kind="http"}'
            before = (await numbers(house)).get(errors, 0)
            lost = await house.ask("POST", "/v1/actions/demo.gone", agent, json={})
            assert lost.json()["code"] == "call.unknown"
        await house.gateway.counting.count()
        found = await numbers(house)
        assert found["ostiary_calls_unknown"] == 1
        assert found[errors] == before + 1
        call = (await house.good("GET", "/v1/calls", params={"state": "unknown"}))["calls"][0]["call_id"]
        await house.good("POST", f"/v1/calls/{call}/settle", json={"outcome": "not_done"})
        await house.gateway.counting.count()
        assert (await numbers(house))["ostiary_calls_unknown"] == 0

    play(tmp_path, story, OSTIARY_CALL_TIMEOUT_S="1")


def test_each_step_of_the_path_is_timed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        before = await numbers(house)
        for _ in range(10):
            assert (await house.ask("GET", "/v1/me")).status_code == 200
        after = await numbers(house)
        for stage in ("enter", "admit", "authorise", "contract", "consent", "run", "record"):
            name = f'ostiary_stage_seconds_count{{stage="{stage}"}}'
            assert after[name] - before[name] == 10, stage

    play(tmp_path, story)


def test_lines_of_the_log_say_which_call_they_belong_to(tmp_path: Path) -> None:
    stream = io.StringIO()
    log.configure("info", stream)
    held = log.CALL.set("cal_0123")
    try:
        log.get("test").info("something.happened")
    finally:
        log.CALL.reset(held)
    log.get("test").info("later")
    structlog.reset_defaults()
    first, second = (orjson.loads(line) for line in stream.getvalue().splitlines())
    assert first["call"] == "cal_0123"
    assert "call" not in second


def test_what_a_dead_process_left_is_counted_until_it_is_taken_over(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.connect("fixed", kind="constant")
        await house.agree(QUIET)
        agent = await house.make_key("agent")
        held = (await house.ask("POST", "/v1/actions/demo.ask", agent)).json()
        await house.gateway.counting.count()
        assert (await numbers(house))['ostiary_orphans{what="calls"}'] == 0
        for loop in house.gateway._loops:
            loop.cancel()  # nobody takes anything over now

        def left(connection: Connection) -> None:
            dead = "UPDATE call SET state = 'running', boot = 'bot_dead' WHERE id = :id"
            connection.execute(text(dead), {"id": held["call_id"]})

        servers.tamper(house.gateway.database, left)
        await house.gateway.counting.count()
        assert (await numbers(house))['ostiary_orphans{what="calls"}'] == 1
        assert (await numbers(house))['ostiary_orphans{what="jobs"}'] == 0

    play(tmp_path, story)
