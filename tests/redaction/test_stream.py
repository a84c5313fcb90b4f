"""Streams: what comes out depends on the text alone, not on where it was cut, and nothing of a finding leaves before it is replaced."""

import itertools
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.detection.engine import find
from ostiary.detection.finding import Finding
from ostiary.redaction import plan as plans
from ostiary.redaction import stream as streams
from ostiary.redaction.apply import redacted
from ostiary.redaction.keys import Scope
from ostiary.redaction.operators import Surroundings
from ostiary.redaction.stream import StreamFailed, StreamRedactor, whole

PLAN = plans.read("default: replace")
SCOPE = Scope("acme", "chat", {1: b"k" * 32}, 1)
TOKENS = plans.read("{default: token, rules: {private_key: replace}}")
BODY = "\n".join(
    "MIIEpAIBAAKCAQEA7yn3bRHQ5FHMvUqXe0c1aTz9" + f"{n:04}" + "kLmNoPqRsTuVwXyZ01" for n in range(40)
)
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----"
VALUES = (
    "jane.doe@example.com",
    "+49 170 1234567",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "ssn: 078-05-1120",
    "192.168.17.4",
    "password: tr0ub4dor&3x",
    "ghp_" + "a1B2c3D4e5" * 4,
    "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
    "221B Baker Street, London NW1 6XE",
    "Hauptstraße 12, 10115 Berlin",
    "born on 4 March 1987",
    "[email]",
)
WORDS = (
    "the",
    "quick",
    "brown",
    "fox,",
    "jumps.",
    "over",
    "12",
    "\n",
    "Zoë",
    "名前",
    "🙂",
    "{",
    '"x":',
    "call",
    "me",
    "a-b",
    "(ok)",
)
TEXTS = st.lists(st.sampled_from(VALUES + WORDS), max_size=40).map(" ".join)


def cut(text: str, places: Iterable[int]) -> list[str]:
    ends = [0, *sorted(places), len(text)]
    return [text[low:high] for low, high in itertools.pairwise(ends)]


def streamed(pieces: Iterable[str], plan: plans.Plan = PLAN, around: Surroundings | None = None) -> str:
    stream = StreamRedactor(find, plan, around or Surroundings())
    return "".join([*[stream.feed(piece) for piece in pieces], stream.close()])


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.data())
def test_any_cut_gives_the_result_of_the_whole(text: str, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=12))
    around = Surroundings(SCOPE)
    assert streamed(cut(text, places)) == whole(text, find, PLAN)
    assert streamed(cut(text, places), TOKENS, around) == whole(text, find, TOKENS, around)
    assert streamed(text) == whole(text, find, PLAN)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_the_result_is_that_of_one_look_at_everything(text: str) -> None:
    assert whole(text, find, PLAN) == redacted(text, find(text), PLAN).text


@pytest.mark.parametrize(
    "text", ["mail jane@example.com", "call +49 170 1234567 now", "pin 078-05-1120 ssn", "a@b.co c@d.co"]
)
def test_every_cut_in_three_of_a_short_text(text: str) -> None:
    expected = whole(text, find, PLAN)
    for places in itertools.combinations_with_replacement(range(len(text) + 1), 2):
        assert streamed(cut(text, places)) == expected


def test_every_cut_in_two_of_a_long_text() -> None:
    text = (
        f"Dear Jane, {VALUES[0]} or {VALUES[1]}; card {VALUES[2]}. " * 2
        + KEY
        + " and then some words follow it. "
        + VALUES[3]
    )
    expected = whole(text, find, PLAN)
    assert expected.endswith("card [card]. [private_key] and then some words follow it. [iban]")
    for place in range(0, len(text), 53):
        assert streamed(cut(text, [place])) == expected


PROSE = "the old man and the sea were quite content with what they had, he said to her. "


def test_in_prose_at_most_64_characters_are_held() -> None:
    stream = StreamRedactor(find, PLAN)
    for char in PROSE * 20:
        stream.feed(char)
        assert stream.held <= 64


@pytest.mark.parametrize(
    "entity", ["x" * 3000, "ghp_" + "a1B2c3D4e5" * 20, "https://example.com/" + "a/b" * 700]
)
def test_a_long_word_is_held_to_its_end_and_little_longer(entity: str) -> None:
    stream, most = StreamRedactor(find, PLAN), 0
    for char in PROSE + entity + " " + PROSE * 2:
        stream.feed(char)
        most = max(most, stream.held)
    assert most <= len(entity) * 5 // 4 + 64
    assert stream.held <= 64


