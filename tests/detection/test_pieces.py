import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.detection import model
from ostiary.detection.engine import detect
from ostiary.detection.pieces import AFTER, BEFORE, Piece, of_the_whole, pieces
from ostiary.detection.rules import RuleSet

PATTERNS = RuleSet(without=model.CATEGORIES)

WORDS = ["jane@example.com", "card 4111 1111 1111 1111", "call +44 20 7946 0958", "plain words", "und weiter", "x" * 60, "\n\n", "\n"]  # fmt: skip


def whole_by_pieces(text: str, stretch: int, cuts: list[int]) -> list[object]:
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    chunks = [text[low:high] for low, high in pairwise(edges)]
    seen = [(piece, detect([piece.text], PATTERNS)[0]) for piece in pieces(chunks, stretch)]
    return [finding for _, findings in of_the_whole(seen) for finding in findings]


def long_text(seed: int, words: int) -> str:
    dice = random.Random(seed)
    return " ".join(dice.choice(WORDS) for _ in range(words))


@pytest.mark.parametrize("stretch", [700, 4_096, 30_000])
def test_pieces_find_what_the_whole_text_has(stretch: int) -> None:
    text = long_text(7, 3_000)
    assert len(list(pieces([text], stretch))) > 1
    assert whole_by_pieces(text, stretch, []) == detect([text], PATTERNS)[0]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1_000), st.lists(st.integers(0, 200_000), max_size=6))
def test_it_does_not_matter_how_the_text_arrives(seed: int, cuts: list[int]) -> None:
    text = long_text(seed, 1_500)
    assert whole_by_pieces(text, 900, cuts) == detect([text], PATTERNS)[0]


def test_a_key_longer_than_a_stretch_is_found_once_and_whole() -> None:
    key = (
        "-----BEGIN PRIVATE KEY-----\n"
        + "MIIEvQIBADANBgkq/+hkiG9w0BAQEF\n" * 200
        + "-----END PRIVATE KEY-----"
    )
    text = "word " * 300 + key + "\n" + "word " * 6_000
    (found,) = whole_by_pieces(text, 1_000, [])
    assert text[found.start : found.end] == key  # type: ignore[attr-defined]


def test_stretches_follow_one_another_without_a_gap() -> None:
    text = long_text(3, 4_000)
    made = list(pieces([text], 2_000))
    assert "".join(piece.own for piece in made) == text
    assert max(len(piece.text) for piece in made) <= BEFORE + 2 * 2_000 + AFTER
    assert all(text[piece.offset : piece.offset + len(piece.text)] == piece.text for piece in made)


def test_a_stretch_ends_at_a_paragraph_where_it_can() -> None:
    text = ("a" * 700 + "\n\n") * 60
    assert all(piece.own.endswith("\n\n") for piece in pieces([text], 1_000))


def test_the_empty_text_is_one_piece() -> None:
    assert list(pieces([])) == [Piece("", 0, 0, 0)]
