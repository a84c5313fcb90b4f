"""OpenAPI documents as drafts: what is sent where, what is left out and why."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from ostiary.connectors.targets import check_target
from ostiary.contracts.file import check_text
from ostiary.contracts.importing.drafts import Draft, Imported
from ostiary.contracts.importing.openapi import imported_openapi
from ostiary.errors import ContractInvalid

SHOP = (Path(__file__).parent / "shop.yaml").read_text(encoding="utf-8")


def taken(paths: dict[str, Any], *, base_url: str = "", **more: Any) -> Imported:
    document = {"openapi": "3.0.3", "info": {"title": "T", "version": "1"}, "paths": paths, **more}
    return imported_openapi(orjson.dumps(document).decode(), "api.json", "api", base_url)


def one(operation: dict[str, Any], method: str = "post", path: str = "/things", **more: Any) -> Draft:
    made = taken({path: {method: operation}}, **more)
    assert made.left == ()
    return made.drafts[0]


def why_not(operation: dict[str, Any], method: str = "post", path: str = "/things", **more: Any) -> str:
    made = taken({path: {method: operation}}, **more)
    assert made.drafts == ()
    return made.left[0].detail


def body(schema: dict[str, Any], kind: str = "application/json") -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema}}}}


def test_a_document_becomes_drafts_that_check():
    made = imported_openapi(SHOP, "shop.yaml", "shop", "https://shop.example.com/api")
    assert [(draft.source, draft.item["name"], draft.item["effect"]) for draft in made.drafts] == [
        ("GET /orders", "shop.list_orders", "read"),
        ("POST /orders", "shop.create_order", "write"),
        ("GET /orders/{order-id}", "shop.get_orders", "read"),
        ("DELETE /orders/{order-id}", "shop.cancel_order", "write"),
        ("POST /orders/{order-id}/refund", "shop.refund_orders", "write"),
        ("POST /orders/search", "shop.search_orders", "read"),
        ("PUT /trees", "shop.save_tree", "write"),
    ]
    text = yaml.safe_dump({"version": 1, "actions": [draft.item for draft in made.drafts]})
    assert check_text(text, "drafts.yaml", check_target).text() == "drafts.yaml: 7 actions, no mistakes"
    assert {left.source: left.detail for left in made.left} == {
        "PUT /photos": "its body is multipart/form-data, not JSON",
        "GET /elsewhere": "it refers to something that is not in this document; nothing is fetched",
    }
    assert made.notes == (
        "The service asks for HTTP bearer authentication, a key in the header: the connector holds the credential; nothing of it is imported.",
    )


def test_every_parameter_has_its_place():
    drafts = {
        draft.source: draft.item
        for draft in imported_openapi(SHOP, "shop.yaml", "shop", "https://shop.example.com/api").drafts
    }
    assert drafts["GET /orders"]["target"]["http"] == {
        "method": "GET",
        "path": "/v2/orders",
        "query": {"status": "{status}", "tags": "{tags}"},
        "headers": {"X-Store": "{X_Store}"},
    }
    refund = drafts["POST /orders/{order-id}/refund"]
    assert refund["target"]["http"] == {
        "method": "POST",
        "path": "/v2/orders/{order_id}/refund",
        "body": {"amount": "{amount}", "reason": "{reason}", "order-id": "{body_order_id}"},
    }
    assert refund["parameters"]["required"] == ["order_id", "amount"]
    assert refund["parameters"]["properties"]["amount"] == {"type": "number", "exclusiveMinimum": 0}
    assert refund["parameters"]["properties"]["reason"] == {"type": ["string", "null"]}
    assert refund["labels"] == {
        "/order_id": "id",
        "/amount": "amount",
        "/reason": "content",
        "/body_order_id": "id",
    }


def test_what_a_request_must_not_hold_is_no_parameter_and_allof_is_joined():
    drafts = {draft.source: draft.item for draft in imported_openapi(SHOP, "shop.yaml", "shop").drafts}
    created = drafts["POST /orders"]["parameters"]
    assert set(created["properties"]) == {"X_Store", "note", "customer_email", "shipping_address"}
    assert set(created["required"]) == {"note", "customer_email"}


def test_the_answers_schema_is_kept_for_reads_only():
    """A write whose answer does not fit would be refused after it was done."""
    drafts = {draft.source: draft.item for draft in imported_openapi(SHOP, "shop.yaml", "shop").drafts}
    assert "returns" in drafts["GET /orders"]
    assert "returns" not in drafts["POST /orders"]
    assert drafts["GET /orders"]["trusted"] == ["/*/id", "/*/total", "/*/state"]


@pytest.mark.parametrize(
    ("server", "base_url", "path"),
    [
        ("https://a.example/v1", "https://a.example/v1", "/things"),
        ("https://a.example/v1", "https://a.example", "/v1/things"),
        ("https://a.example/api/v1/", "https://a.example/api", "/v1/things"),
        ("/v1", "https://a.example", "/v1/things"),
        ("https://a.example", "https://a.example/inside", "/things"),
        ("https://a.example/v1", "", "/things"),
    ],
)
def test_paths_begin_where_the_connectors_address_ends(server: str, base_url: str, path: str):
    draft = one({}, "get", servers=[{"url": server}], base_url=base_url)
    assert draft.item["target"]["http"]["path"] == path


def test_another_server_than_the_connectors_is_told():
    made = taken({"/a": {"get": {}}}, servers=[{"url": "https://b.example"}], base_url="https://a.example")
    assert made.notes == () or made.notes
    made = taken(
        {"/a": {"get": {}}}, servers=[{"url": "https://b.example/v1"}], base_url="https://a.example/v1"
    )
    assert made.notes == ("It names the server b.example; calls go to the connector's address, a.example.",)


@pytest.mark.parametrize(
    ("operation", "method", "path", "detail"),
    [
        (body({"type": "object"}, "application/x-www-form-urlencoded"), "post", "/a", "its body is application/x-www-form-urlencoded, not JSON"),
        ({"parameters": [{"name": "s", "in": "cookie", "required": True, "schema": {}}]}, "get", "/a", "its parameter s is required, and parameters in a cookie are not sent"),
        ({"parameters": [{"name": "s", "in": "query", "required": True, "style": "pipeDelimited", "schema": {"type": "array"}}]}, "get", "/a",
         "its parameter s is required, and it is written in a style that is not sent"),
        ({"parameters": [{"name": "s", "in": "path", "required": True, "style": "matrix", "schema": {}}]}, "get", "/a/{s}",
         "its parameter s is required, and it is written in a style that is not sent"),
        ({}, "get", "/a/{s}", "its path has a place {s} that is no parameter"),
        ({"parameters": [{"name": "s", "in": "path", "required": True, "schema": {}}]}, "get", "/a", "its path has no place for the parameter s"),
        ({"parameters": [{"in": "query"}]}, "get", "/a", "one of its parameters has no name or no place"),
        ({"parameters": [{"$ref": "#/components/parameters/None"}]}, "get", "/a", "it refers to something that is not in this document; nothing is fetched"),
        ({"parameters": [{"$ref": "file:///etc/passwd"}]}, "get", "/a", "it refers to something that is not in this document; nothing is fetched"),
        (body({"$ref": "http://169.254.169.254/latest"}), "post", "/a",
         "it refers to 'http://169.254.169.254/latest' at the top, which is not in this document; nothing is fetched"),
        ({}, "trace", "/a", "TRACE is not sent"),
        ({"parameters": [{"name": f"p{number}", "in": "query", "schema": {}} for number in range(33)]}, "get", "/a", "it has more than 32 parameters in its query"),
    ],
)  # fmt: skip
def test_what_could_not_be_sent_as_described_is_no_draft(
    operation: dict[str, Any], method: str, path: str, detail: str
):
    assert why_not(operation, method, path) == detail


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[]", "an OpenAPI document is an object that begins with openapi: 3.1.0"),
        ("swagger: '2.0'", "this is Swagger 2.0: convert it to OpenAPI 3 first"),
        ("openapi: 4.0.0", "this reads OpenAPI 3.0 and 3.1: write openapi: 3.1.0 if it is one"),
        ("openapi: 3.1", "this reads OpenAPI 3.0 and 3.1: write openapi: 3.1.0 if it is one"),
        ("openapi: 3.1.0", "the document describes no paths"),
        ("openapi: 3.1.0\npaths: {}", "the document describes no paths"),
    ],
)
def test_what_is_no_openapi_document_is_refused(text: str, fault: str):
    with pytest.raises(ContractInvalid) as refused:
        imported_openapi(text, "x.yaml", "api")
    assert [one.detail for one in refused.value.faults] == [fault]


def test_a_text_that_is_no_yaml_is_refused_with_its_line():
    with pytest.raises(ContractInvalid) as refused:
        imported_openapi("openapi: 3.1.0\npaths: [", "x.yaml", "api")
    assert refused.value.faults[0].detail.startswith("line 3, column 1: this is not YAML")


def test_a_body_that_is_a_list_is_one_parameter():
    draft = one(body({"type": "array", "items": {"type": "string"}}))
    assert draft.item["target"]["http"]["body"] == "{body}"
    assert draft.item["parameters"]["required"] == ["body"]


def test_alternatives_of_a_body_are_offered_side_by_side():
    cat = {
        "type": "object",
        "required": ["name", "lives"],
        "properties": {"name": {"type": "string"}, "lives": {"type": "integer"}},
    }
    dog = {
        "type": "object",
        "required": ["name", "tricks"],
        "properties": {"name": {"type": "string"}, "tricks": {"type": "string"}},
    }
    draft = one(body({"oneOf": [cat, dog]}))
    assert set(draft.item["parameters"]["properties"]) == {"name", "lives", "tricks"}
    assert draft.item["parameters"]["required"] == ["name"]
    assert [note.detail for note in draft.notes] == [
        "its alternatives are offered side by side; the service checks which of them go together"
    ]


def test_two_operations_never_share_a_name():
    made = taken(
        {
            "/a": {"get": {"operationId": "get_it"}, "post": {"operationId": "get.it"}},
            "/b": {"get": {"operationId": "getIt"}},
        }
    )
    names = [draft.item["name"] for draft in made.drafts]
    assert names[0] == "api.get_it"
    assert len({name.replace(".", "_") for name in names}) == 3


@pytest.mark.parametrize("connector", ["audit", "9lives", "a" * 63, "my-api"])
def test_any_connectors_name_gives_names_that_check(connector: str):
    document = {
        "openapi": "3.1.0",
        "paths": {
            "/a": {"get": {"operationId": "listEverythingThatHasEverBeenHeldHereAndElsewhereInTheWorld"}}
        },
    }
    made = imported_openapi(orjson.dumps(document).decode(), "x.json", connector)
    text = yaml.safe_dump({"version": 1, "actions": [draft.item for draft in made.drafts]})
    assert [
        m.detail for m in check_text(text, "x.yaml", check_target).mistakes if m.pointer.endswith("/name")
    ] == []
