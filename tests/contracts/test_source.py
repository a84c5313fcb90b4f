"""Texts as trees with places."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.contracts.source import Mark, SourceMistake, locate, plain, read


def refused(text: str, filename: str = "") -> list[tuple[int, int, str]]:
    with pytest.raises(SourceMistake) as caught:
        read(text, filename)
    return [(one.mark.line, one.mark.column, one.detail) for one in caught.value.mistakes]


def test_yaml_is_read_as_yaml_1_2():
    text = "a: no\nb: on\nc: 2020-01-31\nd: 1:30\ne: 'true'\nf: true\ng: 12\nh: 1.5e3\ni:\nj: ~\nk: 1_000\n"
    assert plain(read(text)) == {
        "a": "no", "b": "on", "c": "2020-01-31", "d": "1:30", "e": "true", "f": True, "g": 12, "h": 1500.0, "i": None, "j": None, "k": "1_000",
    }  # fmt: skip


def test_every_value_and_key_has_its_place():
    root = read("a:\n  b: [1, 22]\n")
    assert locate(root, "/a/b/1") == Mark(2, 10)
    assert locate(root, "/a/b") == Mark(2, 3)
    assert locate(root, "/a/missing") == Mark(1, 1)
    assert locate(read('{"x": {"y": 5}}'), "/x/y") == Mark(1, 8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a: 0777\n",
            (
                1,
                4,
                "`0777` is a number to some readers and not to others: put it in quotes, or write it as a plain decimal",
            ),
        ),
        ("a: True\n", (1, 4, "write true in lower case, or put it in quotes to make it text")),
        ("a: 1\na: 2\n", (2, 1, "`a` stands here twice: keep one (the first is in line 1)")),
        ("a: {<<: {}}\n", (1, 5, "merge keys (<<) are not taken: write the keys out")),
        ("1: x\n", (1, 1, "a key is text: put it in quotes")),
        ("a: !!str 1\n", (1, 4, "tags are not taken here: leave out tag:yaml.org,2002:str")),
        ("a: *b\n", (1, 4, "no finished value is named &b: name it before *b")),
        ("--- 1\n--- 2\n", (2, 1, "a second document begins here: write one document a file")),
        ("", (1, 1, "the file is empty: begin with `version: 1` and `actions:`")),
        ("a: 1e999\n", (1, 4, "this number is too large: put it in quotes to make it text")),
        (
            "a: 99999999999999999999\n",
            (1, 4, "this number does not fit 64 bits: put it in quotes to make it text"),
        ),
        ('{"a": 1, "a": 2}', (1, 10, "`a` stands here twice: keep one")),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(text: str, expected: tuple[int, int, str]):
    assert refused(text) == [expected]


def test_all_mistakes_come_at_once():
    assert [line for line, _, _ in refused("a: 0777\nb: True\na: 3\n")] == [1, 2, 3]


def test_a_json_file_is_json_and_nothing_else():
    assert plain(read('{"a": [1, 2.5, true, null, "\\ud83d\\ude00"]}', "x.json")) == {
        "a": [1, 2.5, True, None, "😀"]
    }
    assert refused('{"a": 1,}', "x.json") == [
        (1, 9, "this is not JSON: leave out the comma before the closing bracket")
    ]
    assert refused("a: 1", "x.json")[0][2].startswith("this is not JSON")
    assert plain(read("{a: 1}")) == {"a": 1}


def test_aliases_are_written_out():
    assert plain(read("a: &x [1, 2]\nb: *x\n")) == {"a": [1, 2], "b": [1, 2]}


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.text(max_size=20), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=20))  # fmt: skip
def test_json_means_the_same_to_us_as_to_everybody(value: object):
    import json

    assert plain(read(json.dumps(value), "x.json")) == value
    assert plain(read(json.dumps(value, ensure_ascii=False, indent=1), "x.json")) == value


@given(st.text(max_size=200))
def test_no_text_does_more_than_be_refused(text: str):
    for filename in ("", "x.json"):
        with contextlib.suppress(SourceMistake):
            read(text, filename)
