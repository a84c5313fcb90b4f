"""`ostiary redaction` against a running gateway."""

from pathlib import Path

from tests.cli.test_commands import Command
from tests.cli.test_commands import ostiary as ostiary
from tests.cli.test_commands import served as served
from tests.cli.test_commands import shop as shop

RULES = "categories: [ticket]\npatterns: [{name: ticket, category: ticket, pattern: 'ACME-[0-9]{4}'}]\n"
PLAN = "rule_set: tickets\nscope: desk\nrules: {ticket: token}\n"


def test_a_text_goes_through_a_plan_and_back(ostiary: Command, tmp_path: Path) -> None:
    files = {}
    for name, text in (("rules", RULES), ("plan", PLAN), ("wrong", "default: mask\nrules: {a: b}"), ("letter", "See ACME-4711, please.\n")):  # fmt: skip
        files[name] = str(tmp_path / f"{name}.txt")
        Path(files[name]).write_text(text)
    group = ("redaction", "plans")
    wrong = ostiary(*group, "check", files["wrong"], code=1)
    assert wrong.stdout.startswith("/rules/a/operator: ")
    assert ostiary("redaction", "rules", "put", "tickets", files["rules"]).stdout == "Version 1 stands.\n"
    assert ostiary(*group, "check", files["plan"]).stdout == "plan.txt is in order.\n"
    assert ostiary(*group, "put", "letters", files["plan"], "--expected", "0").stdout == "Version 1 stands.\n"
    late = ostiary(*group, "put", "letters", files["plan"], "--expected", "0", code=1)
    assert "conflict" in late.stdout + late.stderr
    assert ostiary(*group, "show", "letters").stdout == PLAN
    assert [row["name"] for row in ostiary.json(*group, "list")["documents"]] == ["letters"]
    done = ostiary("redaction", "text", files["letter"], "--plan", "letters")
    assert done.stdout.startswith("See ostk_ticket_1_")
    assert "ticket 1" in done.stderr
    Path(files["letter"]).write_text(done.stdout)
    asked = ("redaction", "restore", files["letter"], "--scope", "desk", "--purpose", "A reply")
    refused = ostiary(*asked, role="support", code=1)
    assert "access.forbidden" in refused.stdout + refused.stderr
    back = ostiary(*asked)
    assert (back.stdout, back.stderr.strip()) == ("See ACME-4711, please.\n", "1 restored")
    Path(files["letter"]).write_text(done.stdout.replace("_1_", "_2_"))
    assert "1 stayed (key_destroyed)" in ostiary(*asked, code=1).stderr
    assert ostiary.json("redaction", "scopes", "list")["scopes"] == [
        {"name": "desk", "living": True, "erasure": ""}
    ]
    assert ostiary(*group, "remove", "letters").stdout == "letters was removed.\n"
    assert [row["removed"] for row in ostiary.json(*group, "history", "letters")["versions"]] == [True, False]
