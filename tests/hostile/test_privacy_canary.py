"""Every category planted wherever a value can stand in JSON, plain and disguised: nothing of it may come out."""

import orjson
import pytest

from ostiary.detection.categories import Family
from ostiary.privacy.masking import MASKED, mask_json
from tests.detection.vectors import ALONE, WITH_CONTEXT

PLANTED = [
    each for each in [(family, "", value) for family, value in ALONE] + WITH_CONTEXT if each[0] in MASKED
]


def places(before: str, value: str) -> list[object]:
    text = before + value
    return [
        text,
        {"note": text},
        {"note": f"Dear customer,\n{text}\nRegards"},
        {"a": [{"b": {"c": [1, None, text]}}]},
        {text: "as a name"},
        {"json": orjson.dumps({"inner": text}).decode()},
        {"csv": f"1;{text};x\n2;y;z"},
        {"list": ["x", text] * 3},
        {"long": "lorem ipsum dolor " * 400 + text + " sit amet" * 100},
        {"unicode": "Привет, 你好 " + text + " çà"},
        {"html": f"<b>{text}</b>&nbsp;"},
    ]


@pytest.mark.parametrize(("family", "before", "value"), PLANTED)
def test_no_planted_value_comes_out(family: Family, before: str, value: str) -> None:
    for place in places(before, value):
        masked, counts = mask_json(place)
        out = orjson.dumps(masked).decode()
        assert value not in out, place
        assert orjson.dumps(value).decode()[1:-1] not in out, place
        assert sum(counts.values()) > 0


def test_every_masked_family_is_planted() -> None:
    assert {family for family, _, _ in PLANTED} == set(MASKED)


DIGITS = str.maketrans("0123456789", "０１２３４５６７８９")
DISGUISES = {
    "full width": lambda text: text.translate(DIGITS),
    "arabic-indic": lambda text: text.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    "zero width": lambda text: "\u200b".join(text),
    "word joiner": lambda text: "\u2060".join(text),
    "soft hyphen": lambda text: "\u00ad".join(text),
    "bidirectional": lambda text: "\u202d" + text + "\u202c",
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "thin spaces": lambda text: text.replace(" ", "\u2009"),
    "en dashes": lambda text: text.replace("-", "\u2013"),
    "minus signs": lambda text: text.replace("-", "\u2212"),
    "control characters": lambda text: "\x01".join(text),
    "tags": lambda text: "\U000e0041".join(text),
}
DISGUISED = [
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "GB82 WEST 1234 5698 7654 32",
    "536-90-4399",
    "+44 20 7946 0958",
    "390.533.447-05",
    "203.0.113.77",
    "756.9217.0769.85",
    "AB 12 34 56 C",
    "11010519491231002X",
]


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("value", DISGUISED)
def test_no_disguise_brings_a_value_out(disguise: str, value: str) -> None:
    hidden = DISGUISES[disguise](value)
    masked, counts = mask_json({"note": f"see {hidden} there"})
    assert hidden not in masked["note"]
    assert sum(counts.values()) == 1


@pytest.mark.parametrize("value", ["jane.doe@example.com", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"])
@pytest.mark.parametrize(
    "disguise", ["zero width", "word joiner", "soft hyphen", "control characters", "bidirectional"]
)
def test_no_invisible_character_brings_text_out(disguise: str, value: str) -> None:
    hidden = DISGUISES[disguise](value)
    assert hidden not in mask_json([f"see {hidden} there"])[0][0]


def test_a_person_cannot_get_the_value_from_the_mask() -> None:
    assert mask_json(["jane@example.com", "jo@example.com"])[0] == ["[email]", "[email]"]
    assert mask_json({"ssn": "536-90-4399"})[0] == {"ssn": "[national_id]"}


@pytest.mark.parametrize(
    "text",
    [
        "1 " * 50_000,
        "1" * 100_000,
        "a@" * 50_000,
        "-----BEGIN PRIVATE KEY-----" * 3_000,
        "password=" * 10_000,
        "+1" * 50_000,
        "(" * 100_000,
        "4111 1111 1111 1112 " * 5_000,
        ":" * 50_000 + "a:" * 20_000,
        "\u200b" * 50_000,
    ],
)
def test_no_text_makes_it_slow(text: str) -> None:
    """Linear: these take well under the limit of the test run; a quadratic step would take minutes."""
    mask_json({"text": text})
