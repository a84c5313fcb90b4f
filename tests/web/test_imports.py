"""Imports at the console, over a whole gateway, with plain forms: make drafts, change a label, accept."""

from pathlib import Path

from tests.house import House, play
from tests.web.test_real_pages import signed_in

DOCUMENT = """
openapi: 3.1.0
info: {title: Letters, version: "1"}
paths:
  /letters:
    post:
      operationId: sendLetter
      summary: Send <b>a</b> letter
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [to, body]
              properties:
                to: {type: string}
                body: {type: string}
                cost_centre: {type: string}
      responses: {"200": {description: Sent.}}
    get:
      operationId: listLetters
      responses: {"200": {description: All.}}
  /scan:
    post:
      operationId: scanLetter
      requestBody: {required: true, content: {image/png: {}}}
      responses: {"200": {description: Read.}}
"""


async def imported(house: House, browser: object) -> str:
    """The address of a fresh import's page."""
    await house.connect("letters", kind="http", base_url="https://127.0.0.1:8443")
    made = await browser.post("/contracts/imports", data={"connector": "letters", "file": DOCUMENT})  # type: ignore[attr-defined]
    assert made.status_code == 303
    return str(made.headers["location"]).split("?")[0]


def test_drafts_are_read_changed_and_accepted(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with await signed_in(house) as browser:
            at = await imported(house, browser)
            review = (await browser.get(at)).text
            assert "letters.send_letter" in review
            assert "to: recipient" in review
            assert "its body is image/png, not JSON" in review
            assert "<b>a</b>" not in review
            draft = (await browser.get(f"{at}/draft?name=letters.send_letter")).text
            assert '<option value="recipient" selected>' in draft
            assert "its name says to" in draft
            saved = await browser.post(
                f"{at}/draft",
                data={"name": "letters.send_letter", "risk": "high", "confirmation": "always", "sentence": "Send a letter to {to}",
                      "label /to": "address", "label /body": "content", "label /cost_centre": "", "trusted": "id\n"},
            )  # fmt: skip
            assert saved.status_code == 303
            nothing = await browser.post(f"{at}/accept", data={"expected": "0"})
            assert (nothing.status_code, "Choose at least one draft." in nothing.text) == (422, True)
            accepted = await browser.post(
                f"{at}/accept",
                data={"expected": "0", "accept": ["letters.send_letter", "letters.list_letters"]},
            )
            assert accepted.headers["location"] == "/contracts?note=contract-applied"
            contract = (await house.good("GET", "/v1/contracts/letters.send_letter"))["contract"]
            assert contract["labels"] == {"/to": "address", "/body": "content"}
            assert (contract["risk"], contract["trusted"], contract["sentence"]) == (
                "high",
                ["id"],
                "Send a letter to {to}",
            )
            page = (await browser.get("/contracts/letters.send_letter")).text
            assert '<span class="chip">address</span>' in page
            stale = await browser.post(
                f"{at}/accept", data={"expected": "0", "accept": ["letters.list_letters"]}
            )
            assert stale.status_code == 409
            assert (await browser.post(f"{at}/discard")).headers[
                "location"
            ] == "/contracts/imports?note=import-discarded"
            assert (await browser.get(at)).status_code == 404

    play(tmp_path, story)


def test_a_text_with_a_mistake_is_shown_with_it_and_kept_in_the_form(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with await signed_in(house) as browser:
            at = await imported(house, browser)
            wrong = await browser.post(
                f"{at}/draft", data={"name": "letters.list_letters", "text": "name: ["}
            )
            assert (wrong.status_code, "this is not YAML" in wrong.text, "name: [" in wrong.text) == (
                422,
                True,
                True,
            )
            text = "name: letters.list_letters\ndescription: All.\nrisk: hihg\ntarget: {connector: letters, http: {method: GET, path: /letters}}"
            assert (
                await browser.post(f"{at}/draft", data={"name": "letters.list_letters", "text": text})
            ).status_code == 303
            review = (await browser.get(at)).text
            assert "did you mean `high`?" in review
            assert 'value="letters.list_letters"' not in review
            refused = await browser.post(
                f"{at}/accept", data={"expected": "0", "accept": ["letters.list_letters"]}
            )
            assert (refused.status_code, "Nothing was accepted" in refused.text) == (422, True)

    play(tmp_path, story)


def test_a_document_that_is_none_keeps_what_was_typed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with await signed_in(house) as browser:
            answer = await browser.post(
                "/contracts/imports", data={"connector": "letters", "file": "swagger: '2.0' # mine"}
            )
            assert answer.status_code == 422
            assert "convert it to OpenAPI 3 first" in answer.text
            assert "# mine" in answer.text
            empty = await browser.post("/contracts/imports", data={"connector": "letters", "file": ""})
            assert (empty.status_code, "no upstream MCP server is set up" in empty.text) == (422, True)

    play(tmp_path, story)


def test_who_only_reads_sees_drafts_and_no_buttons(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with await signed_in(house) as browser:
            at = await imported(house, browser)
        await house.good(
            "POST", "/v1/members", json={"email": "vera@pellow.example", "name": "Vera", "role": "viewer"}
        )
        house.owner = await house.sign_in("vera@pellow.example")
        async with await signed_in(house) as browser:
            page = await browser.get(at)
            assert (
                page.status_code,
                "Accept what is chosen" in page.text,
                'type="checkbox"' in page.text,
            ) == (200, False, False)
            assert "Save the draft" not in (await browser.get(f"{at}/draft?name=letters.send_letter")).text
            assert (
                await browser.post(f"{at}/accept", data={"expected": "0", "accept": ["letters.list_letters"]})
            ).status_code == 403
            assert (
                await browser.post("/contracts/imports", data={"connector": "letters", "file": DOCUMENT})
            ).status_code == 403

    play(tmp_path, story)
