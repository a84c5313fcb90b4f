"""Applying a plan: overlaps corrupt nothing, and the result says what was done where."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.detection.finding import Finding
from ostiary.redaction import plan as plans
from ostiary.redaction.apply import Change, redacted
from ostiary.redaction.keys import Scope
from ostiary.redaction.operators import Surroundings, Unfit
from ostiary.redaction.restore import restored_text

SCOPE = Scope("acme", "chat", {1: b"k" * 32}, 1)
AROUND = Surroundings(SCOPE)


def found(start: int, end: int, category: str = "email", score: float = 0.9) -> Finding:
    return Finding(start, end, category, "", score, "test")


def test_each_change_says_what_was_done_and_where() -> None:
    done = redacted(
        "to a@b.co, 4111111111111111!",
        [found(11, 27, "card"), found(3, 9)],
        plans.read("{rules: {card: {operator: mask, last: 4}}}"),
    )
    assert done.text == "to [email], ************1111!"
    assert done.changes == (
        Change(3, 9, 3, 10, "email", "replace", "test"),
        Change(11, 27, 12, 28, "card", "mask", "test"),
    )


def test_adjacent_findings_stay_two() -> None:
    assert redacted("abcdef", [found(0, 3), found(3, 6, "card")], plans.Plan()).text == "[email][card]"


def test_overlapping_findings_are_one_and_leave_nothing() -> None:
    done = redacted(
        "0123456789",
        [found(0, 6, "phone", 0.5), found(4, 8, "card", 0.9), found(5, 6, "email", 0.3)],
        plans.Plan(),
    )
    assert done.text == "[card]89"
    assert done.changes[0].merged == ("email", "phone")


def test_what_covers_the_whole_says_what_it_is() -> None:
    done = redacted("0123456789", [found(0, 3, "person", 0.99), found(0, 9, "email", 0.9)], plans.Plan())
    assert done.text == "[email]9"


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 10)), max_size=12))
def test_what_stands_outside_of_findings_stays_as_it_was(spans: list[tuple[int, int]]) -> None:
    text = "".join(chr(0x4E00 + i) for i in range(50))
    done = redacted(text, [found(start, start + length) for start, length in spans], plans.Plan())
    covered = {i for start, length in spans for i in range(start, start + length)}
    assert done.text.replace("[email]", "") == "".join(c for i, c in enumerate(text) if i not in covered)
    for change in done.changes:
        assert done.text[change.new_start : change.new_end] == "[email]"
    for one, next_one in itertools.pairwise(done.changes):
        assert one.end <= next_one.start


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 59), st.integers(1, 30)), max_size=6))
def test_tokens_of_any_findings_restore_the_text(text: str, spans: list[tuple[int, int]]) -> None:
    findings = [found(start, min(start + length, len(text))) for start, length in spans if start < len(text)]
    done = redacted(text, findings, plans.read("default: token"), AROUND)
    assert restored_text(done.text, SCOPE) == text


def test_a_finding_beyond_the_text_is_refused() -> None:
    for start, end in ((0, 4), (-1, 2), (2, 2)):
        with pytest.raises(ValueError, match="beyond"):
            redacted("abc", [found(start, end)], plans.Plan())


@pytest.mark.parametrize(
    ("plan", "category", "value", "expected"),
    [
        ("remove", "email", "a@b.co", ""),
        ("keep", "email", "a@b.co", "a@b.co"),
        ("{operator: replace, text: '<{category}/{family}>'}", "us_ssn", "078-05-1120", "<us_ssn/national_id>"),
        ("{operator: mask, first: 2, last: 2}", "card", "4111111111111111", "41************11"),
        ("{operator: mask, last: 4}", "card", "41111", "*****"),
        ("hash", "email", "jane@example.com", "2477f81513dc55006bb0926893496302"),
        ("generalise", "date", "3 March 2020", "2020"),
        ("{operator: generalise, date: month}", "date", "2020-03-04", "2020-03"),
        ("{operator: generalise, date: decade}", "date_of_birth", "04.03.1987", "1980s"),
        ("generalise", "age", "34 years", "30-39"),
        ("generalise", "ip_address", "192.168.17.4", "192.168.17.0/24"),
        ("generalise", "ip_address", "2001:db8:1:2::5", "2001:db8:1::/48"),
        ("generalise", "postcode", "SW1A 2AA", "SW** ***"),
        ("{operator: generalise, range: 1000}", "salary", "EUR 52,340.50", "EUR 52000-52999"),
        ("{operator: generalise, range: 1000, number: rounded}", "salary", "52 640", "53000"),
        ("generalise", "person", "Jane", "[person]"),
        ("{operator: generalise, otherwise: remove}", "person", "Jane", ""),
    ],
)  # fmt: skip
def test_operators(plan: str, category: str, value: str, expected: str) -> None:
    done = redacted(value, [found(0, len(value), category)], plans.read(f"default: {plan}"), AROUND)
    assert done.text == expected


def test_a_value_that_cannot_be_encrypted_in_its_format_is_refused_or_goes_where_the_plan_says() -> None:
    with pytest.raises(Unfit, match="1,000,000"):
        redacted("12345", [found(0, 5, "postcode")], plans.read("default: format_preserving"), AROUND)
    plan = plans.read("default: {operator: format_preserving, otherwise: {operator: mask}}")
    done = redacted("12345", [found(0, 5, "postcode")], plan, AROUND)
    assert (done.text, done.changes[0].operator) == ("*****", "mask")


@pytest.mark.parametrize("operator", ["token", "hash", "format_preserving"])
def test_what_needs_a_key_is_refused_without_one(operator: str) -> None:
    for around in (Surroundings(), Surroundings(Scope("acme", "chat", {}, 1))):
        with pytest.raises(Unfit, match="key"):
            redacted("a@b.co1234567", [found(0, 13)], plans.read(f"default: {operator}"), around)


def test_a_hash_is_the_same_in_a_scope_only() -> None:
    plan = plans.read("default: hash")
    values = {
        redacted(
            "jane@example.com", [found(0, 16)], plan, Surroundings(Scope(tenant, "chat", {1: b"k" * 32}, 1))
        ).text
        for tenant in ("acme", "acme", "evil")
    }
    assert {len(value) for value in values} == {32}
    assert len(values) == 2
