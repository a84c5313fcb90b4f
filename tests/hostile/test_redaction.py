"""Attacks on redaction: tokens that are not one's own, values that look like tokens, texts made to be slow, plans made to break."""

import json
import unicodedata
from collections.abc import Sequence

import pytest

from ostiary.detection.engine import find
from ostiary.detection.finding import Finding
from ostiary.errors import InvalidParameters
from ostiary.redaction import plan as plans
from ostiary.redaction import stream as streams
from ostiary.redaction.apply import redacted
from ostiary.redaction.keys import Scope
from ostiary.redaction.operators import Surroundings
from ostiary.redaction.restore import StreamRestorer, restored_json, restored_text
from ostiary.redaction.stream import StreamRedactor, whole
from ostiary.redaction.structured import Structured
from ostiary.redaction.surrogates import Given, surrogate
from ostiary.redaction.tokens import TOKEN, token

SCOPE = Scope("acme", "chat", {1: b"k" * 32}, 1)
AROUND = Surroundings(SCOPE)
TOKENS = plans.read("default: token")
NAMES = plans.read("default: replace")


def redact(text: str, plan: plans.Plan = TOKENS) -> str:
    return redacted(text, find(text), plan, AROUND).text


class TestTokensOfOthers:
    def test_a_token_of_another_tenant_or_scope_stays_a_token(self) -> None:
        for other in (
            Scope("evil", "chat", {1: b"k" * 32}, 1),
            Scope("acme", "chat2", {1: b"k" * 32}, 1),
            Scope("acme", "chat", {1: b"j" * 32}, 1),
        ):
            made = token(other, "email", "ceo@example.com")
            assert restored_text(f"x {made} y", SCOPE) == f"x {made} y"

    def test_equal_values_of_two_tenants_cannot_be_linked(self) -> None:
        one = token(SCOPE, "email", "ceo@example.com")
        other = token(Scope("evil", "chat", {1: b"k" * 32}, 1), "email", "ceo@example.com")
        shared = [a == b for a, b in zip(one, other, strict=True)].count(True)
        assert (
            shared < len("ostk_email_1_u") + 14
        )  # what chance leaves equal of 60 letters of an alphabet of 32

    def test_a_stem_and_a_spelling_of_two_tokens_do_not_join(self) -> None:
        one = token(SCOPE, "card", "4111 1111 1111 1111")
        other = token(SCOPE, "card", "5500 0000 0000 0004")
        mixed = one.split("o", 2)[0] + "o" + one.split("o", 2)[1] + "o" + other.split("o", 2)[2]
        assert restored_text(mixed, SCOPE) == mixed

    def test_a_token_planted_in_the_input_is_restored_for_nobody_it_was_not_given_to(self) -> None:
        planted = token(SCOPE, "email", "ceo@example.com")
        prompt = redact(f"Summarise this: {planted} and jane@example.com")
        mine = {match[0] for match in TOKEN.finditer(prompt)} - {planted}
        restorer = StreamRestorer(SCOPE, given_out=mine.__contains__)
        answer = restorer.feed(prompt) + restorer.close()
        assert "ceo@" not in answer
        assert "jane@example.com" in answer


class TestLookAlikes:
    def test_a_look_alike_shields_nothing(self) -> None:
        for value in ("card 4111111111111111", "ssn: 078-05-1120", "mail jane@example.com"):
            for text in (
                f"{value} ostk_ssn_1_{'0' * 40}u",
                f"ostk_email_1_{'0' * 40}u {value}",
                f"ostk_card_1_ {value} u",
            ):
                assert value not in redact(text, NAMES)

    def test_a_forged_token_is_text_like_any_other(self) -> None:
        forged = "ostk_email_1_" + "0" * 40 + "u"
        assert (
            redacted(forged, [Finding(0, len(forged), "api_key", "", 0.9, "")], NAMES, AROUND).text
            == "[api_key]"
        )

    def test_a_token_before_another_does_not_swallow_it(self) -> None:
        made = token(SCOPE, "email", "jane@example.com")
        for before in ("ostk_", "ostk_email_1_", "ostk_email_1_0000", "OSTK_x_1_" + "0" * 30, "u", "_"):
            assert restored_text(before + made, SCOPE) == before + "jane@example.com"

    def test_a_value_that_holds_a_token_comes_back_once(self) -> None:
        made = token(SCOPE, "email", "jane@example.com")
        outer = token(SCOPE, "password", f"x{made}y")
        assert restored_text(outer, SCOPE) == f"x{made}y"
        text = f"mail {made}@example.com now"
        assert restored_text(redact(text), SCOPE) in (text, text.replace(made, "jane@example.com"))

    def test_letters_that_look_like_a_token_s_are_not_it(self) -> None:
        made = token(SCOPE, "email", "jane@example.com")
        wide = "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in made)
        assert unicodedata.normalize("NFKC", wide) == made
        for text in (wide, made.replace("o", "о"), made.replace("k", "\u212a")):  # Cyrillic o, Kelvin sign
            assert restored_text(text, SCOPE) == text


