"""The model tier around a network of known weights: cutting, caching, offsets, its absence. How good real weights are is `training.measure`'s to say."""

import itertools
import pickle
import subprocess
import sys
import zlib
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.detection import model, model_labels
from ostiary.detection import model_tokens as tokens
from ostiary.detection.finding import Finding

np = pytest.importorskip("numpy", reason="the model needs NumPy")
network = pytest.importorskip("ostiary.detection.model_network")


WIDTH = 8


def of_names(
    *, names: tuple[str, ...] = ("jane", "doe"), places: tuple[str, ...] = ("paris",)
) -> network.Network:
    """A network that knows a few words and looks at no neighbour: each name begins or ends a person, each place is one."""
    words = ("the", "met", "in", *names, *places)
    lexicon = tokens.Lexicon(
        {word: row for row, word in enumerate(words, start=1)}, {"the": tokens.COMMON, "met": tokens.COMMON}
    )
    embedding = np.zeros((lexicon.rows, WIDTH), np.float32)
    for word in words:
        column = 1 if word == names[0] else 2 if word in names else 3 if word in places else 0
        embedding[lexicon.vocabulary[word], column] = 8.0
    embedding[0, 0] = 8.0
    output = np.zeros((WIDTH, model_labels.TAGS), np.float32)
    output[0, model_labels.OUTSIDE] = 4.0
    output[1, model_labels.tag("person", model_labels.BEGIN)] = 4.0
    output[2, model_labels.tag("person", model_labels.END)] = 4.0
    output[3, model_labels.tag("location", model_labels.SINGLE)] = 4.0
    weights = {
        "embedding": embedding,
        "context": np.zeros((tokens.GAPS * tokens.CASINGS, WIDTH), np.float32),
        "gain": np.ones(WIDTH, np.float32),
        "shift": np.zeros(WIDTH, np.float32),
        "kernel0": np.zeros((3, WIDTH, 4), np.float32),
        "mix0": np.zeros((4, 2 * WIDTH), np.float32),
        "bias0": np.zeros(2 * WIDTH, np.float32),
        "output": output,
        "output_bias": np.zeros(model_labels.TAGS, np.float32),
    }
    return network.Network(lexicon, (1,), weights)


def found(text: str) -> list[tuple[str, str]]:
    return [(text[f.start : f.end], f.category) for f in model.Tier(of_names()).find_all([text])[0]]


def test_a_name_and_a_place_are_found_where_they_stand() -> None:
    assert found("The man met Jane Doe in Paris.") == [("Jane Doe", "person"), ("Paris", "location")]


def test_offsets_count_code_points_of_the_text_as_given() -> None:
    text = "\U0001f600 é\u0301 naïve\u200b\r\n\r\n\t The 😀 man met Jane  Doe in Paris"
    assert found(text) == [("Jane  Doe", "person"), ("Paris", "location")]


def test_a_sequence_that_cannot_be_becomes_the_best_that_can() -> None:
    assert found("Jane Jane Doe met Jane") == [("Jane", "person"), ("Jane Doe", "person"), ("Jane", "person")]


class FirstTwoWords:
    """Says of each segment that begins with Jane that its first two words are a person, and nothing else."""

    def __init__(self, **listed: int) -> None:
        self.lexicon = tokens.Lexicon({}, listed)

    def find(self, segments: list[tokens.Segment]) -> list[network.Span]:
        return [
            network.Span(number, 0, 2, "person", 0.9)
            for number, segment in enumerate(segments)
            if segment.words[0] == "Jane"
        ]


def test_who_is_named_once_is_known_in_the_whole_text() -> None:
    text = "Jane Doe met.\n\nthe Doe/x and doe and Doeful, Doe"
    found = model.Tier(FirstTwoWords()).find_all([text, "Doe"])
    assert [(text[f.start : f.end], f.start, f.why) for f in found[0]] == [
        ("Jane Doe", 0, "model"),
        ("Doe", 19, model.WHY_ECHO),
        ("Doe", 45, model.WHY_ECHO),
    ]
    assert found[1] == []


class Certain:
    """Says of each segment that its first `words` words are a person, as surely as it was told."""

    def __init__(self, words: int, score: float) -> None:
        self.lexicon, self.words, self.score = tokens.Lexicon({}, {}), words, score

    def find(self, segments: list[tokens.Segment]) -> list[network.Span]:
        return [network.Span(number, 0, self.words, "person", self.score) for number in range(len(segments))]


def test_a_name_written_small_must_be_sure() -> None:
    found = {
        (text, score): bool(model.Tier(Certain(1, score)).find_all([text])[0])
        for text in ("elif Emax", "elif", "Doe met")
        for score in (0.84, 0.86)
    }
    assert [key for key, each in found.items() if not each] == [("elif Emax", 0.84), ("elif", 0.84)]