@pytest.mark.parametrize(
    "text", ["x" * 60_000, "1 2 " * 500, '{"a":' * 12_000, "eyJ" + "a" * 30_000 + ".eyJ" + "b" * 30_000]
)
def test_no_more_is_held_than_the_bound(text: str) -> None:
    stream = StreamRedactor(find, PLAN)
    for piece in (text[i : i + 5] for i in range(0, len(text), 5)):
        stream.feed(piece)
        assert stream.held <= streams.HELD_MAX + streams.STEP


def test_rows_of_digit_groups_are_not_torn() -> None:
    row = "card 4111 1111 1111 1111 and 5500 0000 0000 0004 " + "12 34 " * 60
    for place in range(0, len(row), 23):
        made = streamed(cut(row, [place]))
        assert "1111" not in made
        assert "5500" not in made


class TestKeys:
    def test_a_key_is_masked_as_it_flows(self) -> None:
        stream, out = StreamRedactor(find, PLAN), ""
        for piece in (("Here: " + KEY)[i : i + 11] for i in range(0, len(KEY) + 6, 11)):
            out += stream.feed(piece)
            assert "MII" not in out
            assert "BEGIN" not in out
            assert stream.held <= 512
        assert out + stream.close() == "Here: [private_key]"

    def test_a_key_without_its_last_line_ends_at_prose(self) -> None:
        text = KEY.split("\n-----END")[0] + "\n\nThat was the key of the server. Bye"
        for size in (1, 9, 100, 10_000):
            made = streamed(text[i : i + size] for i in range(0, len(text), size))
            assert made == "[private_key]That was the key of the server. Bye"

    def test_header_lines_are_a_part_of_the_key(self) -> None:
        text = KEY.replace("KEY-----\n", "KEY-----\nVersion: GnuPG v1 (GNU/Linux) is in use here\n\n", 1)
        assert whole(text + " ok", find, PLAN) == "[private_key] ok"

    def test_the_word_begin_hides_nothing(self) -> None:
        text = "It starts with -----BEGIN PRIVATE KEY----- (" + PROSE * 6
        assert whole(text, find, PLAN) == text

    def test_other_operators_get_the_whole_key(self) -> None:
        around = Surroundings(SCOPE)
        made = whole(f"a {KEY} b", find, plans.read("default: token"), around)
        assert made.startswith("a ostk_private_key_1_")
        assert made == streamed(f"a {KEY} b", plans.read("default: token"), around)

    def test_a_key_beyond_the_bound_flows_and_shows_nothing(self) -> None:
        text = "a " + KEY.replace(BODY, "\n".join([BODY] * 6)) + " and so it ends here."
        for plan in (PLAN, plans.read("default: token")):
            made = streamed((text[i : i + 50] for i in range(0, len(text), 50)), plan, Surroundings(SCOPE))
            assert made == "a [private_key] and so it ends here."


class TestFailing:
    @staticmethod
    def failing(text: str) -> Sequence[Finding]:
        if "now" in text:
            raise RuntimeError(text)
        return find(text)

    def test_an_error_of_the_detector_ends_the_stream(self) -> None:
        stream, out = StreamRedactor(self.failing, PLAN), []

        def fed(text: str) -> None:
            out.extend(stream.feed(char) for char in text)

        with pytest.raises(StreamFailed) as failed:
            fed(PROSE + "jane@example.com is here now " + PROSE)
        assert "jane" not in "".join(out) + str(failed.value)
        assert failed.value.__cause__ is None
        for call in (lambda: stream.feed("more"), stream.close):
            with pytest.raises(StreamFailed):
                call()

    def test_an_operator_that_cannot_work_ends_the_stream(self) -> None:
        stream = StreamRedactor(find, plans.read("default: token"))
        stream.feed("mail jane@example.com")
        with pytest.raises(StreamFailed, match="keys of a scope"):
            stream.close()

    def test_a_closed_stream_takes_nothing(self) -> None:
        stream = StreamRedactor(find, PLAN)
        assert stream.close() == ""
        with pytest.raises(ValueError, match="closed"):
            stream.feed("x")


def test_what_was_replaced_is_counted() -> None:
    stream = StreamRedactor(find, PLAN)
    stream.feed("a@example.com, b@example.com and 4111 1111 1111 1111")
    stream.close()
    assert stream.counts == {"email": 2, "card": 1}
