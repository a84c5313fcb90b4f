"""A document under review, over REST: uploaded, looked at, decided by two people, exported with its record."""

import base64
import json
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from ostiary.documents import record
from tests.house import House, play
from tests.review.papers import LETTER, exported, leaf, of_value, opened


def test_a_document_is_read_decided_exported_and_its_record_verifies(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        document = await opened(house)
        shown = await house.good("GET", f"/v1/documents/{document}")
        assert (shown["state"], shown["format"], shown["name"]) == ("open", "text", "letter.txt")
        found = await leaf(house, document)
        (card,) = of_value(found, "4111 1111 1111 1111")
        assert (card["category"], card["state"], card["by"]) == ("card", "proposed", "")
        help_, ada = of_value(found, "help@example.com")[0], of_value(found, "ada.marsh@example.com")[0]
        assert ada["alike"] == 2
        at = f"/v1/documents/{document}"
        body = {"decision": "accept", "seen": 0, "findings": [ada["id"]], "alike": True}
        assert (await house.good("POST", f"{at}/decisions", json=body))["changed"] == 2
        body = {"decision": "reject", "seen": 1, "findings": [help_["id"]], "reason": "Ours"}
        await house.good("POST", f"{at}/decisions", json=body)
        start = LETTER.index("Bluebottle")
        body = {"seen": 2, "piece": 0, "start": start, "end": start + 10, "category": "code_word"}
        added = await house.good("POST", f"{at}/findings", json=body)
        assert (added["version"], added["changed"]) == (3, 2)
        done = await exported(house, document)
        assert (done["state"], done["code"], done["output"]["name"]) == ("open", "", "letter-redacted.txt")
        part = await house.good("GET", f"{at}/exports/document")
        output = base64.b64decode(part["content"])
        text = output.decode()
        assert "help@example.com" in text
        assert [word in text for word in ("ada.marsh", "4111 1111", "Bluebottle", "Ada Marsh")] == [False] * 4
        envelope = json.loads(base64.b64decode((await house.good("GET", f"{at}/exports/record"))["content"]))
        public = load_pem_public_key((await house.good("GET", f"{at}/key"))["pem"].encode())
        said = record.verify(envelope, public, output)  # type: ignore[arg-type]
        assert (said["review"]["kept"], said["review"]["added_by_hand"]) == (1, 2)
        assert said["review"]["kept_places"][0]["category"] == "email"
        assert "example.com" not in json.dumps(said)

    play(tmp_path, story)
