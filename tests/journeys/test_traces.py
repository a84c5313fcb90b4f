"""Traces of a whole gateway, as a collector gets them: the way of a call in its steps, the log's commit that it waited for, and nothing of what was in it."""

import asyncio
from pathlib import Path
from typing import Any

import orjson

from ostiary import metrics, traces
from tests.house import House, opened
from tests.net.peer import Peer, answer, listening

CANARIES = (
    "kanarie-7731",
    "canary@sparrow.example",
    "Carla Canary",
    "olive.owner",
    "Olive",
    "Pellow",
    "203.0.113.77",
)
CONTRACTS = """
version: 1
actions:
  - name: letter.send
    title: Send a letter
    description: Sends.
    risk: high
    confirmation: always
    sentence: Send {text} to {to}
    parameters: {properties: {to: {type: string}, text: {type: string}}, required: [to, text]}
    roles: [support]
    target: {connector: post, http: {method: POST, path: '/letters/{to}', body: {text: '{text}'}}}
  - name: letter.read
    title: Read a letter
    description: Reads.
    parameters: {properties: {to: {type: string}}, required: [to]}
    roles: [support]
    target: {connector: post, http: {method: GET, path: '/letters/{to}'}}
"""
LETTER = {"to": "canary@sparrow.example", "text": "kanarie-7731"}


async def exported(house: House, collector: Peer) -> list[dict[str, Any]]:
    """Every span that the collector got so far."""
    assert house.gateway.exporter
    await house.gateway.exporter.send()
    return [
        span
        for seen in collector.seen
        for of in orjson.loads(seen.body)["resourceSpans"]
        for scope in of["scopeSpans"]
        for span in scope["spans"]
    ]


def told(tmp_path: Path, **settings: str) -> tuple[list[dict[str, Any]], Peer, Peer]:
    """A read, and a held write that is approved: the spans, the collector and the backend."""

    async def main() -> tuple[list[dict[str, Any]], Peer, Peer]:
        async with (
            listening(answer(body=b"{}")) as collector,
            listening(answer(body=b'{"ok": true}')) as backend,
        ):
            asked = {
                "OSTIARY_OTLP_ENDPOINT": f"{collector.url}/otlp",
                "OSTIARY_OTLP_HEADERS": "X-Scope=gate, Authorization=Bearer collectors-own",
                "OSTIARY_TRACES_PERCENT": "100",
            }
            async with opened(tmp_path, **{**asked, **settings}) as house:
                await house.found()
                await house.enrol()
                await house.connect("post", kind="http", base_url=backend.url)
                await house.agree(CONTRACTS)
                agent = await house.make_key("Carla Canary")
                caller = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "x-forwarded-for": "203.0.113.77"}
                read = await house.ask(
                    "POST", "/v1/actions/letter.read", agent, json={"to": LETTER["to"]}, headers=caller
                )
                assert read.status_code == 200, read.text
                held = await house.ask("POST", "/v1/actions/letter.send", agent, json=LETTER)
                assert (await house.approve(held.json()["approval_id"])).status_code == 200
                assert (await house.settled(held.json()["call_id"], agent))["state"] == "done"
                await house.gateway.resumer.drain(5)  # its span ends after its record
                return await exported(house, collector), collector, backend

    return asyncio.run(main())  # fmt: skip