def test_a_number_must_be_sure_and_numbers_alone_are_not_asked_about() -> None:
    def found(text: str, score: float) -> bool:
        return bool(model.Tier(Certain(1, score)).find_all([text])[0])

    assert [found("1990 was warm", 0.89), found("1990 was warm", 0.91)] == [False, True]
    assert not found("1990, 17 / 4", 1.0)
    assert found("東京 1990", 0.6)


class Saying:
    """Says of each segment what it was told: (first word, word after the last, label, score)."""

    def __init__(self, *spans: tuple[int, int, str, float]) -> None:
        common = dict.fromkeys(("fundamental", "freedom"), tokens.COMMON)
        self.lexicon, self.spans = tokens.Lexicon({}, common), spans

    def find(self, segments: list[tokens.Segment]) -> list[network.Span]:
        return [network.Span(number, *span) for number in range(len(segments)) for span in self.spans]


def said(text: str, *spans: tuple[int, int, str, float]) -> list[str]:
    return [text[f.start : f.end] for f in model.Tier(Saying(*spans)).find_all([text])[0]]


def test_marks_around_a_finding_do_not_belong_to_it() -> None:
    assert said("the \u201cGovernment\u201d, x", (1, 5, "organisation", 0.9)) == ["Government"]
    assert said("in Ankara (Turkey) x", (1, 5, "location", 0.9)) == ["Ankara (Turkey)"]
    assert said("(in Ankara) x", (1, 4, "location", 0.9)) == ["in Ankara"]


def test_an_id_without_a_digit_and_a_mark_alone_are_nothing() -> None:
    assert said("Ask ) now", (1, 2, "id_number", 0.9)) == []
    assert said("Ask @ now", (1, 2, "username", 0.99)) == []
    assert said("Ask AB-12 now", (1, 4, "id_number", 0.95)) == ["AB-12"]


def test_a_date_of_words_names_a_month_or_a_day() -> None:
    assert said("Ask four children", (1, 3, "date", 0.99)) == []
    assert said("Ask last Tuesday", (1, 3, "date", 0.99)) == ["last Tuesday"]
    assert said("w Środa", (1, 2, "date", 0.99)) == ["Środa"]


@pytest.mark.parametrize("value", ["4-0", "3.09", "23 KOs", "90th", "13 innings", "soldiers march", "22 § 1"])
def test_a_score_a_ratio_and_a_verb_are_no_dates(value: str) -> None:
    words = len(next(tokens.segments(f"Ask {value} now")).words) - 2
    assert said(f"Ask {value} now", (1, 1 + words, "date", 0.99)) == []


@pytest.mark.parametrize(
    "value", ["1972", "the 1980s", "summer of '68", "3/4/1999", "12 May", "in March", "half past 12:30", "2005/2006", "11 p.m", "six years"]
)  # fmt: skip
def test_what_tells_a_time_is_a_date(value: str) -> None:
    words = len(next(tokens.segments(f"Ask {value} now")).words) - 2
    assert said(f"Ask {value} now", (1, 1 + words, "date", 0.99)) == [value]


def test_an_organisation_or_a_place_named_once_is_known_in_the_whole_text() -> None:
    text = "Acme Rail Trust (ART) is old, ART runs ARTS, the Acme Rail Trust, acme rail trust and x/Acme Rail Trust"
    assert said(text, (0, 3, "organisation", 0.9)) == ["Acme Rail Trust", "ART", "ART", "Acme Rail Trust"]
    assert said("Lisse is small, so is Lisse; Lisses is not", (0, 1, "location", 0.9)) == ["Lisse", "Lisse"]
    assert said("Lisse is small, so is Lisse", (0, 1, "location", 0.8)) == ["Lisse"]


def test_letters_in_brackets_that_are_no_initials_are_no_name() -> None:
    assert said("Acme Rail Trust (PDF) as PDF", (0, 3, "organisation", 0.9)) == ["Acme Rail Trust"]


def test_first_and_last_name_written_small_are_one_name() -> None:
    spans = ((0, 1, "person", 0.95), (1, 2, "person", 0.9))
    assert said("jane doe said so", *spans) == ["jane doe"]
    assert said("Jane Doe said so", *spans) == ["Jane", "Doe"]
    assert said("jane, doe said so", (0, 1, "person", 0.95), (2, 3, "person", 0.9)) == ["jane", "doe"]


