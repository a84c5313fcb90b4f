"""Suggested labels against what a careful person says of 335 tools, and the rules one by one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.actions import Risk
from ostiary.contracts.labels.fields import FIELDS_MAX, fields
from ostiary.contracts.labels.names import concept, words
from ostiary.contracts.labels.sense import Described
from ostiary.contracts.labels.suggest import Suggestion, suggest
from tests.contracts.importing.corpus import Expected, corpus

EVERY = [*corpus("corpus.txt"), *corpus("held_out.txt"), *corpus("held_out_2.txt")]


def told(found: Suggestion, parameter: str) -> str:
    return next((label for path, label in found.labels.items() if path.split("/")[1] == parameter), "")


def test_the_corpus_is_as_large_as_it_says():
    assert (len(EVERY), len({one.tools for one in EVERY})) == (335, 39)


@pytest.mark.parametrize("tools", sorted({one.tools for one in EVERY}))
def test_every_tool_of_a_set_is_labelled_as_a_careful_person_would(tools: str):
    wrong = [mistake for one in EVERY if one.tools == tools for mistake in mistakes(one)]
    assert wrong == []


def mistakes(one: Expected) -> list[str]:
    found = suggest(one.tool)
    name = one.tool.name
    said = [f"{name}: {found.effect}"] if found.effect != one.effect else []
    said += [f"{name}: {found.risk}"] if (found.risk is Risk.HIGH) != one.high else []
    return said + [
        f"{name}.{key}: {told(found, key)!r}"
        for key, label in one.labels.items()
        if told(found, key) != label
    ]


def test_every_suggestion_says_why():
    for one in EVERY:
        found = suggest(one.tool)
        assert {"effect", "risk", *found.labels} <= set(found.why)
        assert all(found.why.values())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("toAddresses", ("to", "address")),
        ("to-addresses", ("to", "address")),
        ("userID", ("user", "id")),
        ("userid", ("user", "id")),
        ("HTTPHeaders", ("http", "header")),
        ("Rechnungsnummer", ("rechnung", "nummer")),
        ("Empfänger", ("empfanger",)),
        ("straße", ("strasse",)),
        ("ipv4_2", ("ipv", "4", "2")),
        ("", ()),
        ("___", ()),
        ("送信", ()),
    ],
)
def test_names_are_taken_apart(name: str, expected: tuple[str, ...]):
    assert words(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("email_subject", "text"),
        ("subject_email", "email"),
        ("account_number", "account"),
        ("invoice_number", "id"),
        ("phoneNumber", "phone"),
        ("number_of_guests", "paging"),
        ("file_name", "path"),
        ("first_name", "text"),
        ("wallet_address", "account"),
        ("shipping_address", "postal"),
        ("created_at", "date"),
        ("id_cliente", "person"),
        ("zip_code", "postal"),
        ("sort_code", "account"),
        ("qwertz", ""),
    ],
)
def test_names_mean_what_their_head_says(name: str, expected: str):
    assert concept(words(name)) == expected


READ_ONLY = {"readOnlyHint": True}


@pytest.mark.parametrize(
    ("tool", "effect"),
    [
        (Described("frobnicate"), "write"),
        (Described("frobnicate", annotations=READ_ONLY), "read"),
        (Described("delete_everything", annotations=READ_ONLY), "write"),
        (Described("get_report", annotations={"readOnlyHint": False}), "write"),
        (Described("get_report", annotations={"destructiveHint": True}), "write"),
        (Described("get_report", annotations={"readOnlyHint": "true"}), "read"),
        (Described("get_or_create_user"), "write"),
        (Described("return_delivered_items"), "write"),
        (Described("resolve_ticket"), "write"),
        (Described("check_in_guest"), "write"),
        (Described("recall_message"), "write"),
        (Described("track_shipment"), "read"),
        (Described("track_event"), "write"),
        (Described("ShopViewCart"), "read"),
        (Described("get_status", description="Deletes the status."), "write"),
        (Described("report", description="Returns the newest report."), "read"),
        (Described("statuses", method="GET"), "read"),
        (Described("remove_user", method="GET"), "write"),
        (Described("search_orders", method="POST"), "read"),
        (Described("list_orders", method="DELETE"), "write"),
        (Described(""), "write"),
    ],
)
def test_in_doubt_it_writes(tool: Described, effect: str):
    assert suggest(tool).effect == effect


def test_a_read_that_carries_text_outward_is_labelled_so():
    text = {"type": "object", "properties": {"q": {"type": "string"}}}
    assert suggest(Described("search_orders", parameters=text)).labels == {"/q": "selector"}
    assert suggest(Described("search_web", parameters=text)).labels == {"/q": "content"}
    assert suggest(
        Described("search_orders", parameters=text, annotations={"openWorldHint": True})
    ).labels == {"/q": "content"}


def test_labels_reach_into_lists_and_objects_and_alternatives():
    parameters = {
        "type": "object",
        "$defs": {
            "who": {
                "type": "object",
                "properties": {"email": {"type": "string"}, "display_name": {"type": "string"}},
            }
        },
        "properties": {
            "to": {"type": "array", "items": {"$ref": "#/$defs/who"}},
            "cc": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
            "message": {
                "type": "object",
                "properties": {"body": {"oneOf": [{"type": "string"}, {"type": "null"}]}},
            },
        },
    }
    assert suggest(Described("send_mail", parameters=parameters)).labels == {
        "/to/*/email": "recipient",
        "/to/*/display_name": "content",
        "/cc": "recipient",
        "/message/body": "content",
    }


RECORD: dict[str, Any] = {
    "type": "object",
    "properties": {
        "rows": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "email": {"type": "string"},
                    "note": {"type": "string"},
                    "state": {"enum": ["open", "shut"]},
                    "at": {"type": "string", "format": "date-time"},
                    "total": {"type": "number"},
                },
            },
        }
    },
}


def test_what_the_system_made_is_trusted_and_what_people_write_is_not():
    found = suggest(Described("list_tickets", returns=RECORD))
    assert found.trusted == ("/rows/*/id", "/rows/*/state", "/rows/*/at", "/rows/*/total")


def test_an_address_is_trusted_only_from_a_directory():
    assert "/rows/*/email" in suggest(Described("list_employees", returns=RECORD)).trusted
    assert "/rows/*/email" not in suggest(Described("list_tickets", returns=RECORD)).trusted


def test_readers_are_whom_the_record_lists():
    returns = {
        "type": "object",
        "properties": {
            "files": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "text": {"type": "string"},
                        "owner": {"type": "string"},
                        "shared_with": {"type": "array", "items": {"type": "string"}},
                    },
                },
            }
        },
    }
    found = suggest(Described("list_files", returns=returns))
    assert found.readers == {
        "/files/*/name": ("/files/*/owner", "/files/*/shared_with"),
        "/files/*/text": ("/files/*/owner", "/files/*/shared_with"),
    }
    assert suggest(Described("create_file", returns=returns)).readers == {}


def test_a_schema_that_contains_itself_ends():
    tree: dict[str, Any] = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "child": {"$ref": "#"}},
    }
    assert [field.path for field in fields(tree)] == ["/name", "/child/name"]


def test_a_schema_that_doubles_is_bounded():
    bomb: dict[str, Any] = {"type": "object", "properties": {}, "$defs": {}}
    for level in range(20):
        part = {"$ref": f"#/$defs/l{level + 1}"}
        bomb["$defs"][f"l{level}"] = {"type": "object", "properties": {"a": part, "b": part}}
    bomb["$defs"]["l20"] = {"type": "string"}
    bomb["properties"]["x"] = {"$ref": "#/$defs/l0"}
    assert len(fields(bomb)) <= FIELDS_MAX


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "items", "anyOf", "$ref", "enum", "format", "description", "a"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.text(max_size=30), JSON, JSON, JSON)
def test_nothing_that_a_server_says_breaks_a_suggestion(
    name: str, parameters: Any, returns: Any, annotations: Any
):
    tool = Described(
        name, "", name, parameters, returns, annotations if isinstance(annotations, dict) else {}
    )
    assert suggest(tool).effect in ("read", "write")


NOTHING: dict[str, Any] = {"type": "object", "properties": {}}
SOMETHING: dict[str, Any] = {"type": "object", "properties": {"x": {"type": "string"}}}


@pytest.mark.parametrize(
    ("name", "parameters", "whole"),
    [
        ("get_balance", NOTHING, True),
        ("get_hotel_prices", SOMETHING, True),
        ("check_restaurant_opening_hours", SOMETHING, True),
        ("get_user_info", NOTHING, True),
        ("whoami", NOTHING, True),
        ("get_user_info", SOMETHING, False),
        ("list_users", NOTHING, False),
        ("get_hotel", SOMETHING, False),
        ("get_hotel_reviews", SOMETHING, False),
        ("get_hotel_ratings_and_reviews", SOMETHING, False),
        ("get_customer_address", SOMETHING, False),
        ("get_messages_by_date", SOMETHING, False),
        ("read_file", SOMETHING, False),
        ("get_web_page_date", SOMETHING, False),
        ("set_price", SOMETHING, False),
    ],
)
def test_without_a_schema_a_whole_answer_is_trusted_only_where_nobody_writes_sentences(
    name: str, parameters: dict[str, Any], whole: bool
):
    assert ("*" in suggest(Described(name, parameters=parameters)).trusted) is whole


def test_who_wrote_in_a_chat_is_known_to_it_and_who_wrote_a_mail_is_not():
    assert "sender" in suggest(Described("read_channel_messages", parameters=SOMETHING)).trusted
    assert "sender" not in suggest(Described("read_emails", parameters=SOMETHING)).trusted


@pytest.mark.parametrize(
    "name", ["get_user_information", "get_my_profile", "read_payslips", "get_medical_record"]
)
def test_what_is_for_its_owners_eyes_is_read_by_the_owner(name: str):
    assert suggest(Described(name, parameters=NOTHING)).readers == {"*": ("owner",)}
