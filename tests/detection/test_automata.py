"""The pass that says which detectors may match where: it never names one too seldom, so findings are those of RE2 alone, whatever the text."""

import re
import threading

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.detection import automata, engine
from ostiary.detection.automata_needs import Underived, needed
from ostiary.detection.detectors import DETECTORS
from ostiary.detection.rules import DEFAULT, RuleSet
from tests.detection.vectors import ALONE, HARMLESS, WITH_CONTEXT

hyperscan = pytest.importorskip("hyperscan")


@pytest.fixture(scope="module")
def sieve() -> automata.Sieve:
    made = automata.compiled()
    assert made is not None
    return made


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automata, "_STATE", automata._State(asked=True))
    monkeypatch.setattr(automata, "SMALL_BYTES", 0)


def by_both(text: str, sieve: automata.Sieve, hint: str = "", rules: RuleSet = DEFAULT) -> None:
    automata._STATE.sieve = None
    assert automata.hits(b"x") is None
    plain = engine.find(text, hint, rules)
    automata._STATE.sieve = sieve
    assert automata.hits(b"x") == {}
    assert engine.find(text, hint, rules) == plain


written = st.sampled_from([value for _, value in ALONE] + [a + b for _, a, b in WITH_CONTEXT] + HARMLESS)
glue = st.sampled_from(
    ["", " ", "\n", "-", ".", ":", "=", '"', "word ", "é", "\u200b", "x" * 500, " 1" * 300]
)
texts = st.lists(st.one_of(written, glue, st.text(max_size=20)), max_size=12).map("".join)


@settings(max_examples=150, deadline=None)
@given(texts)
def test_the_pass_and_re2_alone_find_the_same(sieve: automata.Sieve, text: str) -> None:
    by_both(text, sieve)


@settings(max_examples=40, deadline=None)
@given(texts, st.sampled_from(["passport", "ssn", "phone", "note", "iban"]))
def test_beside_the_name_of_a_field_too(sieve: automata.Sieve, text: str, hint: str) -> None:
    by_both(text, sieve, hint)


@settings(max_examples=40, deadline=None)
@given(texts)
def test_and_so_for_a_rule_set_that_asks_for_less(sieve: automata.Sieve, text: str) -> None:
    by_both(
        text,
        sieve,
        rules=RuleSet(
            categories=frozenset({"card", "email", "api_key", "passport"}),
            thresholds=(("card", 0.2), ("passport", 0.9)),
        ),
    )


@pytest.mark.parametrize("shift", [0, 3, 509, 511, 512, 1007, 1023, 1024, 1530])
def test_every_value_wherever_a_window_ends(sieve: automata.Sieve, shift: int) -> None:
    for value in [value for _, value in ALONE] + [a + b for _, a, b in WITH_CONTEXT]:
        by_both("a " * (shift // 2) + " " * (shift % 2) + value + " end" * 300, sieve)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_every_match_of_a_detector_is_named(sieve: automata.Sieve, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(DETECTORS) - 1))
    pattern = DETECTORS[index].pattern
    text = data.draw(st.from_regex(re.compile(pattern.encode("latin-1"))))[:3000]
    match = engine.pattern(pattern).search(text)
    if match is not None:
        hits = sieve.hits(text)
        assert hits is not None
        ends = [step[index] for step in hits.values() if index in step]
        assert any(match.start() < end for end in ends)


def test_every_detector_has_a_weaker_form_of_its_own() -> None:
    assert [one.name for one in DETECTORS if not needed(one.pattern)] == []


def test_nothing_is_refused(sieve: automata.Sieve) -> None:
    assert sieve.always == frozenset()


@pytest.mark.parametrize(
    "pattern", [r"[[:alpha:]]+", r"\pL+", r"a{,3}", r"\z", r"\Qa.b\E", r"(a)\1", "\u20ac"]
)
def test_what_the_two_readings_differ_in_is_not_derived(pattern: str) -> None:
    with pytest.raises(Underived):
        needed(pattern)


@pytest.mark.parametrize(
    ("pattern", "weaker"),
    [
        (r"\bghp_[0-9a-zA-Z]{36}\b", r"\bghp\x5f"),
        (r"(?i:passport) ?\d{9}", "[pP][aA][sS][sS][pP][oO][rR][tT]"),
        (r"\d{3}-\d{2}-\d{4}", r"[0-9]{3}\x2d[0-9]{2}\x2d[0-9]{4}"),
        (r"\d{12,19}\b", "[0-9]{12}"),
        (r"[^\s]{2,5}@(?i:[\xe9a])x", r"[^\t\n\f\r ]{2,}\x40(?i:[\xe9a\x80-\xff])x"),
        (r"secret|\d{8}", "secret|[0-9]{8}"),
    ],
)
def test_what_is_derived(pattern: str, weaker: str) -> None:
    derived = needed(pattern).replace("\\xe9", "\xe9").replace("\xe9", "\\xe9")
    assert derived == weaker
    assert re2.compile(derived.encode("latin-1")) is not None


def test_a_detector_that_is_refused_is_asked_everywhere(
    monkeypatch: pytest.MonkeyPatch, sieve: automata.Sieve
) -> None:
    refused = next(number for number, one in enumerate(DETECTORS) if one.name == "e-mail address")
    expression = automata.expression
    monkeypatch.setattr(automata, "_groups", lambda: [[refused - 1, refused, refused + 1]])
    monkeypatch.setattr(
        automata, "expression", lambda index: "(?=x)" if index == refused else expression(index)
    )
    made = automata.compiled()
    assert made is not None
    assert made.always == {refused}
    automata._STATE.sieve = made
    assert [each.category for each in engine.find("x " * 2000 + "jane@example.com")] == ["email"]


def test_where_the_pass_fails_re2_is_asked(sieve: automata.Sieve) -> None:
    class Broken:
        def scan(self, *_given: object, **_more: object) -> None:
            raise hyperscan.error("broken")

    automata._STATE.sieve = automata.Sieve((Broken(),), frozenset(), hyperscan.error, lambda _database: None)  # type: ignore[arg-type]
    assert automata.hits(b"jane@example.com") is None
    assert [each.category for each in engine.find("jane@example.com")] == ["email"]
    assert not engine.nothing_certain(b"jane@example.com")


def test_without_a_wheel_re2_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "hyperscan", None)
    assert not automata.prepare()
    assert [each.category for each in engine.find("jane@example.com")] == ["email"]


def test_threads_scan_beside_one_another(sieve: automata.Sieve) -> None:
    automata._STATE.sieve = sieve
    data = b"jane@example.com, call +44 20 7946 0958. " * 500
    expected = sieve.hits(data)
    seen: list[object] = []
    threads = [
        threading.Thread(target=lambda: seen.extend(sieve.hits(data) for _ in range(5))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [expected] * 20


def test_it_is_compiled_once_much_was_looked_at_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(automata, "PAYS_BYTES", 3 * automata.CALL_BYTES)
    monkeypatch.setattr(automata, "prepare", lambda: asked.append(1))
    automata._STATE.asked = False
    assert automata.hits(b"a") is None
    assert automata.hits(b"a") is None
    assert asked == []
    assert automata.hits(b"a") is None
    for thread in threading.enumerate():
        if thread.name == "ostiary-sieve":
            thread.join()
    assert asked == [1]
    assert automata.hits(b"a" * 100_000) is None
    assert asked == [1]
