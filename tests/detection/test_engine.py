import multiprocessing
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.detection import engine
from ostiary.detection.categories import Family, family_of
from ostiary.detection.detector import FORM
from ostiary.detection.detectors import DETECTORS, names
from ostiary.detection.engine import AHEAD_BYTES, WINDOW_BYTES, detect, find
from ostiary.detection.finding import Finding
from ostiary.detection.folding import fold
from ostiary.detection.rules import RuleSet
from tests.detection.vectors import ALONE, HARMLESS, WITH_CONTEXT


def seen(text: str) -> list[tuple[str, str]]:
    return [(family_of(finding.category).value, text[finding.start : finding.end]) for finding in find(text)]


@pytest.mark.parametrize(("category", "value"), ALONE)
def test_a_value_is_found_with_nothing_around_it(category: Family, value: str) -> None:
    assert seen(value) == [(category.value, value)]


@pytest.mark.parametrize(("category", "value"), ALONE)
def test_a_value_is_found_within_a_sentence(category: Family, value: str) -> None:
    assert seen(f"note {value}, ok") == [(category.value, value)]


@pytest.mark.parametrize(("category", "before", "value"), WITH_CONTEXT)
def test_a_value_is_found_where_the_words_before_it_name_it(
    category: Family, before: str, value: str
) -> None:
    assert (category.value, value) in seen(before + value)


@pytest.mark.parametrize("text", HARMLESS)
def test_look_alikes_are_left_alone(text: str) -> None:
    assert [name for name, _ in seen(text) if name not in ("date", "url")] == []


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "DE89370400440532013001",
        "536-00-4399",
        "900-49-1234",
        "130 692 545",
        "HEGG560427MVZRRL05",
        "390.533.447-06",
        "20-05536168-3",
        "12.531.909-3",
        "BG 12 34 56 C",
        "6433435E",
        "15070649C102",
        "2 95 10 99 126 111 94",
        "54362315J",
        "X-2482300Y",
        "RCCMNL83S18D969A",
        "85.07.30-033.29",
        "756.9217.0769.84",
        "880320-0018",
        "131052-308U",
        "151086 95089",
        "856-734-62-16",
        "112-233-445 94",
        "7503305044088",
        "2341 2341 2347",
        "110105194912310021",
        "A123456788",
        "S1234567A",
        "300.1.2.3",
        "1BoatSLRHtKNngkdXEeobR76b53LETtpyU",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
    ],
)
def test_a_wrong_check_digit_is_no_finding(text: str) -> None:
    assert seen(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("４１１１ １１１１ １１１１ １１１１", "４１１１ １１１１ １１１１ １１１１"),
        ("4111\u00a01111\u20091111\u202f1111", "4111\u00a01111\u20091111\u202f1111"),
        ("4111\u20111111\u20131111\u22121111", "4111\u20111111\u20131111\u22121111"),
        ("41\u200b11\u200d1111\u206011111\ufeff111", "41\u200b11\u200d1111\u206011111\ufeff111"),
        ("4111\x0011111111\x011111", "4111\x0011111111\x011111"),
        ("٤١١١١١١١١١١١١١١١", "٤١١١١١١١١١١١١١١١"),
        ("4111\u00ad1111\u00ad1111\u00ad1111", "4111\u00ad1111\u00ad1111\u00ad1111"),
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"),
        ("𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏", "𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏"),
    ],
)
def test_other_digits_spaces_and_dashes_hide_no_card(text: str, value: str) -> None:
    assert seen(f"número {text} fin") == [("card", value)]


@pytest.mark.parametrize(
    "text", ["jane＠example．com", "jаne@exаmple.com", "ja\u200bne@exam\u00adple.com", "ｊａｎｅ@example.com"]
)
def test_look_alike_letters_hide_no_address(text: str) -> None:
    assert seen(f"to {text} now") == [("email", text)]


def test_offsets_count_code_points() -> None:
    assert find("🙂🙂 é jane@example.com") == [
        Finding(5, 21, "email", "", 0.95, "e-mail address"),
    ]


def test_a_card_is_found_among_other_numbers() -> None:
    assert seen("no 12 4111 1111 1111 1111 12/27 123 5500 0000 0000 0004") == [
        ("card", "4111 1111 1111 1111"),
        ("card", "5500 0000 0000 0004"),
    ]


def test_a_number_within_a_longer_one_is_no_finding() -> None:
    assert seen("1-536-90-4399") == []
    assert seen("536-90-4399-1") == []
    assert seen("1.203.0.113.77") == []


def test_the_stronger_finding_wins_and_none_overlap() -> None:
    assert seen("postgres://app:jane@example.com@203.0.113.77/x") == [
        ("password", "postgres://app:jane@example.com@203.0.113.77/x")
    ]


