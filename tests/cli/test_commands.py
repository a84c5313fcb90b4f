"""The commands against a running gateway: what they print, and with which exit code they end."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ostiary.cli.main import app
from tests.rest.serving import Served, furnish, serving
from tests.shop import CONTRACTS, Shop, running

PAY = '{"to": "ada", "amount": 48}'


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with running() as connected:
        yield connected


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("cli")) as gateway:
        furnish(gateway, shop)
        yield gateway


@pytest.fixture
def ostiary(served: Served, monkeypatch: pytest.MonkeyPatch) -> "Command":
    monkeypatch.setenv("OSTIARY_URL", served.url)
    return Command(served, monkeypatch)


class Command:
    """Runs a command as somebody, the owner by default."""

    def __init__(self, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        self._served = served
        self._monkeypatch = monkeypatch

    def __call__(self, *words: str, role: str = "owner", code: int = 0, given: str = "") -> Result:
        self._monkeypatch.setenv("OSTIARY_API_KEY", self._served.tokens.get(role, role))
        result = CliRunner().invoke(app, list(words), input=given)
        assert result.exit_code == code, (words, result.output, result.stderr, result.exception)
        return result

    def json(self, *words: str, role: str = "owner", code: int = 0, given: str = "") -> Any:
        return json.loads(self(*words, "--json", role=role, code=code, given=given).stdout)


def test_a_call_waits_is_approved_and_its_answer_comes(ostiary: Command, served: Served, shop: Shop) -> None:
    held = ostiary.json("call", "pay.send", PAY, role="support")
    assert held["state"] == "held"
    listed = ostiary("approvals", "list").stdout
    assert "pay.send" in listed
    (card,) = ostiary.json("approvals", "list")["approvals"]
    assert ostiary("approvals", "approve", card["id"], given="y\n").stdout.startswith("Pay 48 to ada\n")
    ended = ostiary.json("call", "pay.send", PAY, "--key", "k-1", role="support")
    assert ended["state"] == "held"
    (second,) = ostiary.json("approvals", "list")["approvals"]
    ostiary("approvals", "approve", second["id"], "--yes")
    served.good("GET", f"/v1/calls/{ended['call_id']}", "support", params={"wait_s": "20"})
    done = ostiary("call", "pay.send", PAY, "--key", "k-1", "--wait", "20", role="support")
    assert json.loads(done.stdout) == {"paid": 48, "number": 2}
    assert shop.done["ada"] == 2


def test_a_call_that_is_waited_for_and_not_decided_says_that_it_is_held(ostiary: Command) -> None:
    said = ostiary("call", "pay.send", '{"to": "eve", "amount": 1}', "--wait", "1", role="support").stdout
    assert said.endswith(" is held\n")
    (card,) = ostiary.json("approvals", "list")["approvals"]
    ostiary("approvals", "reject", card["id"])


def test_a_no_ends_the_waiting_call_with_exit_code_1(ostiary: Command, shop: Shop) -> None:
    ostiary.json("call", "pay.send", '{"to": "bob", "amount": 1}', "--key", "k-2", role="support")
    (card,) = ostiary.json("approvals", "list")["approvals"]
    assert ostiary("approvals", "reject", card["id"], "--reason", "Not this one.").stdout == "Rejected.\n"
    again = ostiary("call", "pay.send", '{"to": "bob", "amount": 1}', "--key", "k-2", role="support", code=1)
    assert again.stderr == "A person said no to this call.\nNot this one.\n(approval.rejected)\n"
    assert shop.done["bob"] == 0


def test_an_approval_that_is_not_confirmed_stays_open(ostiary: Command) -> None:
    ostiary.json("call", "pay.send", '{"to": "cyd", "amount": 1}', role="support")
    (card,) = ostiary.json("approvals", "list")["approvals"]
    ostiary("approvals", "approve", card["id"], given="n\n", code=1)
    assert [each["id"] for each in ostiary.json("approvals", "list")["approvals"]] == [card["id"]]
    ostiary("approvals", "reject", card["id"])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("call", "pay.steal"), 1, "No such action is agreed: what is off contract is refused.\n(contract.unknown)\n"),
        (("call", "pay.send", "{"), 2, "The parameters are not JSON.\n"),
        (("call", "pay.send", "[1]"), 2, "The parameters are not a JSON object.\n"),
        (("approvals", "approve", "apr_00000000000000000000000000000000"), 1, "There is nothing here by that name.\n(not_found)\n"),
    ],
)  # fmt: skip
def test_a_refusal_is_words_on_standard_error(
    ostiary: Command, words: tuple[str, ...], code: int, said: str
) -> None:
    result = ostiary(*words, code=code)
    assert (result.stdout, result.stderr) == ("", said)


def test_a_refusal_is_the_problem_itself_for_programs(ostiary: Command) -> None:
    problem = ostiary.json("call", "pay.send", '{"to": 7}', role="support", code=1)
    assert (problem["status"], problem["code"]) == (422, "params.invalid")
    assert [each["pointer"] for each in problem["errors"]] == ["", "/to"] or len(problem["errors"]) == 2
    assert ostiary.json("call", "pay.send", PAY, role="", code=1)["code"] == "auth.required"


def test_a_name_is_one_segment_whatever_is_in_it(ostiary: Command) -> None:
    assert ostiary.json("call", "../keys", code=1)["code"] == "contract.unknown"


def test_contracts_are_checked_offline_with_line_numbers_and_applied_as_one(
    ostiary: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "actions.yaml"
    file.write_text(CONTRACTS)
    assert "pay.send" in ostiary("contracts", "list").stdout
    assert ostiary.json("contracts", "apply", str(file))["change"] == {
        "added": [],
        "changed": [],
        "removed": [],
    }
    monkeypatch.setenv("OSTIARY_URL", "http://127.0.0.1:9")
    assert ostiary.json("contracts", "check", str(file))["ok"] is True
    file.write_text(CONTRACTS.replace("risk: high", "risk: extreme"))
    said = ostiary("contracts", "check", str(file), code=1).stdout
    assert said == "actions.yaml:13:11: write one of low, medium, high\nactions.yaml: 1 mistake\n"
    assert ostiary.json("contracts", "check", str(file), code=1)["ok"] is False


def test_a_log_that_was_exported_verifies_and_a_changed_copy_does_not(
    ostiary: Command, tmp_path: Path
) -> None:
    for form in ("jsonl", "csv"):
        file, checkpoint = tmp_path / f"log.{form}", tmp_path / f"log.{form}.checkpoint"
        told = ostiary.json(
            "audit", "export", "--format", form, "-o", str(file), "--checkpoint", str(checkpoint)
        )
        assert told["events"] > 5
        sure = ostiary("audit", "verify", str(file), "--checkpoint", str(checkpoint)).stdout
        assert "completeness not proven" not in sure
        assert "self-consistent, completeness not proven" in ostiary("audit", "verify", str(file)).stdout
        tampered = tmp_path / f"tampered.{form}"
        tampered.write_bytes(file.read_bytes().replace(b"held", b"ran", 1))
        report = ostiary.json("audit", "verify", str(tampered), "--checkpoint", str(checkpoint), code=1)
        assert (report["ok"], bool(report["faults"])) == (False, True)


def test_an_export_that_cannot_be_written_is_one_sentence(ostiary: Command, tmp_path: Path) -> None:
    result = ostiary("audit", "export", "-o", str(tmp_path / "no" / "log.jsonl"), code=1)
    assert "cannot be written" in result.stderr
    assert (
        ostiary("audit", "export", "--format", "xml", "-o", "x", code=2).stderr
        == "The format is jsonl, csv or bundle.\n"
    )


def test_connectors_are_kept_tested_and_given_new_secrets(ostiary: Command, tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text('{"kind": "constant"}')
    assert ostiary("connectors", "put", "fixed", str(settings)).stdout == "fixed is version 1\n"
    assert {row["name"] for row in ostiary.json("connectors", "list")["connectors"]} == {
        "fixed",
        "letters",
        "shop",
    }
    assert "fixed" in ostiary("connectors", "list").stdout
    assert ostiary.json("connectors", "test", "fixed")["ok"] is True
    assert len(ostiary("connectors", "rotate-secret", "shop").stdout.strip()) >= 32
    settings.write_text("{")
    assert (
        ostiary("connectors", "put", "fixed", str(settings), code=2).stderr == "settings.json is not JSON.\n"
    )


def test_a_credential_comes_from_standard_input_or_a_file_and_is_not_shown(
    ostiary: Command, shop: Shop, tmp_path: Path
) -> None:
    settings, secret = tmp_path / "settings.json", tmp_path / "credential"
    settings.write_text(json.dumps({"kind": "http", "base_url": shop.url}))
    secret.write_text("hunter2-from-file\n")
    for words, given in ((("--credential",), "hunter2-typed\n"), (("--credential-file", str(secret)), "")):
        shown = ostiary("connectors", "put", "sealed", str(settings), *words, given=given)
        assert "hunter2" not in shown.output
    (row,) = [each for each in ostiary.json("connectors", "list")["connectors"] if each["name"] == "sealed"]
    assert row["has_credential"] is True


def test_api_keys_are_made_used_rotated_and_revoked(ostiary: Command) -> None:
    first = ostiary("api-keys", "create", "helper", "--role", "support").stdout.strip()
    key_id = first.split("_")[2]
    assert ostiary.json("contracts", "list", role=first)["contracts"]
    second = ostiary("api-keys", "rotate", key_id, "--overlap-s", "0").stdout.strip()
    assert ostiary.json("contracts", "list", role=first, code=1)["code"] == "auth.refused"
    assert ostiary.json("contracts", "list", role=second)["contracts"]
    assert key_id in ostiary("api-keys", "list").stdout
    assert ostiary("api-keys", "revoke", key_id).stdout == "Revoked.\n"
    assert ostiary.json("contracts", "list", role=second, code=1)["code"] == "auth.refused"


def test_a_key_may_come_from_a_mounted_file(
    ostiary: Command, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text(served.tokens["owner"] + "\n")
    monkeypatch.setenv("OSTIARY_API_KEY_FILE", str(file))
    assert ostiary.json("contracts", "list", role="")["contracts"]
    monkeypatch.setenv("OSTIARY_API_KEY_FILE", str(tmp_path / "none"))
    said = ostiary("contracts", "list", code=1).stderr
    assert said == "OSTIARY_API_KEY_FILE cannot be read (FileNotFoundError).\n"


def test_nobody_at_the_address_is_one_sentence(ostiary: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTIARY_URL", "http://127.0.0.1:9")
    said = ostiary("contracts", "list", code=1).stderr
    assert (
        said
        == "No gateway answers at http://127.0.0.1:9 (ConnectionRefusedError). Is `ostiary serve` running?\n"
    )
    monkeypatch.setenv("OSTIARY_URL", "file:///etc/passwd")
    assert ostiary("contracts", "list", code=1).stderr.startswith("OSTIARY_URL must be an address")


def test_what_others_wrote_does_not_act_on_the_terminal(ostiary: Command) -> None:
    ostiary.json("call", "pay.send", json.dumps({"to": "a\x1b[2Jb", "amount": 2}), role="support")
    (card,) = ostiary.json("approvals", "list")["approvals"]
    shown = ostiary("approvals", "approve", card["id"], given="n\n", code=1)
    assert "\x1b" not in shown.output + ostiary("approvals", "list").stdout
    ostiary("approvals", "reject", card["id"])


def test_the_login_code_is_read_from_the_data_folder(
    ostiary: Command, served: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OSTIARY_HOME", str(served.process.home))
    assert "Sign-in code for admin@pellow.example: " in ostiary("login-code", "--count", "50").stdout
    monkeypatch.setenv("OSTIARY_HOME", str(tmp_path))
    assert ostiary("login-code", code=1).stderr.startswith("No code has been written.")


def test_a_quota_is_shown_and_set(ostiary: Command) -> None:
    before = ostiary.json("quota", "show")
    tenant = before["tenant"]
    try:
        said = ostiary("quota", "set", tenant, "--calls-per-s", "500").stdout
        assert "calls_per_s" in said
        changed = ostiary.json("quota", "set", tenant, "--jobs-at-once", "3")
        assert (changed["calls_per_s"], changed["jobs_at_once"], changed["storage_bytes"]) == (500, 3, 0)
        assert ostiary.json("quota", "show", tenant)["jobs_at_once"] == 3
    finally:
        ostiary("quota", "set", tenant, "--calls-per-s", "0", "--jobs-at-once", "0")
    ostiary("quota", "set", tenant, code=2)
    ostiary("quota", "set", "ten_x", "--calls-per-s", "1", code=1)
    ostiary("quota", "set", tenant, "--calls-per-s", "1", role="support", code=1)


OPENAPI = """
openapi: 3.1.0
info: {title: Shop, version: "1"}
paths:
  /refunds:
    post:
      operationId: refundOrder
      requestBody:
        required: true
        content: {application/json: {schema: {type: object, required: [order_id, amount], properties: {order_id: {type: string}, amount: {type: number}}}}}
      responses: {"200": {description: Done.}}
  /photos:
    put:
      operationId: uploadPhoto
      requestBody: {required: true, content: {image/png: {}}}
      responses: {"200": {description: Kept.}}