@pytest.mark.parametrize(
    ("text", "parts", "label", "whole"),
    [
        ("one year, five months and two days", 3, "date", ["one year, five months and two days"]),
        ("zwei Jahre und drei Monate", 2, "date", ["zwei Jahre und drei Monate"]),
        ("two days or three weeks", 2, "date", ["two days", "three weeks"]),
        ("12 May and 3 June", 2, "date", ["12 May", "3 June"]),
        ("Trinidad and Tobago", 2, "location", ["Trinidad and Tobago"]),
        ("Great Britain and Northern Ireland", 2, "location", ["Great Britain and Northern Ireland"]),
        ("Trinidad and Panama", 2, "location", ["Trinidad", "Panama"]),
    ],
)
def test_neighbours_that_say_one_thing_are_one(text: str, parts: int, label: str, whole: list[str]) -> None:
    words = next(tokens.segments(f"For {text} now")).words
    places = [at for at, word in enumerate(words) if word not in {"For", "now", "and", "und", "or", ","}]
    runs = _runs(places)
    assert len(runs) == parts
    assert said(f"For {text} now", *((a, b, label, 0.99) for a, b in runs)) == whole


def _runs(places: list[int]) -> list[tuple[int, int]]:
    """First and behind the last of what follows one upon the other."""
    starts = [at for at in places if at - 1 not in places]
    ends = [at + 1 for at in places if at + 1 not in places]
    return list(zip(starts, ends, strict=True))


def test_a_variable_is_nobody() -> None:
    assert said("let isAria be it", (1, 2, "person", 1.0)) == []
    assert said("let d'Arc be it", (1, 4, "person", 1.0)) == ["d'Arc"]


@pytest.mark.parametrize("law", ["Theft Act 1968", "Police and Criminal Evidence Act 1984", "Rules 2011"])
def test_the_year_of_a_law_is_no_date(law: str) -> None:
    words = len(next(tokens.segments(law)).words)
    assert said(f"See {law} now", (1, 1 + words, "date", 0.99)) == []


TITLE = "the Convention for the Protection of Human Rights and Fundamental Freedoms"


@pytest.mark.parametrize(
    ("text", "named", "found"),
    [
        (TITLE, "Fundamental Freedoms", []),
        (TITLE.replace("Fundamental Freedoms", "Siemens"), "Siemens", ["Siemens"]),
        ("a talk on Fundamental Freedoms", "Fundamental Freedoms", ["Fundamental Freedoms"]),
        ("the Agreement with Fundamental Freedoms", "Fundamental Freedoms", ["Fundamental Freedoms"]),
    ],
)
def test_common_words_of_a_treaty_are_no_organisation(text: str, named: str, found: list[str]) -> None:
    words = [text[a:b] for segment in tokens.segments(text) for a, b in zip(segment.starts, segment.ends, strict=True)]  # fmt: skip
    first = words.index(named.split()[0])
    assert said(text, (first, first + len(named.split()), "organisation", 0.99)) == found


def test_an_organisation_of_an_organisation_is_one() -> None:
    text = "The European Commission of Human Rights met"
    assert said(text, (1, 3, "organisation", 0.9), (4, 6, "organisation", 0.8)) == ["European Commission of Human Rights"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("Jane Doe met Doe", [0, 13]),
        ("Jane Doe met doe and a.Doe, x/Doe", [0]),
        ("jane doe met doe and a.doe", [0, 13]),
    ],
)
def test_a_word_of_a_name_is_looked_for_as_names_are_written(text: str, starts: list[int]) -> None:
    assert [f.start for f in model.Tier(Certain(2, 0.9)).find_all([text])[0]] == starts


def test_one_word_alone_is_not_looked_for_again() -> None:
    assert [f.start for f in model.Tier(Certain(1, 0.9)).find_all(["Rational = x, or Rational"])[0]] == [0]


def test_a_word_that_is_also_common_or_a_place_is_not_looked_for_again() -> None:
    for bit in (tokens.COMMON, tokens.PLACE, tokens.DEMONYM):
        found = model.Tier(FirstTwoWords(doe=bit)).find_all(["Jane Doe met.\n\nthe Doe/x"])[0]
        assert [f.start for f in found] == [0]


def test_a_batch_finds_what_each_text_alone_finds() -> None:
    texts = ["The man met Jane Doe.", "", "Paris", "\n\n", "nothing here", "Jane Doe\n\nParis in Paris"]
    tier = model.Tier(of_names())
    assert tier.find_all(texts) == [model.Tier(of_names()).find_all([text])[0] for text in texts]
    assert tier.find_all(texts) == tier.find_all(texts)