def test_context_raises_the_score_and_says_so() -> None:
    assert find("card 4111111111111111")[0].why == "payment card, context"
    assert find("card 4111111111111111")[0].score == 0.99
    assert find("4111111111111111")[0].score == 0.8


def test_the_name_of_a_field_is_context() -> None:
    assert find("021000021") == []
    assert [finding.category for finding in find("021000021", "routing number")] == ["us_aba_routing"]


def test_a_batch_gives_what_its_texts_give_alone() -> None:
    texts = [value for _, value in ALONE] + HARMLESS
    whole = detect(texts)
    engine._SEEN.kept.clear()
    assert whole == [detect([text])[0] for text in texts]
    engine._SEEN.kept.clear()
    assert detect(texts[:7]) + detect(texts[7:]) == whole


@pytest.mark.parametrize(
    "shift", [0, 1, 7, 100, AHEAD_BYTES - 3, WINDOW_BYTES - 17, WINDOW_BYTES - 1, WINDOW_BYTES]
)
def test_windows_do_not_cut_a_value(shift: int) -> None:
    pad = ("word " * 800)[:shift] + " "
    for category, value in ALONE:
        text = pad + value + " " + "word " * 300
        assert [
            (family_of(finding.category), text[finding.start : finding.end]) for finding in find(text)
        ] == [(category, value)]


def test_a_long_private_key_is_found_whole() -> None:
    key = (
        "-----BEGIN PRIVATE KEY-----\n"
        + "MIIEvQIBADANBgkq/+hkiG9w0BAQEF\n" * 100
        + "-----END PRIVATE KEY-----"
    )
    assert seen("before " + key + " after") == [("private_key", key)]


def test_findings_travel_between_processes() -> None:
    found = detect(["jane@example.com"])
    assert pickle.loads(pickle.dumps(found)) == found
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(detect, [["jane@example.com"]]) == [found]


def test_every_detector_has_its_own_name_and_compiles() -> None:
    assert len(set(names())) == len(DETECTORS)
    assert len(engine._compiled(RuleSet(threshold=FORM)).patterns) == len(DETECTORS)


words = st.sampled_from([value for _, value in ALONE] + [a + b for _, a, b in WITH_CONTEXT] + HARMLESS)
texts = st.lists(st.one_of(words, st.text(max_size=30)), max_size=6).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(texts)
def test_findings_are_ordered_and_lie_within_the_text(text: str) -> None:
    position = 0
    for finding in find(text):
        assert position <= finding.start < finding.end <= len(text)
        assert 0.5 <= finding.score <= 1.0
        position = finding.end


@settings(max_examples=50, deadline=None)
@given(st.lists(texts, max_size=4), st.integers(0, 4))
def test_detection_is_stable_under_splitting_of_the_batch(batch: list[str], cut: int) -> None:
    whole = detect(batch)
    engine._SEEN.kept.clear()
    assert detect(batch[:cut]) + detect(batch[cut:]) == whole


def test_an_encrypted_private_key_longer_than_a_window_is_found_whole() -> None:
    head = (
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF\n\n"
    )
    key = head + "MIIEvQIBADANBgkq/+hkiG9w0BAQEF\n" * 60 + "-----END RSA PRIVATE KEY-----"
    assert seen("x " + key + " y") == [("private_key", key)]
    assert seen(key[:-20])[0][0] == "private_key"
    assert "hkiG9w0" not in "".join(part for part in key[:-20].split(seen(key[:-20])[0][1]))


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111 " * 30_000,
        "http://a.example/x " * 30_000,
        "12/31/99 jane@example.com " * 20_000,
        "1 2 " * 20_000,
        "AB12 " * 20_000,
    ],
)
def test_a_hundred_thousand_findings_cost_seconds(text: str) -> None:
    """Linear: these take a second or two; a step that looks at every finding for every other would take minutes."""
    find(text)


def test_an_automaton_counts_no_long_repetitions() -> None:
    assert (
        engine.loosened(r"a{0,62}b{3}c{13,19}d\{1,9\}e{2,}f{1,}g{40}h{2,4}i{5,9}")
        == r"a*b{3}c{12,}d\{1,9\}e{2,}f{1,}g{12,}h{2,4}i{5,}"
    )


def test_what_a_detector_matches_its_automaton_asks_for() -> None:
    """Every expression against its own looser form, on what it was written for."""
    samples = [*(value for _, value in ALONE), *(before + value for _, before, value in WITH_CONTEXT)]
    folded = [fold(text).data for text in samples]
    for detector in DETECTORS:
        exact, loose = (
            engine.pattern(each) for each in (detector.pattern, engine.loosened(detector.pattern))
        )
        for data in folded:
            assert exact.search(data) is None or loose.search(data) is not None, detector.name