"""


def test_a_document_is_imported_as_drafts_and_says_what_was_left_out(
    ostiary: Command, tmp_path: Path
) -> None:
    document = tmp_path / "shop.yaml"
    document.write_text(OPENAPI, encoding="utf-8")
    told = ostiary("contracts", "import", str(document), "--connector", "shop").stdout
    assert "shop.refund_order" in told
    assert "left out: PUT /photos: its body is image/png, not JSON" in told
    made = ostiary.json("contracts", "import", str(document), "--connector", "shop")
    assert made["drafts"][0]["contract"]["labels"] == {"/order_id": "id", "/amount": "amount"}
    assert "shop.refund_order" not in ostiary("contracts", "list").stdout
    ostiary("contracts", "import", str(document), "--connector", "shop", role="support", code=1)


def test_drafts_are_written_into_a_file_without_a_gateway(ostiary: Command, tmp_path: Path) -> None:
    document, out = tmp_path / "shop.yaml", tmp_path / "drafts.yaml"
    document.write_text(OPENAPI, encoding="utf-8")
    asked = ("contracts", "import", str(document), "--connector", "shop", "--out", str(out))
    assert ostiary(*asked).stdout.startswith("1 drafts in drafts.yaml.")
    assert ostiary("contracts", "check", str(out)).stdout == "drafts.yaml: 1 action, no mistakes\n"
    ostiary(*asked, code=2)
    document.write_text("swagger: '2.0'", encoding="utf-8")
    out.unlink()
    ostiary(*asked, code=1)
    assert not out.exists()
    ostiary("contracts", "import", "--connector", "shop", "--out", str(out), code=2)