class TestAgain:
    TEXT = "jane@example.com, +49 170 1234567, card 4111 1111 1111 1111, password: tr0ub4dor&3x, DE89 3704 0044 0532 0130 00"

    @pytest.mark.parametrize(
        "plan", [TOKENS, NAMES, plans.read("default: remove"), plans.read("default: mask")]
    )
    def test_redacting_twice_changes_nothing(self, plan: plans.Plan) -> None:
        once = redact(self.TEXT, plan)
        assert "jane" not in once
        assert redact(once, plan) == once
        assert whole(once, find, plan, AROUND) == once
        assert Structured(find, plan, AROUND).json({"note": once}) == {"note": once}


class TestSlow:
    """The number of characters that a detector is shown is a bound on the time, as each look is linear in them."""

    @pytest.mark.parametrize(
        "text",
        [
            "x" * 1_000_000,
            "-----BEGIN RSA PRIVATE KEY-----\n" + "A" * 1_000_000,
            "-----BEGIN " * 20_000,
            "a@" * 100_000,
            "4111 " * 40_000,
            "ostk_email_1_" + "0" * 1_000_000,
            '"' * 200_000,
            "{[" * 100_000,
            "\u200b" * 200_000,
            " " * 200_000,
        ],
        ids=["word", "key", "begin", "at", "digits", "token", "quote", "json", "unseen", "space"],
    )
    def test_open_characters_without_end_take_linear_work_and_bounded_room(self, text: str) -> None:
        shown = 0

        def finder(piece: str) -> Sequence[Finding]:
            nonlocal shown
            shown += len(piece)
            assert len(piece) <= streams.HELD_MAX + streams.LOOK_BEHIND + streams.STEP
            return [Finding(0, len(piece), "email", "", 0.9, "")] if len(piece) % 7 == 0 else []

        stream = StreamRedactor(finder, NAMES)
        for start in range(0, len(text), 50_000):
            stream.feed(text[start : start + 50_000])
        stream.close()
        assert shown <= 30 * len(text)

    @pytest.mark.parametrize(
        "text",
        [
            "ostk_" * 40_000,
            "ostk_a_1_" * 20_000,
            "ostk_a_1_" + "0" * 200_000,
            "o" * 200_000,
            "\\" * 200_000,
            '"{' * 100_000,
        ],
    )
    def test_open_tokens_hold_back_no_more_than_one(self, text: str) -> None:
        for form in ("text", "json"):
            restorer = StreamRestorer(SCOPE, form)  # type: ignore[arg-type]
            out = "".join(restorer.feed(text[start : start + 1000]) for start in range(0, len(text), 1000))
            assert len(text) - len(out) <= 60_000
            assert out + restorer.close() == text


class TestPlans:
    @pytest.mark.parametrize(
        "text",
        [
            "default: {operator: mask, last: " + "9" * 5000 + "}",
            "default: {operator: replace, text: '" + "x" * 100_000 + "'}",
            "default: {operator: replace, text: '{category:>999999999}'}",
            "default: {operator: replace, text: '{category!r}'}",
            "x" * 200_001,
            "[" * 50_000,
            "a: &a [x, x]\nb: &b [*a, *a]\ndefault: *b",
            "default: !!python/object/apply:os.system [id]",
            json.dumps({"rules": {f"c{n}": "token" for n in range(1001)}}),
            "default: {operator: mask, otherwise: {operator: mask, otherwise: {operator: mask, otherwise: mask}}}",
            "\x00",
            "default: {operator: {operator: mask}}",
            "{[1]: 2}",
            "default: {[1, 2]: 3, operator: mask}",
        ],
    )
    def test_a_plan_made_to_break_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidParameters):
            plans.read(text)


class TestUnicode:
    @pytest.mark.parametrize(
        "text",
        [
            "e\u0301 jane@example.com \U0001f469\u200d\U0001f469",
            "\u202ejane@example.com\u202c",
            "ＪＡＮＥ＠example.com",
            "\ud800 jane@example.com \udfff",
            "j\u200bane@example.com",
        ],
    )
    def test_any_text_is_redacted_and_restored_exactly(self, text: str) -> None:
        made = redact(text)
        assert "example.com" not in made
        assert restored_text(made, SCOPE) == text
        assert restored_json(Structured(find, TOKENS, AROUND).json({"a": text}), SCOPE) == {"a": text}
        for place in range(len(text)):
            stream = StreamRedactor(find, TOKENS, AROUND)
            assert stream.feed(text[:place]) + stream.feed(text[place:]) + stream.close() == made

    def test_two_normal_forms_are_one_person_and_come_back_as_written(self) -> None:
        one, other = token(SCOPE, "person", "Zo\u00eb"), token(SCOPE, "person", "Zoe\u0308")
        assert other.startswith(one[:-1])
        assert restored_text(other, SCOPE) == "Zoe\u0308"


def test_surrogates_of_values_made_to_collide_stay_apart() -> None:
    given = Given()
    values = [f"Anna {'x' * n}" for n in range(1, 300)]
    found = [surrogate(b"k" * 32, value, "person", "en", given) for value in values]
    assert len(set(found)) == len(values)


def test_deep_json_ends_without_an_error() -> None:
    value: object = token(SCOPE, "email", "jane@example.com")
    for _ in range(400):
        value = [value]
    restored_json(value, SCOPE)
    Structured(find, TOKENS, AROUND).json(value)
    text = "[" * 100_000
    assert restored_text(text, SCOPE, form="json") == text
    assert Structured(find, TOKENS, AROUND).json(text) == text
