"""What a collector on the gateway's machine reads, and what nobody else does."""

from pathlib import Path

from tests.house import House, play


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
        await house.gateway.tidy()
        lines = await counted(house)
        assert lines["ostiary_approvals_waiting"] == "1.0"
        assert float(lines["ostiary_audit_events_total"]) >= 6
        assert 1 <= float(lines["ostiary_audit_batches_total"]) <= float(lines["ostiary_audit_events_total"])
        assert lines["ostiary_audit_failures_total"] == before["ostiary_audit_failures_total"]

    play(tmp_path, story)


def test_behind_a_proxy_a_local_collector_needs_no_https_and_the_world_gets_nothing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        local = {"host": "127.0.0.1"}
        assert (await house.ask("GET", "/metrics", "", headers=local)).status_code == 200
        assert (await house.ask("GET", "/v1/me", "", headers=local)).status_code == 421
        outside = {"host": "gate.example.com", "x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.5"}
        assert (await house.ask("GET", "/metrics", "", headers=outside)).status_code == 404
        assert (await house.ask("GET", "/v1/me", "", headers=outside)).status_code == 401

    play(
        tmp_path, story, furnished=False, OSTIARY_PUBLIC_URL="https://gate.example.com", OSTIARY_BEHIND_PROXY="127.0.0.1/32"
    )  # fmt: skip
