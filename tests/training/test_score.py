"""The scorer against figures worked out by hand."""

import pytest

from training.score import ANY, Mark, Tally, add, marks, resolved, table


def tally(gold: list[Mark], found: list[Mark]) -> Tally:
    made = Tally()
    add(made, gold, found, frozenset(mark.kind for mark in gold))
    return made


def test_half_an_overlap_counts_and_less_does_not() -> None:
    gold = [Mark(0, 10, "PERSON"), Mark(20, 30, "PERSON")]
    made = tally(gold, [Mark(0, 5, "PERSON"), Mark(20, 24, "PERSON")])
    assert made.f1(["PERSON"]) == (0.5, 0.5, 0.5)
    assert (made.covered, made.characters) == (9, 20)


def test_the_label_must_match_but_any_label_covers() -> None:
    made = tally([Mark(0, 10, "PERSON"), Mark(20, 25, "ORG")], [Mark(0, 10, "ORG"), Mark(20, 25, "ORG")])
    assert made.f1(["PERSON"])[0] == 0.0
    assert made.f1(["ORG"]) == pytest.approx((2 / 3, 0.5, 1.0))
    assert made.covered == made.characters == 15


def test_classes_that_the_gold_has_not_are_left_out() -> None:
    made = tally([Mark(0, 4, "PERSON")], [Mark(0, 4, "PERSON"), Mark(9, 12, "DATE")])
    assert made.f1(["PERSON", "DATE"]) == (1.0, 1.0, 1.0)


def test_overlaps_are_resolved_by_score() -> None:
    assert resolved([Mark(0, 9, "LOC", 0.6), Mark(4, 7, "PERSON", 0.9), Mark(9, 10, "ORG", 0.5)]) == [
        Mark(4, 7, "PERSON", 0.9),
        Mark(9, 10, "ORG", 0.5),
    ]


def test_one_gold_span_is_found_once() -> None:
    made = tally([Mark(0, 10, "LOC")], [Mark(0, 5, "LOC"), Mark(5, 10, "LOC")])
    assert made.f1(["LOC"])[1] == 0.5


def test_what_must_be_masked_is_right_under_any_name() -> None:
    made = tally([Mark(0, 4, ANY), Mark(10, 14, ANY)], [Mark(0, 4, "PERSON"), Mark(20, 24, "DATE")])
    assert made.f1([ANY]) == (0.5, 0.5, 0.5)


def test_presidios_names_and_ours_are_the_same_classes() -> None:
    theirs = marks(
        [{"start": 1, "end": 2, "category": "EMAIL_ADDRESS"}, {"start": 3, "end": 4, "category": "MADE_UP"}],
        "category",
    )
    assert theirs == marks([{"start": 1, "end": 2, "category": "email"}], "category")


def test_nothing_at_all_has_figures() -> None:
    assert "micro        F1 0.000" in table(Tally())
