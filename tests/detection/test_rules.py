import json
import pickle
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.detection import engine
from ostiary.detection.engine import detect, find
from ostiary.detection.finding import Finding
from ostiary.detection.model import WHY
from ostiary.detection.rules import DEFAULT, VALIDATORS, BadRules, Custom, Dictionary, RuleSet

STAFF = Custom("staff number", "staff_number", r"\bE-\d{5}\b")
MOONS = Dictionary("projects", "project", ("Blue Moon", "Ganymede", "東京計画"))


def seen(text: str, rules: RuleSet) -> list[tuple[str, str]]:
    """What patterns and dictionaries find; what the model thinks of a number is its own matter."""
    return [
        (each.category, text[each.start : each.end]) for each in detect([text], rules)[0] if each.why != WHY
    ]


def test_only_the_categories_that_are_named_are_found() -> None:
    text = "jane@example.com 536-90-4399 130 692 544"
    assert seen(text, RuleSet(categories=frozenset({"us_ssn"}))) == [("us_ssn", "536-90-4399")]
    assert [name for name, _ in seen(text, RuleSet(categories=frozenset({"national_id"})))] == [
        "us_ssn",
        "ca_sin",
    ]
    assert [name for name, _ in seen(text, RuleSet(without=frozenset({"national_id"})))] == ["email"]
    assert seen(text, RuleSet(categories=frozenset())) == []


def test_a_threshold_is_the_categorys_before_its_familys() -> None:
    text = "021000021 and 4155550132 and jane@example.com"
    assert seen(text, RuleSet()) == [("email", "jane@example.com")]
    low = RuleSet(thresholds=(("us_aba_routing", 0.2),))
    assert ("us_aba_routing", "021000021") in seen(text, low)
    assert seen(text, RuleSet(frozenset({"email"}), thresholds=(("email", 0.99),))) == []
    assert seen(text, RuleSet(threshold=0.96)) == []


def test_what_is_allowed_is_no_finding_and_nothing_else_either() -> None:
    text = "ask help@example.com or jane@example.com"
    assert seen(text, RuleSet(allow=frozenset({"help@example.com"}))) == [("email", "jane@example.com")]
    assert seen(text, RuleSet(allow_patterns=(r".*@example\.com",))) == []
    assert len(seen(text, RuleSet(allow_patterns=("help",)))) == 2


def test_a_pattern_of_ones_own_is_found_also_in_disguise() -> None:
    rules = RuleSet(patterns=(STAFF,))
    assert seen("id E-12345, E-123456", rules) == [("staff_number", "E-12345")]
    assert seen("id Ｅ‑１２\u200b345!", rules) == [("staff_number", "Ｅ‑１２\u200b345")]
    assert find("id E-12345", rules=rules)[0].why == "staff number"


def test_a_pattern_of_letters_that_are_no_ascii_is_matched_as_written() -> None:
    rules = RuleSet(
        patterns=(Custom("size", "size", r"Größe (\d+)", group=1), Custom("name", "kanji", r"\p{Han}{2}"))
    )
    assert seen("Grosse 4, é Größe 52, 東京", rules) == [("size", "52"), ("kanji", "東京")]


def test_context_words_raise_a_pattern_over_the_threshold() -> None:
    rules = RuleSet(patterns=(Custom("desk", "desk", r"\b\d{4}\b", score=0.3, context=("desk",)),))
    assert seen("room 1234", rules) == []
    assert seen("desk no. 1234", rules) == [("desk", "1234")]
    assert [each.category for each in find("1234", "desk", rules)] == ["desk"]


@pytest.mark.parametrize(
    ("more", "finds"),
    [
        ({"validator": "luhn"}, ["key=79927398713"]),
        ({"keywords": ("KEY",)}, ["key=79927398713", "key=79927398710", "key=11111111111"]),
        ({"keywords": ("token",)}, []),
        ({"entropy_min": 1.0, "group": 1}, ["79927398713", "79927398710"]),
        ({"allow": ("^7992",), "group": 1}, ["11111111111"]),
        ({"allow_match": ("key=1",), "group": 1}, ["79927398713", "79927398710"]),
        ({"stop_words": ("739871",), "group": 1}, ["11111111111"]),
    ],
)
def test_what_else_a_pattern_may_ask(more: dict[str, Any], finds: list[str]) -> None:
    pattern = r"key=(\d{11})" if "validator" not in more else r"key=\d{11}|\d{11}"
    rules = RuleSet(frozenset({"key"}), patterns=(Custom("key", "key", pattern, **more),))
    text = "key=79927398713, key=79927398710; key=11111111111"
    found = [value for _, value in seen(text, rules)]
    if "validator" in more:
        assert found == []
        assert seen("79927398713 79927398710", rules) == [("key", "79927398713")]
    else:
        assert found == finds


def test_a_dictionary_finds_whole_words_in_any_case_and_the_longest() -> None:
    rules = RuleSet(
        dictionaries=(MOONS, Dictionary("more", "project", ("Blue",), match_case=True, score=0.6))
    )
    assert [v for _, v in seen("the BLUE  moon, Blue-Moon; blue, Blues", rules)] == [
        "BLUE  moon",
        "Blue-Moon",
    ]
    assert [v for _, v in seen("Blue and gany\u200bmede", rules)] == ["Blue", "gany\u200bmede"]
    assert seen("我们的東京計画是", rules) == [("project", "東京計画")]


