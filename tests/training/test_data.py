"""How annotated documents become sets of allowed tags, and what is never trained on."""

import json
from pathlib import Path

import pytest

from ostiary.detection.model_labels import BEGIN, END, INSIDE, LABELS, OUTSIDE, SINGLE, tag
from training import data
from training.corpora import CORPORA, NOTHING, ours
from training.data import ALL, Annotated, Document


def tags(mask: int) -> set[int]:
    return {bit for bit in range(64) if mask >> bit & 1}


def allowed(document: Document) -> dict[str, set[int]]:
    (example,) = data.examples(document)
    return dict(zip(example.segment.words, map(tags, example.allowed), strict=True))


def test_a_span_has_its_tags_and_the_rest_has_none() -> None:
    found = allowed(
        Document("Ada B Lovelace in Rome", (Annotated(0, 14, ("person",)), Annotated(18, 22, ("location",))))
    )
    assert found == {
        "Ada": {tag("person", BEGIN)},
        "B": {tag("person", INSIDE)},
        "Lovelace": {tag("person", END)},
        "in": {OUTSIDE},
        "Rome": {tag("location", SINGLE)},
    }


def test_what_a_corpus_does_not_annotate_may_be_there() -> None:
    found = allowed(Document("Ada 1815", (Annotated(0, 3, ("person",)),), silent=frozenset({"date"})))
    assert found["1815"] == {OUTSIDE} | {tag("date", place) for place in range(4)}
    assert found["Ada"] == {tag("person", SINGLE)}


def test_what_may_be_nothing_may_be_nothing() -> None:
    found = allowed(Document("the Bank", (Annotated(4, 8, (NOTHING, "organisation")),)))
    assert found["Bank"] == {OUTSIDE} | {tag("organisation", place) for place in range(4)}


def test_in_a_loose_corpus_only_small_words_are_nothing() -> None:
    found = allowed(Document("the Court of Rome", (), loose=True))
    assert (found["the"], found["Court"], found["of"]) == ({OUTSIDE}, tags(ALL), {OUTSIDE})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Mr. Smith", "Smith"),
        ("Prof. Dr. Ada Lovelace", "Ada Lovelace"),
        ("Dean Smith", "Dean Smith"),
        ("Dr.", "Dr."),
    ],
)
def test_a_title_belongs_to_no_name(text: str, name: str) -> None:
    assert text[data._without_title(text, 0, len(text)) :] == name


def test_every_corpus_maps_to_labels_that_are_ours() -> None:
    for corpus in CORPORA:
        assert corpus.silent <= set(LABELS)
        assert {label for labels in corpus.labels.values() for label in labels} <= {NOTHING, *LABELS}
        assert ours(corpus, "never heard of")[0] in {"other", NOTHING}


def test_the_split_never_changes() -> None:
    assert [data.is_held_out(text) for text in ("a", "b", "c", "Ada", "Rome", "x1", "x2", "x3")] == [
        False, False, False, False, False, False, False, False,
    ]  # fmt: skip


def test_no_document_is_on_both_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pii").mkdir()
    corpus = next(corpus for corpus in CORPORA if corpus.name == "wikigold")
    lines = [
        {"id": str(n), "text": f"Ada number{n} met.", "spans": [{"start": 0, "end": 3, "label": "PER"}]}
        for n in range(200)
    ]
    (tmp_path / "pii" / "wikigold.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    monkeypatch.setenv("OSTIARY_CORPORA", str(tmp_path))
    mine, held = ({d.text for d in data.documents(corpus, held_out=side)} for side in (False, True))
    assert len(mine | held) == 200
    assert not mine & held
    assert 10 < len(held) < 60
