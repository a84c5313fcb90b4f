import pytest

from ostiary.connectors.template import (
    ABSENT,
    compile_json,
    compile_path,
    compile_text,
    fill_json,
    fill_path,
    fill_text,
    names_in,
)
from ostiary.errors import InvalidParameters


@pytest.mark.parametrize(
    ("template", "params", "filled"),
    [
        ("plain", {}, "plain"),
        ("{a}", {"a": "x"}, "x"),
        ("{a}-{b}!", {"a": 1, "b": 2.5}, "1-2.5!"),
        ("{{{a}}}", {"a": True}, "{true}"),
        ("{a}", {"a": "{b}"}, "{b}"),
        ("{a}", {"a": None}, ABSENT),
        ("{a}", {}, ABSENT),
    ],
)
def test_a_text_is_filled_once(template, params, filled):
    assert fill_text(compile_text(template), params) == filled


@pytest.mark.parametrize("template", ["{", "}", "{a", "a}", "{a b}", "{}", "{1a}", "{{}"])
def test_a_brace_that_stands_alone_is_a_mistake(template):
    with pytest.raises(ValueError, match="brace"):
        compile_text(template)


def test_a_whole_place_keeps_its_type_and_an_absent_one_is_left_out():
    compiled = compile_json(
        {
            "amount": "{amount}",
            "note": "for {who}",
            "tags": "{tags}",
            "list": ["{a}", "{b}"],
            "fixed": 7,
            "nil": None,
            "opt": "{gone}",
        }
    )
    assert names_in(compiled) == {"amount", "who", "tags", "a", "b", "gone"}
    params = {"amount": 12, "who": "Ada", "tags": ["x", {"y": 1}], "b": None}
    assert fill_json(compiled, params) == {
        "amount": 12,
        "note": "for Ada",
        "tags": ["x", {"y": 1}],
        "list": [None],
        "fixed": 7,
        "nil": None,
    }


def test_a_list_does_not_fit_into_a_text():
    with pytest.raises(InvalidParameters) as caught:
        fill_text(compile_text("for {who}"), {"who": ["Ada"]})
    assert caught.value.faults[0].pointer == "/who"


def test_nesting_has_a_bound():
    deep: object = "x"
    for _ in range(25):
        deep = [deep]
    with pytest.raises(ValueError, match="deeper than 20"):
        compile_json(deep)


@pytest.mark.parametrize(
    ("path", "params", "filled"),
    [
        ("/", {}, "/"),
        ("/v1/invoices/{id}/refunds", {"id": "INV-1"}, "/v1/invoices/INV-1/refunds"),
        ("/a/{id}.json", {"id": 12}, "/a/12.json"),
        ("/a/{id}", {"id": "a b?c=d#e&f;g"}, "/a/a%20b%3Fc%3Dd%23e%26f%3Bg"),
        ("/a/{id}", {"id": "100%2F"}, "/a/100%252F"),
        ("/a/{id}", {"id": "\u00e9\u4e2d"}, "/a/%C3%A9%E4%B8%AD"),
        ("/a/{id}", {"id": "..."}, "/a/..."),
    ],
)
def test_a_parameter_stays_one_segment(path, params, filled):
    assert fill_path(compile_path(path), params) == filled


@pytest.mark.parametrize(
    "path",
    ["", "a", "/a?b=c", "/a#b", "/a b", "/../a", "/a/./b", "/a/%2e%2e/b", "/a%2fb", "/%zz", "/a\\b", "/{"],
)
def test_a_path_that_is_not_plain_is_a_mistake(path):
    with pytest.raises(ValueError, match=r"path|brace"):
        compile_path(path)
