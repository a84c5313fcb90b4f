"""Values that were cut into pieces: masked as if they had come in one."""

import itertools
import re

import pytest

from ostiary.privacy.joined import mask_blocks, mask_pieces

TEXT = "mail jane.doe@example.com, SSN: 219-09-9999."
MASKED = "mail [email], SSN: [national_id]."
NOBODY: frozenset[str] = frozenset()


def cuts(text: str) -> list[list[str]]:
    two = [[text[:at], text[at:]] for at in range(len(text) + 1)]
    three = [
        [text[:a], text[a:b], text[b:]] for a, b in itertools.combinations(range(0, len(text) + 1, 3), 2)
    ]
    return [*two, *three, list(text)]


def test_wherever_a_text_is_cut_the_same_is_masked() -> None:
    for pieces in cuts(TEXT):
        masked, counts = mask_pieces(pieces, NOBODY)
        assert re.sub(r"(?<=\[email\])(?:com|om|m)(?=,)", "", "".join(masked)) == MASKED, pieces
        assert len(masked) == len(pieces)
        assert counts == {"email": 1, "national_id": 1}


def test_a_message_after_an_address_keeps_its_first_word() -> None:
    said = ["sent to jane.doe@example.com", "sent to joe@example.org", "mpany.example is next"]
    assert mask_pieces(said, NOBODY)[0] == ["sent to [email]", "sent to [email]", " is next"]


def test_what_a_reader_may_see_stays_in_every_piece() -> None:
    for pieces in cuts(TEXT)[::7]:
        masked, _ = mask_pieces(pieces, frozenset({"email"}))
        assert "".join(masked) == "mail jane.doe@example.com, SSN: [national_id]."


def test_pieces_that_a_reader_parts_by_a_space_are_one_text_too() -> None:
    assert mask_pieces(["pay with 4111 1111", "1111 1111 today"], NOBODY)[0] == [
        "pay with [card *1111]",
        " today",
    ]


@pytest.mark.parametrize("name", ["content", "contents", "messages"])
def test_blocks_of_an_answer_are_one_text(name: str) -> None:
    def block(text: str) -> dict[str, object]:
        shapes: dict[str, dict[str, object]] = {
            "content": {"type": "text", "text": text},
            "contents": {"uri": "file:///a", "text": text},
            "messages": {"role": "user", "content": {"type": "text", "text": text}},
        }
        return shapes[name]

    picture = {"type": "image", "data": "AAAA", "mimeType": "image/png"}
    value = {"result": {name: [block("to jane.d"), picture, block("oe@example.com, thanks")], "n": 1}}
    masked, counts = mask_blocks(value, NOBODY)
    assert masked == {"result": {name: [block("to [email]"), picture, block(", thanks")], "n": 1}}
    assert counts == {"email": 1}
    assert value["result"][name][0] == block("to jane.d"), "the value itself is as it was"  # type: ignore[index]


def test_an_embedded_resource_is_text_too() -> None:
    blocks = [
        {"type": "resource", "resource": {"uri": "a:b", "text": "to jane.d"}},
        {"type": "text", "text": "oe@example.com"},
    ]
    masked, _ = mask_blocks({"content": blocks}, NOBODY)
    assert masked["content"][0]["resource"]["text"] == "to [email]"
    assert masked["content"][1]["text"] == ""


@pytest.mark.parametrize(
    "value", [None, 1, [], {}, {"content": "x"}, {"content": [1, "a", None]}, {"result": {"content": [{}, {"text": 7}]}}]
)  # fmt: skip
def test_what_has_no_blocks_comes_back_itself(value: object) -> None:
    assert mask_blocks(value, NOBODY) == (value, {})
    assert mask_blocks(value, NOBODY)[0] is value
