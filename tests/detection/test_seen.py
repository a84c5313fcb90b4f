"""What was looked at lately is not looked at again, and the answer is the same."""

import pickle
from collections.abc import Sequence

import pytest

from ostiary.detection import engine, seen
from ostiary.detection.finding import Finding
from ostiary.detection.rules import RuleSet

MAIL = "write to jane@example.com about it"


@pytest.fixture(autouse=True)
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that the patterns were asked about."""
    monkeypatch.setattr(engine, "_SEEN", seen.Seen())
    monkeypatch.setattr(engine, "BATCH_TIERS", ())
    asked: list[str] = []
    real = engine._by_patterns

    def counting(text: str, hint: str, rules: RuleSet) -> list[Finding]:
        asked.append(text)
        return real(text, hint, rules)

    monkeypatch.setattr(engine, "_by_patterns", counting)
    return asked


def test_an_unchanged_text_is_looked_at_once(looked_at: list[str]) -> None:
    first = engine.detect([MAIL, "nothing", MAIL])
    assert engine.detect(["nothing", MAIL]) == [first[1], first[0]]
    assert [each.category for each in first[0]] == ["email"]
    assert first[2] == first[0]
    assert looked_at == [MAIL, "nothing"]


def test_a_changed_text_is_looked_at_anew(looked_at: list[str]) -> None:
    engine.detect([MAIL])
    assert engine.detect([MAIL.replace("@example.com", "")]) == [[]]
    assert len(looked_at) == 2


def test_what_is_asked_for_is_part_of_the_question(looked_at: list[str]) -> None:
    engine.detect([MAIL])
    assert engine.detect([MAIL], RuleSet(categories=frozenset({"card"}))) == [[]]
    assert engine.detect([MAIL], RuleSet(allow=frozenset({"jane@example.com"}))) == [[]]
    assert len(looked_at) == 3
    sent = pickle.loads(pickle.dumps(RuleSet(categories=frozenset({"card"}))))
    assert engine.detect([MAIL], sent) == [[]]
    assert len(looked_at) == 3


def test_another_tier_is_another_question(monkeypatch: pytest.MonkeyPatch) -> None:
    def tier(texts: Sequence[str], _rules: RuleSet) -> list[list[Finding]]:
        return [[Finding(0, 5, "person", "", 0.9, "model")] for _ in texts]

    engine.detect([MAIL])
    monkeypatch.setattr(engine, "BATCH_TIERS", (tier,))
    assert [each.category for each in engine.detect([MAIL])[0]] == ["person", "email"]


def test_whoever_changes_an_answer_changes_no_other() -> None:
    engine.detect([MAIL])[0].clear()
    assert len(engine.detect([MAIL])[0]) == 1


def test_no_text_and_no_value_is_kept() -> None:
    engine.detect([MAIL])
    assert "jane" not in repr(engine._SEEN)
    assert MAIL not in repr(engine._SEEN)


def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch, looked_at: list[str]) -> None:
    monkeypatch.setattr(seen, "WEIGHT_MAX", 10)
    for number in range(100):
        engine.detect([f"{MAIL} {number}"])
        assert sum(1 + len(found) for found in engine._SEEN.kept.values()) <= 10
    engine.detect([f"{MAIL}, jack@example.com" * 20])
    assert engine.detect([f"{MAIL} 99"]) == [engine.find(f"{MAIL} 99")]


def test_a_half_of_a_pair_of_surrogates_is_a_text_too() -> None:
    assert [each.category for each in engine.detect(["\ud800 jane@example.com"])[0]] == ["email"]
