"""Traces: what is linked, what is carried, what is sent, and that nothing is made where nothing is traced."""

import asyncio
import re

import pytest

from ostiary import traces
from ostiary.traces import Kind, Span, Tracer
from tests.conftest import StillClock

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def kept(clock: StillClock):  # type: ignore[no-untyped-def]
    """The spans that have ended, all of them sampled."""
    spans: list[Span] = []
    traces.configure(Tracer(clock, spans.append, percent=100))
    yield spans
    traces.configure(None)


def test_spans_nest_and_take_their_time(kept: list[Span], clock: StillClock) -> None:
    with traces.root("POST rest"):
        clock.advance(1)
        with traces.span("database read", Kind.CLIENT):
            clock.advance(2)
    inner, outer = kept
    assert (inner.name, outer.name) == ("database read", "POST rest")
    assert (inner.trace, inner.parent, outer.parent) == (outer.trace, outer.id, "")
    assert (inner.took_us, outer.took_us) == (2_000_000, 3_000_000)
    assert re.fullmatch(r"[0-9a-f]{32}", outer.trace)
    assert re.fullmatch(r"[0-9a-f]{16}", outer.id)
    assert traces.current() is None


def test_what_is_raised_gives_the_code_and_not_its_words(kept: list[Span]) -> None:
    with pytest.raises(ValueError, match="a secret"), traces.root("x"):
        raise ValueError("a secret")
    assert kept[0].code == "ValueError"
    assert "secret" not in str(traces.encoded(kept, {}))


def test_a_callers_trace_is_linked_and_not_obeyed(kept: list[Span]) -> None:
    with traces.root("x", caller=CALLER):
        pass
    (span,) = kept
    assert span.links == (("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"),)
    assert span.trace != "0af7651916cd43dd8448eb211c80319c"
    assert span.parent == ""


@pytest.mark.parametrize(
    "caller",
    [
        "", "00", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", CALLER + "\n", CALLER + "'; DROP TABLE x", "x" * 10_000,
    ],
)  # fmt: skip
def test_a_traceparent_that_is_none_is_left_out(kept: list[Span], caller: str) -> None:
    with traces.root("x", caller=caller):
        pass
    assert kept[0].links == ()


def test_a_caller_cannot_make_us_trace(clock: StillClock) -> None:
    spans: list[Span] = []
    traces.configure(Tracer(clock, spans.append, percent=0))
    try:
        for _ in range(200):
            with traces.root("x", caller=CALLER) as span:
                assert span is None
                assert traces.outgoing() == {}
    finally:
        traces.configure(None)
    assert spans == []


def test_about_the_share_that_is_asked_for_is_sampled(clock: StillClock) -> None:
    tracer = Tracer(clock, lambda _span: None, percent=25)
    assert 0.2 < sum(tracer.samples() for _ in range(4000)) / 4000 < 0.3
    assert all(Tracer(clock, lambda _span: None, percent=100).samples() for _ in range(1000))


def test_connected_systems_are_told_our_trace(kept: list[Span]) -> None:
    with traces.root("x") as span:
        assert span
        assert traces.outgoing() == {"traceparent": f"00-{span.trace}-{span.id}-01"}
    assert traces.outgoing() == {}


def test_what_several_wait_for_is_a_trace_of_its_own_with_links(kept: list[Span]) -> None:
    with traces.root("a") as first, traces.together("audit commit", [first, None, first]):
        pass
    commit = kept[0]
    assert first
    assert commit.links == (first.place,)
    assert commit.trace != first.trace
    with traces.together("audit commit", [None, None]) as nothing:
        assert nothing is None


def test_tasks_keep_their_own(kept: list[Span]) -> None:
    async def one(name: str) -> str:
        with traces.root(name) as span:
            await asyncio.sleep(0)
            here = traces.current()
            assert here is span
            return str(here and here.name)

    async def both() -> list[str]:
        return list(await asyncio.gather(one("a"), one("b")))

    assert asyncio.run(both()) == ["a", "b"]


def test_where_nothing_is_traced_nothing_is_made() -> None:
    assert traces.root("x") is traces.NOTHING
    assert traces.span("x") is traces.NOTHING
    assert traces.together("x", []) is traces.NOTHING
    assert traces.steps() is None
    assert traces.log_fields() == {}


def test_the_encoding_is_that_of_the_protocol() -> None:
    span = Span(
        "POST rest", Kind.SERVER, "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "", 1_760_000_000_000_000, 0,
        (("1" * 32, "2" * 16),), {"ostiary.face": "rest", "http.response.status_code": 200}, 1500, "internal",
    )  # fmt: skip
    assert traces.encoded([span], {"service.name": "ostiary"}) == {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "ostiary"}}]},
                "scopeSpans": [
                    {
                        "scope": {"name": "ostiary"},
                        "spans": [
                            {
                                "traceId": "0af7651916cd43dd8448eb211c80319c",
                                "spanId": "b7ad6b7169203331",
                                "parentSpanId": "",
                                "name": "POST rest",
                                "kind": 2,
                                "startTimeUnixNano": "1760000000000000000",
                                "endTimeUnixNano": "1760000000001500000",
                                "attributes": [
                                    {"key": "ostiary.face", "value": {"stringValue": "rest"}},
                                    {"key": "http.response.status_code", "value": {"intValue": "200"}},
                                ],
                                "links": [{"traceId": "1" * 32, "spanId": "2" * 16}],
                                "status": {"code": 2, "message": "internal"},
                            }
                        ],
                    }
                ],
            }
        ]
    }