def named(spans: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [span for span in spans if span["name"] == name]


def attributes(span: dict[str, Any]) -> dict[str, str]:
    return {each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}


def test_the_way_of_a_call_in_its_steps(tmp_path: Path) -> None:
    spans, collector, backend = told(tmp_path)
    by_id = {span["spanId"]: span for span in spans}

    (read,) = [
        span for span in named(spans, "call") if attributes(span).get("ostiary.action") == "letter.read"
    ]
    request = by_id[read["parentSpanId"]]
    assert (request["name"], request["kind"], request["parentSpanId"]) == ("POST rest", 2, "")
    assert attributes(request) == {"http.request.method": "POST", "http.response.status_code": "200"}
    assert request["links"] == [{"traceId": "a" * 32, "spanId": "b" * 16}]
    assert request["traceId"] != "a" * 32
    steps = [span["name"] for span in spans if span["parentSpanId"] == read["spanId"]]
    assert steps == ["admit", "authorise", "contract", "consent", "run", "redact", "record"]

    (run,) = [span for span in named(spans, "run") if span["parentSpanId"] == read["spanId"]]
    (system,) = [span for span in named(spans, "connected system") if span["parentSpanId"] == run["spanId"]]
    assert (system["kind"], attributes(system)) == (3, {"ostiary.connector": "http"})
    sent = [seen for seen in backend.seen if seen.method == "GET"]
    assert sent[-1].headers["traceparent"] == f"00-{system['traceId']}-{system['spanId']}-01"

    linked = {link["traceId"] for span in named(spans, "audit commit") for link in span["links"]}
    assert read["traceId"] in linked
    (gone_on,) = named(spans, "held call")
    assert attributes(gone_on)["ostiary.action"] == "letter.send"
    assert "run" in [span["name"] for span in spans if span["parentSpanId"] == gone_on["spanId"]]

    assert {(seen.method, seen.target, seen.headers["x-scope"], seen.headers["authorization"]) for seen in collector.seen} == {
        ("POST", "/otlp/v1/traces", "gate", "Bearer collectors-own")
    }  # fmt: skip


def test_nothing_of_what_was_asked_and_by_whom_is_in_a_trace(tmp_path: Path) -> None:
    spans, collector, _ = told(tmp_path)
    everything = b"".join(seen.body for seen in collector.seen).decode()
    assert [word for word in CANARIES if word in everything] == []
    assert [kind for kind in ("per_", "key_", "ten_", "ses_", "/v1/") if kind in everything] == []
    assert {name for span in spans for name in attributes(span)} <= traces.ATTRIBUTES
    assert len(spans) > 50


def test_a_collector_that_is_away_or_refuses_stops_nobody(tmp_path: Path) -> None:
    async def main(script: Any) -> float:
        async with listening(script) as collector:
            url = collector.url
            async with opened(tmp_path, OSTIARY_OTLP_ENDPOINT=url, OSTIARY_TRACES_PERCENT="100") as house:
                if not house.owner and not (tmp_path / "moved-in").exists():
                    await house.found()
                    (tmp_path / "moved-in").touch()
                before = metrics.SPANS.labels("failed")._value.get()
                for _ in range(3):
                    assert (await house.ask("GET", "/v1/me", "")).status_code == 401
                assert house.gateway.exporter
                await house.gateway.exporter.send()
                return float(metrics.SPANS.labels("failed")._value.get() - before)

    assert asyncio.run(main(answer(status=503))) > 0
    assert asyncio.run(main(answer(status=302, headers="Location: http://127.0.0.1:1/\r\n"))) > 0


def test_what_does_not_fit_is_dropped_and_counted(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("ostiary.app.exporter.QUEUE_SPANS_MAX", 5)

    async def main() -> tuple[float, int]:
        async with listening(answer()) as collector:
            url = collector.url
            async with opened(tmp_path, OSTIARY_OTLP_ENDPOINT=url, OSTIARY_TRACES_PERCENT="100") as house:
                await house.gateway.exporter.send()
                before = metrics.SPANS.labels("dropped")._value.get()
                for _ in range(5):
                    await house.ask("GET", "/v1/me", "")
                return metrics.SPANS.labels("dropped")._value.get() - before, len(
                    house.gateway.exporter._queue
                )

    dropped, waiting = asyncio.run(main())  # fmt: skip
    assert dropped > 0
    assert waiting <= 5


def test_without_an_endpoint_nothing_is_traced(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as house:
            assert house.gateway.exporter is None
            assert traces.root("x") is traces.NOTHING
            assert (await house.ask("GET", "/v1/me", "")).status_code == 401

    asyncio.run(main())
