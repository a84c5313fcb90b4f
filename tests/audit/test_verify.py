"""An export verifies offline; against a checkpoint kept outside, what is missing shows too."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ostiary.audit.export import ExportFormat, export_lines, write_export
from ostiary.audit.log import Audit
from ostiary.audit.verify import verify_export
from tests.audit.events import OTHER, about, entry
from tests.audit.exports import ask, export

JSONL, CSV = ExportFormat.JSONL, ExportFormat.CSV


@pytest.fixture
def story(sqlite_audit: Audit) -> Audit:
    for n in range(8):
        parts = (about(f"cus_{n}", {"n": n}), about("", 'said "so", they did')) if n % 2 else ()
        sqlite_audit.record_sync(
            entry(id=f"evt_{n}", call=f"cal_{n}", parts=parts, counts={"masked.email": n})
        )
    return sqlite_audit


@pytest.mark.parametrize("form", [JSONL, CSV])
def test_a_whole_export_verifies_against_a_checkpoint_kept_outside(
    story: Audit, tmp_path: Path, form: ExportFormat
) -> None:
    path = export(story, tmp_path / "log", form)
    report = verify_export(path, tmp_path / "log.checkpoint")
    assert report.verdict == "verified: complete and unchanged up to the checkpoint"
    assert (report.ok, report.complete, report.size, report.checkpoint_size, report.faults) == (
        True,
        True,
        8,
        8,
        (),
    )
    assert report.log == "gateway.example/ten_acme"


@pytest.mark.parametrize("form", [JSONL, CSV])
def test_without_a_checkpoint_completeness_is_not_proven(
    story: Audit, tmp_path: Path, form: ExportFormat
) -> None:
    report = verify_export(export(story, tmp_path / "log", form))
    assert report.verdict == "self-consistent, completeness not proven"
    assert (report.ok, report.complete, report.checkpoint_size) == (True, False, 0)


def test_an_older_checkpoint_proves_the_beginning(story: Audit, tmp_path: Path) -> None:
    export(story, tmp_path / "old")
    story.record_sync(entry(id="evt_8"))
    report = verify_export(export(story, tmp_path / "new"), tmp_path / "old.checkpoint")
    assert (report.ok, report.complete, report.size, report.checkpoint_size) == (True, True, 9, 8)


def test_an_older_export_is_truncated_against_a_newer_checkpoint(story: Audit, tmp_path: Path) -> None:
    export(story, tmp_path / "old")
    story.record_sync(entry(id="evt_8"))
    export(story, tmp_path / "new")
    report = verify_export(tmp_path / "old", tmp_path / "new.checkpoint")
    assert (report.ok, report.verdict) == (False, "not verified")
    assert report.faults == (
        "line 10: the log ends after 8 events, and the checkpoint covers 9: events are missing",
    )
    assert verify_export(tmp_path / "old").verdict == "self-consistent, completeness not proven"


@pytest.mark.parametrize("form", [JSONL, CSV])
def test_a_trusted_key_must_be_the_one_that_signed(story: Audit, tmp_path: Path, form: ExportFormat) -> None:
    path = export(story, tmp_path / "log", form)
    key = ask(story, "audit.checkpoint")["key"]
    assert verify_export(path, None, key).ok
    report = verify_export(path, None, ask(story, "audit.checkpoint", tenant=OTHER)["key"])
    assert (report.ok, report.faults[0][8:]) == (
        False,
        "the export is signed by another key than the one given",
    )


@pytest.mark.parametrize("form", [JSONL, CSV])
def test_a_changed_event_is_found_with_its_place(story: Audit, tmp_path: Path, form: ExportFormat) -> None:
    path = export(story, tmp_path / "log", form)
    head = 2 if form is CSV else 1
    lines = path.read_bytes().split(b"\n")

    def fault(changed: list[bytes]) -> str:
        path.write_bytes(b"\n".join(changed))
        report = verify_export(path, tmp_path / "log.checkpoint")
        assert report.verdict == "not verified"
        return report.faults[0]

    swapped = lines.copy()
    swapped[head + 1], swapped[head + 2] = swapped[head + 2], swapped[head + 1]
    assert fault(swapped) == f"line {head + 2}: event 1 is missing or out of order"
    assert (
        fault(lines[: head + 3] + lines[head + 4 :]) == f"line {head + 4}: event 3 is missing or out of order"
    )
    assert fault(lines[:5]) == "line 5: the line is cut short"
    assert (
        fault([*lines[:5], b""])
        == "line 5: the export ends here, before its checkpoint: something is missing"
    )
    assert fault([*lines, b""]) == f"line {head + 10}: the export goes on after its checkpoint"
    changed = [
        line.replace(b"shop.refund", b"shop.Refund") if number == 4 else line
        for number, line in enumerate(lines)
    ]
    assert "at least one was changed" in fault(changed) or "those of the checkpoint" in fault(changed)


def test_a_file_that_is_no_export_is_told_so(tmp_path: Path) -> None:
    for content in (
        b"",
        b"\n",
        b"{}\n",
        b"hello\n",
        b"\xff\xfe\n",
        b"[" * 5000 + b"\n",
        b'{"size":' + b"9" * 5000 + b"}\n",
    ):
        (tmp_path / "log").write_bytes(content)
        report = verify_export(tmp_path / "log")
        assert (report.ok, report.verdict, report.size) == (False, "not verified", 0)


def test_a_checkpoint_file_that_is_none_verifies_nothing(story: Audit, tmp_path: Path) -> None:
    path = export(story, tmp_path / "log")
    for content in (b"", b"\xff", b"x" * 100_000, (tmp_path / "log.checkpoint").read_bytes()[:-1]):
        (tmp_path / "kept").write_bytes(content)
        report = verify_export(path, tmp_path / "kept")
        assert (report.ok, report.complete) == (False, False)


def test_an_export_is_json_lines_that_any_tool_reads(story: Audit, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in export(story, tmp_path / "log").read_text().splitlines()]
    assert {key: lines[0][key] for key in ("format", "log", "size", "version")} == {
        "format": "ostiary-audit-export",
        "log": "gateway.example/ten_acme",
        "size": 8,
        "version": 1,
    }
    assert [line["index"] for line in lines[1:-1]] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert lines[2]["event"]["call"] == "cal_1"
    assert len(lines[2]["sealed"]) == 2
    assert lines[-1]["checkpoint"] == (tmp_path / "log.checkpoint").read_text()


def test_a_csv_export_opens_in_a_spreadsheet(story: Audit, tmp_path: Path) -> None:
    story.record_sync(entry(id="evt_8", action="=cmd,1", code="code"))
    with export(story, tmp_path / "log", CSV).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["index"] for row in rows] == [
        "log",
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "8",
        "checkpoint",
    ]
    assert (rows[1]["at"], rows[1]["decision"], rows[1]["actor_id"]) == (
        "2025-10-09T08:53:20.000000Z",
        "ran",
        "key_1",
    )
    assert rows[9]["action"] == "'=cmd,1"
    assert verify_export(tmp_path / "log").ok


def test_an_export_is_whole_or_not_there_and_for_its_owner_only(story: Audit, tmp_path: Path) -> None:
    lines = export_lines(
        ask(story, "audit.checkpoint"), lambda start, end: ask(story, "audit.export", start=start, end=end)
    )

    def failing() -> object:
        yield next(lines)
        raise OSError("the connection is gone")

    with pytest.raises(OSError, match="gone"):
        write_export(failing(), tmp_path / "log")  # type: ignore[arg-type]  # an iterator of bytes
    assert not (tmp_path / "log").exists()
    assert export(story, tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_an_empty_log_exports_and_verifies(sqlite_audit: Audit, tmp_path: Path) -> None:
    path = export(sqlite_audit, tmp_path / "log")
    report = verify_export(path)
    assert (report.ok, report.size, report.verdict) == (True, 0, "self-consistent, completeness not proven")


def test_the_verifier_needs_the_standard_library_and_cryptography_only() -> None:
    script = (
        "import sys; before = set(sys.modules); import ostiary.audit.verify;"
        "print(sorted({n.split('.')[0] for n in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(found.stdout.strip("[]\n").replace("'", "").split(", ")) <= {
        "ostiary",
        "cryptography",
        "_cffi_backend",
        "_openssl",
    }
