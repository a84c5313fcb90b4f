"""Restoring: text, JSON within JSON, and answers that arrive in pieces."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.redaction.keys import Scope
from ostiary.redaction.restore import StreamRestorer, restored_json, restored_text
from ostiary.redaction.restore_calls import ChatRestorer, MessageRestorer
from ostiary.redaction.tokens import TOKEN, token

SCOPE = Scope("acme", "chat", {1: b"k" * 32}, 1)
HARD = 'He said "hi" \\ a\nb é {"x": 1} \u2028'
TOKENS = {
    token(SCOPE, category, value): value
    for category, value in (("person", HARD), ("email", "jane@example.com"), ("card", "4111 1111 1111 1111"))
}
PARTS = st.sampled_from(
    [
        *TOKENS,
        "ostk_",
        "ostk_email_1_",
        "o",
        "OSTK",
        " and ",
        '"',
        "\\",
        "{",
        "u",
        "é",
        "0000",
        next(iter(TOKENS))[:40],
    ]
)


def streamed(text: str, places: list[int], form: str = "text") -> str:
    ends = [0, *sorted(places), len(text)]
    restorer = StreamRestorer(SCOPE, form)  # type: ignore[arg-type]
    pieces = [restorer.feed(text[low:high]) for low, high in itertools.pairwise(ends)]
    return "".join([*pieces, restorer.close()])


@settings(deadline=None)
@given(st.lists(PARTS, max_size=12).map("".join), st.data(), st.sampled_from(["text", "json"]))
def test_any_cut_restores_alike(text: str, data: st.DataObject, form: str) -> None:
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=10))
    expected = restored_text(text, SCOPE, form=form)  # type: ignore[arg-type]
    assert streamed(text, places, form) == expected
    assert streamed(text, list(range(len(text))), form) == expected


def test_text_is_restored() -> None:
    one, two, three = TOKENS
    assert (
        restored_text(f"{one}, {two.upper()}s! ({three}{two})", SCOPE)
        == f"{HARD}, jane@example.coms! (4111 1111 1111 1111jane@example.com)"
    )


def test_prose_is_not_held_back() -> None:
    restorer = StreamRestorer(SCOPE)
    assert restorer.feed("hello world") == "hello world"
    assert restorer.feed("hello") == "hell"
    assert restorer.feed(" ") == "o "


def replaced(value: object) -> object:
    """Every token in a JSON value by its value, the plain way."""
    if isinstance(value, str):
        if value[:1] in ("{", "["):
            return json.dumps(replaced(json.loads(value)), ensure_ascii=False)
        return TOKEN.sub(lambda match: TOKENS[match[0]], value)
    if isinstance(value, dict):
        return {key: replaced(each) for key, each in value.items()}
    return [replaced(each) for each in value] if isinstance(value, list) else value


ONE, TWO, _ = TOKENS
INNER = {"to": TWO, "list": [ONE, {"deep": f"a {ONE} b"}], "n": 1.5}
DOCUMENTS = (
    {"a": ONE, "b": [f"x{ONE}y{TWO}"], "c": None},
    {"call": json.dumps(INNER)},
    {"call": json.dumps({"again": json.dumps(INNER), "other": ONE})},
    {'5" pipe': f'say "{ONE}" \\', "path": "C:\\", "next": TWO},
    [json.dumps([json.dumps([json.dumps([ONE])])])],
    {"not json": '{"' + TWO, "after": ONE},
)


@pytest.mark.parametrize("document", DOCUMENTS[:5])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_stays_valid_and_says_the_value(document: object, ascii_only: bool) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only)
    assert json.loads(restored_text(text, SCOPE, form="json")) == replaced(document)
    assert restored_json(document, SCOPE) == replaced(document)
    for size in (1, 2, 3, 7, 64):
        assert streamed(text, list(range(0, len(text), size)), "json") == restored_text(
            text, SCOPE, form="json"
        )


def test_what_only_looks_like_inner_json_leaves_the_outer_valid() -> None:
    text = json.dumps(DOCUMENTS[5])
    assert json.loads(restored_text(text, SCOPE, form="json"))["after"] == HARD


def test_a_token_outside_of_a_string_is_left() -> None:
    restorer = StreamRestorer(SCOPE, "json")
    assert restorer.feed(f"[{TWO}]") + restorer.close() == f"[{TWO}]"
    assert restorer.refused == {"no_string": 1}


def test_only_what_was_given_out_is_restored() -> None:
    restorer = StreamRestorer(SCOPE, given_out={TWO}.__contains__)
    assert restorer.feed(f"{ONE} {TWO.upper()}") + restorer.close() == f"{ONE} jane@example.com"
    assert (restorer.restored, restorer.refused) == (1, {"not_given_out": 1})


def test_arguments_of_calls_of_chat_completions() -> None:
    arguments = json.dumps({"to": TWO, "body": json.dumps({"name": ONE})})
    pieces = [arguments[i : i + 9] for i in range(0, len(arguments), 9)]
    restorer, content, calls = ChatRestorer(SCOPE), "", {0: "", 1: ""}
    events: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"content": f"Writing to {TWO[:30]}"}}]},
        {"choices": [{"index": 0, "delta": {"content": TWO[30:] + " os"}}]},
    ]
    for piece in pieces:  # two calls, their pieces interleaved
        events += [
            {
                "choices": [
                    {"index": 0, "delta": {"tool_calls": [{"index": i, "function": {"arguments": piece}}]}}
                ]
            }
            for i in (0, 1)
        ]
    events += [
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
        {"choices": [], "usage": {}},
    ]
    for event in events:
        for choice in restorer.feed(event)["choices"]:
            content += choice["delta"].get("content") or ""
            for call in choice["delta"].get("tool_calls") or ():
                calls[call["index"]] += call["function"]["arguments"]
    assert content == "Writing to jane@example.com os"
    assert [json.loads(call) for call in calls.values()] == [
        {"to": "jane@example.com", "body": json.dumps({"name": HARD}, ensure_ascii=False)}
    ] * 2


def test_a_chat_that_ends_without_saying_so_loses_nothing_whatever_its_texts_are_called() -> None:
    arguments = json.dumps({"to": TWO})
    deltas: list[dict[str, object]] = [
        {"role": "assistant", "content": f"To {TWO[:30]}", "reasoning_content": f"about {TWO[:12]}"},
        {"content": TWO[30:], "reasoning_content": TWO[12:] + " os"},
        {"tool_calls": [{"index": 0, "id": "ostk_", "function": {"name": "send", "arguments": arguments}}]},
    ]
    restorer, texts = ChatRestorer(SCOPE), {"content": "", "reasoning_content": "", "call": ""}
    events = [restorer.feed({"choices": [{"delta": delta}]}) for delta in deltas]
    events += restorer.close()
    for delta in (choice["delta"] for event in events for choice in event["choices"]):
        for name in ("content", "reasoning_content"):
            texts[name] += delta.get(name) or ""
        for call in delta.get("tool_calls") or ():
            texts["call"] += call["function"]["arguments"]
    assert texts == {
        "content": "To jane@example.com",
        "reasoning_content": "about jane@example.com os",
        "call": json.dumps({"to": "jane@example.com"}),
    }
    assert events[0]["choices"][0]["delta"]["role"] == "assistant"
    assert restorer.close() == []


def test_messages_that_end_without_saying_so_lose_nothing() -> None:
    restorer = MessageRestorer(SCOPE)
    piece = {"type": "content_block_delta", "index": 3, "delta": {"type": "text_delta", "text": "To " + TWO[:30]}}  # fmt: skip
    first = restorer.feed(piece)
    rest = restorer.close()
    assert (first[0]["delta"]["text"], rest[0]["index"], rest[0]["delta"]) == ("To ", 3, {"type": "text_delta", "text": TWO[:30]})  # fmt: skip
    assert restorer.close() == []


def test_arguments_of_calls_of_messages() -> None:
    arguments = json.dumps({"to": [TWO, ONE]})
    events: list[dict[str, object]] = [
        {"type": "content_block_start", "index": 0},
        {"type": "content_block_start", "index": 1},
    ]
    for i in range(0, len(arguments), 5):
        events.append(
            {
                "type": "content_block_delta",
                "index": 1,
                "delta": {"type": "input_json_delta", "partial_json": arguments[i : i + 5]},
            }
        )
        events.append(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": f"{TWO} so"}}
        )
    events += [
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_stop", "index": 1},
        {"type": "message_stop"},
    ]
    restorer = MessageRestorer(SCOPE)
    out = [each for event in events for each in restorer.feed(event)]
    deltas = [each["delta"] for each in out if each["type"] == "content_block_delta"]
    assert json.loads("".join(delta.get("partial_json", "") for delta in deltas)) == {
        "to": ["jane@example.com", HARD]
    }
    assert set("".join(delta.get("text", "") for delta in deltas).split("jane@example.com")) == {"", " so"}
    assert out[-1] == {"type": "message_stop"}
    assert [each["type"] for each in out].count("content_block_stop") == 2
