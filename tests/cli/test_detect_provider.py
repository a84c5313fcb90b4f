"""`ostiary detect --provider`: a model provider on a port joins, where the operator set one up."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ostiary.cli.main import app
from tests.completions import provider

TEXT = "Ann says that her back hurts again; jane@example.com knows."
RULES = {
    "provider": "required",
    "categories": ["email"],
    "described": [{"category": "health_complaint", "description": "a complaint about health"}],
}


def run(*words: str, code: int = 0, given: str = "") -> Result:
    result = CliRunner().invoke(app, ["detect", *words], input=given)
    assert result.exit_code == code, (result.output, result.stderr, result.exception)
    return result


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "care.json"
    file.write_text(json.dumps(RULES))
    return file


def set_up(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("OSTIARY_DETECT_MODEL_URL", url)
    monkeypatch.setenv("OSTIARY_DETECT_MODEL", "m")


def test_its_findings_join_those_of_the_other_tiers(monkeypatch: pytest.MonkeyPatch, rules: Path) -> None:
    with provider(lambda _text: [("her back hurts", "health_complaint")]) as (stub, url):
        set_up(monkeypatch, url)
        (row,) = json.loads(run("--provider", "--rules", str(rules), "--json", TEXT).stdout)
        assert [(each["start"], each["category"]) for each in row["findings"]] == [
            (14, "health_complaint"),
            (36, "email"),
        ]
        line = json.dumps({"id": 7, "text": TEXT})
        answer = json.loads(run("--provider", "--rules", str(rules), "--jsonl", given=line + "\n").stdout)
        assert [each["category"] for each in answer["findings"]] == ["health_complaint", "email"]
        assert stub.asked == [TEXT.replace("jane@example.com", "[email]")] * 2


def test_nothing_leaves_unless_it_is_said_and_set_up(monkeypatch: pytest.MonkeyPatch, rules: Path) -> None:
    assert "No model provider is set up" in run("--provider", TEXT, code=2).stderr
    with provider() as (stub, url):
        set_up(monkeypatch, url)
        run(TEXT)
        refused = run("--rules", str(rules), TEXT, code=2)
        assert "requires a model provider" in refused.stderr
        assert stub.heard == []


def test_while_it_is_away_it_ends_unless_the_rules_say_otherwise(
    monkeypatch: pytest.MonkeyPatch, rules: Path
) -> None:
    with provider() as (stub, url):
        stub.status = 500
        set_up(monkeypatch, url)
        ended = run("--provider", "--rules", str(rules), TEXT, code=2)
        assert (ended.stdout, "answered 500" in ended.stderr) == ("", True)
        rules.write_text(json.dumps({**RULES, "provider": "optional"}))
        shown = run("--provider", "--rules", str(rules), TEXT)
        assert shown.stdout.splitlines()[-1] == "1 finding: 1 email."
        assert "goes on without" in shown.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        {"provider": "yes"},
        {"provider": "", "described": RULES["described"]},
        {"provider": "required", "described": [{"category": "x"}]},
        {"provider": "required", "described": ["x"]},
        {"provider": "required", "described": [{"category": 7, "description": "abc"}]},
    ],
)
def test_rules_that_ask_wrongly_are_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(wrong))
    assert "The rules cannot be used" in run("--provider", "--rules", str(file), TEXT, code=2).stderr
