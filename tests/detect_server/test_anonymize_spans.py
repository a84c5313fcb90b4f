"""Spans that overlap, against the plainest way of settling them: letter by letter; and so many that only a quick way ends."""

from hypothesis import given
from hypothesis import strategies as st

from ostiary.detect_server.anonymize import _settled, _Span

SPANS = st.lists(
    st.builds(
        lambda start, length, score: _Span(start, start + length, score, f"{start}-{length}-{score}"),
        st.integers(0, 30), st.integers(1, 12), st.sampled_from((0.3, 0.5, 0.9)),
    ),
    max_size=12,
)  # fmt: skip


def plainly(spans: list[_Span]) -> list[_Span]:
    covered: set[int] = set()
    taken = []
    for span in sorted(spans, key=lambda each: (-each.score, each.start - each.end, each.start)):
        start = span.start
        while start < span.end and start in covered:
            start += 1
        end = start
        while end < span.end and end not in covered:
            end += 1
        if start < end:
            covered |= set(range(start, end))
            taken.append(_Span(start, end, span.score, span.entity))
    return sorted(taken, key=lambda each: each.start)


@given(SPANS)
def test_a_weaker_span_keeps_the_first_of_what_is_left(spans: list[_Span]) -> None:
    assert _settled(spans) == plainly(spans)


def test_a_hundred_thousand_spans_over_a_long_text_are_settled() -> None:
    short = [_Span(number * 2, number * 2 + 2, 0.9, "short") for number in range(50_000)]
    long = [_Span(0, 16_000_000 - number, 0.5, "long") for number in range(50_000)]
    found = _settled(short + long)
    assert (len(found), found[-1]) == (50_001, _Span(100_000, 16_000_000, 0.5, "long"))
