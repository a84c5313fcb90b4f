"""An answer that is too large for a row is kept as a sealed file, and comes back whole to who may see it."""

from pathlib import Path

from tests.house import House, play

CONTRACTS = """
version: 1
actions:
  - name: book.read
    title: Read a book
    description: A long constant.
    parameters: {properties: {}, additionalProperties: false}
    roles: [support, owner]
    target: {connector: fixed, constant: {text: [%s]}}
"""


def test_a_large_answer_is_a_sealed_file_outside_the_database(tmp_path: Path) -> None:
    page = "lorem ipsum " * 1_000

    async def story(house: House) -> None:
        await house.connect("fixed", kind="constant")
        await house.agree(CONTRACTS % ", ".join([page] * 10))
        answer = await house.good("POST", "/v1/actions/book.read", json={})
        assert answer["result"]["text"] == [page.strip()] * 10
        (event,) = (await house.good("GET", "/v1/audit/events", params={"call": answer["call_id"]}))["events"]
        (file,) = (tmp_path / "blobs").rglob(event["id"] + "*")
        assert b"lorem ipsum" not in file.read_bytes()
        shown = await house.good("POST", f"/v1/audit/events/{event['id']}/reveal", json={})
        assert shown["parts"][0]["content"]["answer"]["text"] == [page.strip()] * 10
        file.unlink()
        gone = await house.good("POST", f"/v1/audit/events/{event['id']}/reveal", json={})
        assert (gone["parts"][0]["state"], gone["parts"][0]["content"]) == ("gone", None)
        assert (await house.good("POST", "/v1/audit/verify", json={}))["ok"]

    play(tmp_path, story)
