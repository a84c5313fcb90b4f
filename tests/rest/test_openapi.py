"""The description says what is offered, to whom, and what comes back; and it is valid OpenAPI 3.1."""

from pathlib import Path
from typing import Any

import jsonschema_rs
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.house import House, play
from tests.shop import CONTRACTS

RETURNS = """
    returns:
      type: object
      properties: {email: {type: string, format: email, maxLength: 40}, total: {type: integer}, parts: {type: array, items: {$ref: '#/$defs/Part'}}}
      required: [email]
      $defs: {Part: {type: object, properties: {code: {type: string, pattern: '^[A-Z]{2}$'}}}}
"""


async def described(house: House) -> dict[str, Any]:
    await house.connect("shop", kind="constant")
    await house.connect("letters", kind="constant")
    text = CONTRACTS.replace("    title: Write\n", "    title: Write" + RETURNS)
    for connector, path in (("shop", "/pay"), ("letters", "/mail")):
        assert path in text
        text = "\n".join(
            f"    target: {{connector: {connector}, constant: {{}}}}" if line.startswith(f"    target: {{connector: {connector},") else line
            for line in text.split("\n")
        )  # fmt: skip
    await house.agree(text)
    return dict(await house.good("GET", "/openapi.json"))


def test_it_is_valid_and_every_object_of_ours_is_closed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        document = await described(house)
        OpenAPIV31SpecValidator(document).validate()
        for path, operations in document["paths"].items():
            for operation in operations.values():
                body = (
                    operation.get("requestBody", {})
                    .get("content", {})
                    .get("application/json", {})
                    .get("schema")
                )
                assert body is None or body["additionalProperties"] is False, path

    play(tmp_path, story)


def test_a_contract_says_what_it_returns_as_it_may_look_after_masking(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        document = await described(house)
        answer = document["paths"]["/v1/actions/mail.send"]["post"]["responses"]["200"]
        schema = {**answer["content"]["application/json"]["schema"], "components": document["components"]}
        check = jsonschema_rs.Draft202012Validator(schema)
        done = {"call_id": "cal_1", "state": "done", "masked": {"email": 1}}
        assert check.is_valid(
            {**done, "result": {"email": "[email]", "total": 3, "parts": [{"code": "[id]"}]}}
        )
        assert not check.is_valid({**done, "result": {"total": 3}})
        assert not check.is_valid({**done, "result": {"email": "[email]", "parts": 3}})
        assert not check.is_valid({**done, "result": {"email": "[email]"}, "more": 1})

    play(tmp_path, story)


def test_only_what_can_be_held_answers_202(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        document = await described(house)
        held = {
            operation["operationId"]
            for operations in document["paths"].values()
            for operation in operations.values()
            if "202" in operation["responses"]
        }
        assert {"pay.send", "mail.ask", "connector.put"} <= held
        assert held.isdisjoint({"mail.send", "key.list", "audit.search", "contract.check", "session.start"})

    play(tmp_path, story)


def test_who_shows_no_credential_sees_no_contracts(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        assert "/v1/actions/pay.send" in (await described(house))["paths"]
        bare = await house.good("GET", "/openapi.json", "")
        assert [path for path in bare["paths"] if path.startswith("/v1/actions/")] == []
        page = await house.ask("GET", "/docs")
        assert (page.headers["content-type"], "pay.send" in page.text) == ("text/html; charset=utf-8", True)
        assert "<script" not in page.text
        assert "pay.send" not in (await house.ask("GET", "/docs", "")).text

    play(tmp_path, story)


def test_what_a_job_is_started_with_is_said_for_each_kind(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        operation = (await described(house))["paths"]["/v1/jobs"]["post"]
        check = jsonschema_rs.Draft202012Validator(
            operation["requestBody"]["content"]["application/json"]["schema"]
        )
        for body, status in (
            ({"kind": "upstream.watch"}, 201),
            ({"kind": "upstream.watch", "params": {}}, 201),
            ({"kind": "upstream.watch", "params": {"": None}}, 422),
            ({"kind": "vault.rotation", "params": {"retire": 1}}, 422),
            ({"kind": "webhook.deliver", "params": {}}, 403),
        ):
            answer = await house.ask("POST", "/v1/jobs", json=body)
            assert (answer.status_code, check.is_valid(body)) == (status, status == 201), body

    play(tmp_path, story)


def test_an_empty_segment_is_no_name_of_anything(tmp_path: Path) -> None:
    """A link that is made of an id which is not there leads nowhere, and not to a list."""

    async def story(house: House) -> None:
        for path in ("/v1/approvals/", "/v1/calls//", "/v1/me/", "//v1/me"):
            assert (await house.ask("GET", path)).status_code == 404, path
        assert (await house.ask("POST", "/v1/approvals//approve", json={})).status_code == 404
        assert (await house.ask("GET", "/v1/me")).status_code == 200

    play(tmp_path, story)