def test_a_paragraph_that_was_read_is_not_read_again() -> None:
    read: list[int] = []

    class Counting(network.Network):  # type: ignore[misc, name-defined]
        def find(self, segments: list[tokens.Segment]) -> list[network.Span]:
            read.append(len(segments))
            return super().find(segments)  # type: ignore[no-any-return]

    plain = of_names()
    tier = model.Tier(Counting(plain.lexicon, plain.dilations, plain.weights))
    first = tier.find_all(["Jane Doe met.\n\nJane Doe in Paris."])
    again = tier.find_all(["Paris is new.\n\nJane Doe met.\n\nJane Doe in Paris.", "Jane Doe met."])
    assert [sum(read[:1]), sum(read[1:])] == [2, 1]
    assert again[0][1:] == [
        Finding(f.start + 15, f.end + 15, f.category, "", f.score, "model") for f in first[0]
    ]


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "CACHED_PARAGRAPHS_MAX", 3)
    tier = model.Tier(of_names())
    for number in range(20):
        assert len(tier.find_all([f"Jane Doe met {number}"])[0]) == 1
        assert len(tier._seen) <= 3


def test_a_small_first_word_alone_is_not_asked_about_and_a_text_without_capitals_is() -> None:
    tier = model.Tier(of_names())
    texts = (
        "The met the.",
        "the met Jane",
        "the met 4",
        "The man met",
        "Then met",
        "met the",
        "the \u4e2d met",
    )
    asked = [text for text in texts if any(tier._telling(segment) for segment in tokens.segments(text))]
    assert asked == ["the met Jane", "the met 4", "Then met", "the \u4e2d met"]
    assert found("jane doe") == [("jane doe", "person")]


def vectored(**rows: int) -> tokens.Vectored:
    known = sorted((zlib.crc32(word.encode()), row) for word, row in rows.items())
    return tokens.Vectored(array("I", (each for each, _ in known)), array("H", (row for _, row in known)))


def test_a_word_that_has_a_vector_is_known_however_it_is_written() -> None:
    words = vectored(paris=1, May=2, may=3)
    assert words.count == 4
    assert [words.row(each) for each in ("paris", "Paris", "PARIS", "May", "may", "MAY", "mAy")] == [
        1,
        1,
        1,
        2,
        3,
        3,
        3,
    ]
    assert words.row("xqzzt") == words.row("") == tokens.Vectored().row("paris") == 0


def test_the_row_of_a_vector_follows_all_others() -> None:
    lexicon = tokens.Lexicon({"paris": 1}, {}, vectored(paris=1, May=2))
    found = {word: lexicon.features(word)[tokens.VECTOR_SLOT] for word in ("Paris", "May", "xqzzt", "7")}
    assert lexicon.rows == lexicon.own_rows + 3
    assert found == {
        "Paris": lexicon.own_rows + 1,
        "May": lexicon.own_rows + 2,
        "xqzzt": lexicon.own_rows,
        "7": lexicon.own_rows,
    }
    assert max(row for word in ("Paris", "x", "7") for row in lexicon.features(word)[:-1]) < lexicon.own_rows


def test_weights_come_back_from_their_file() -> None:
    plain = of_names()
    back = network.unpacked(network.packed(plain.weights, plain.lexicon, plain.dilations))
    assert model.Tier(back).find_all(["The man met Jane Doe in Paris."]) == model.Tier(plain).find_all(
        ["The man met Jane Doe in Paris."]
    )


def test_weights_for_other_labels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = of_names()
    content = network.packed(plain.weights, plain.lexicon, plain.dilations)
    monkeypatch.setattr(network, "LABELS", ("something", "else"))
    with pytest.raises(ValueError, match="another format"):
        network.unpacked(content)


def test_without_weights_the_tier_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "available", lambda: False)
    assert model.find_all(["Jane Doe", ""]) == [[], []]


def test_importing_the_tier_loads_no_numpy() -> None:
    code = "import sys, ostiary.detection.model as m; assert 'numpy' not in sys.modules; import pickle; pickle.dumps(m.find_all)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
    assert pickle.loads(pickle.dumps(model.find_all)) is model.find_all


@given(st.text(max_size=300))
def test_every_character_but_space_is_in_one_token(text: str) -> None:
    covered = [
        index
        for low, high in tokens.paragraphs(text)
        for segment in tokens.segments(text[low:high])
        for start, end in zip(segment.starts, segment.ends, strict=True)
        for index in range(start + low, end + low)
    ]
    assert covered == sorted(set(covered))
    assert [text[i] for i in covered] == [char for char in text if not char.isspace()]


@given(st.text(alphabet="Jane doeParis.\n\u0301é4 ", max_size=200))
def test_findings_stand_in_order_and_apart(text: str) -> None:
    spans = [(f.start, f.end) for f in model.Tier(of_names()).find_all([text])[0]]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))
