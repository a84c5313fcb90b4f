"""`ostiary documents` against a running gateway."""

import json
from pathlib import Path

from tests.cli.test_commands import Command
from tests.cli.test_commands import ostiary as ostiary
from tests.cli.test_commands import served as served
from tests.cli.test_commands import shop as shop
from tests.review.papers import LETTER


def test_a_document_goes_from_upload_to_its_export_at_the_command_line(
    ostiary: Command, tmp_path: Path
) -> None:
    file, out = tmp_path / "letter.txt", tmp_path / "out.txt"
    file.write_text(LETTER)
    document = ostiary("documents", "upload", str(file), "--wait").stdout.strip()
    assert ostiary.json("documents", "list")["documents"][0]["id"] == document
    shown = ostiary("documents", "show", document)
    assert "card" in shown.stdout
    assert "4111 1111" not in shown.stdout
    found = ostiary.json("documents", "show", document, "--values")["findings"]
    (card,) = [each for each in found if each["text"] == "4111 1111 1111 1111"]
    assert ostiary.json("documents", "accept", document, card["id"])["changed"] == 1
    kept = ostiary.json("documents", "reject", document, "--text", "-", given="help@example.com\n")
    assert (kept["version"], kept["changed"]) == (2, 1)
    assert ostiary.json("documents", "add", document, "Bluebottle")["changed"] == 2
    assert ostiary.json("documents", "undo", document)["changed"] == 2
    assert ostiary.json("documents", "add", document, "Bluebottle")["changed"] == 2
    ostiary("documents", "export", document, "-o", str(out))
    text = out.read_text()
    assert [word in text for word in ("help@example.com", "4111 1111", "Bluebottle", "ada.marsh")] == [True] + [False] * 3  # fmt: skip
    assert json.loads((tmp_path / "out.txt.record.json").read_text())["payloadType"]
    again = ostiary("documents", "export", document, "-o", str(out), code=2)
    assert "--force" in again.stderr
    assert ostiary.json("documents", "reject", document, "f99999", code=1)["code"] == "not_found"
    ostiary("documents", "delete", document, "--confirm", document)
    assert ostiary.json("documents", "show", document, code=1)["code"] == "not_found"