def test_a_dictionary_of_a_hundred_thousand_words_costs_one_walk() -> None:
    rules = RuleSet(
        frozenset({"part"}),
        dictionaries=(Dictionary("parts", "part", tuple(f"part{n} x" for n in range(100_000))),),
    )
    assert len(seen("part77777 x, part77778 y " * 2_000, rules)) == 2_000


@pytest.mark.parametrize("pattern", [r"(a+)+b", r"(?:x|xx)*y", r".*.*=z", r"(\w+\s?)*!"])
def test_no_pattern_of_ones_own_makes_it_slow(pattern: str) -> None:
    rules = RuleSet(frozenset({"own"}), patterns=(Custom("own", "own", pattern),))
    assert detect(["a" * 200_000 + "x" * 200_000], rules) == [[]]


def test_a_language_that_the_texts_are_not_in_is_not_looked_for() -> None:
    RuleSet(languages=frozenset({"en", "de"}))
    with pytest.raises(BadRules, match="'xx'"):
        RuleSet(languages=frozenset({"xx"}))


@pytest.mark.parametrize(
    "given",
    [
        {"categories": ["emails"]},
        {"categories": "email"},
        {"without": ["nothing"]},
        {"threshold": 2},
        {"thresholds": {"email": -1}},
        {"thresholds": {"emails": 0.5}},
        {"thresholds": 3},
        {"allow_patterns": ["("]},
        {"allow_patterns": ["(?=x)"]},
        {"patterns": [{"name": "a", "category": "b", "pattern": "("}]},
        {"patterns": [{"name": "a", "category": "b", "pattern": "x*"}]},
        {"patterns": [{"name": "a", "category": "B b", "pattern": "x"}]},
        {"patterns": [{"name": "a", "category": "b", "pattern": "x", "group": 1}]},
        {"patterns": [{"name": "a", "category": "b", "pattern": "x", "validator": "magic"}]},
        {"patterns": [{"name": "a", "category": "b", "pattern": "x", "score": 0}]},
        {"patterns": [{"name": "a", "category": "b", "pattern": "x", "score": "high"}]},
        {"patterns": [{"name": "a", "category": "b", "pattern": r"(?:x{900}){900}"}]},
        {"patterns": [{"name": "a", "category": "b", "pattern": 3}]},
        {"patterns": [{"name": "a"}]},
        {"patterns": ["x"]},
        {"dictionaries": [{"name": "a", "category": "b", "entries": []}]},
        {"dictionaries": [{"name": "a", "category": "b", "entries": ["--"]}]},
        {"dictionaries": [{"name": "a", "category": "b", "entries": "word"}]},
        {"languages": ["klingon"]},
        {"unknown": 1},
    ],
)
def test_a_rule_set_that_cannot_be_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(BadRules):
        RuleSet.from_dict(given)


def test_a_refusal_says_where_and_why() -> None:
    with pytest.raises(BadRules, match=r"pattern 'mine': missing \): \(x"):
        Custom("mine", "own", "(x")


def test_a_rule_set_travels_and_is_a_value() -> None:
    rules = RuleSet(
        categories=frozenset({"email", "staff_number", "project"}),
        thresholds=(("email", 0.7),),
        allow=frozenset({"a@b.example"}),
        patterns=(STAFF,),
        dictionaries=(MOONS,),
        languages=frozenset({"de"}),
    )
    again = RuleSet.from_dict(json.loads(json.dumps(rules.to_dict())))
    assert again == rules == pickle.loads(pickle.dumps(rules))
    assert hash(again) == hash(rules)
    assert RuleSet.from_dict({}) == DEFAULT


@pytest.mark.parametrize("name", sorted(VALIDATORS))
def test_a_validator_judges_any_text(name: str) -> None:
    @settings(max_examples=60, deadline=None, database=None)
    @given(st.one_of(st.text(max_size=24), st.from_regex(r"[0-9A-Z \-]{0,40}", fullmatch=True)))
    def judged(text: str) -> None:
        assert VALIDATORS[name](text) in (True, False)

    judged()


def test_what_one_asks_for_oneself_wins_over_what_the_model_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    def guesses(texts: Sequence[str], rules: RuleSet) -> list[list[Finding]]:
        return [
            [Finding(0, 5, "location", "", 0.99, WHY), Finding(9, 18, "id_number", "", 0.99, WHY)]
            for _ in texts
        ]

    monkeypatch.setattr(engine, "BATCH_TIERS", (guesses,))
    text = "E-12345, 021000021 x"
    whole = [(each.category, text[each.start : each.end]) for each in detect([text])[0]]
    assert whole == [("location", "E-123"), ("id_number", "021000021")]
    asked = RuleSet(patterns=(STAFF,), thresholds=(("us_aba_routing", 0.2),))
    named = [(each.category, text[each.start : each.end]) for each in detect([text], asked)[0]]
    assert named == [("staff_number", "E-12345"), ("us_aba_routing", "021000021")]
