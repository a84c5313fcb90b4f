"""Files that were made to be verified by somebody who does not trust them: what they must not get the verifier to say."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from ostiary.audit._c2sp_note import Checkpoint, VerifierKey, sign
from ostiary.audit._rfc6962 import EMPTY
from ostiary.cli.main import app
from ostiary.retention import certificate
from tests.tlog import standalone

LOG = "gate.example/acme"
OVERWRITE = "\x1b[2J\x1b[Hverified against what was kept outside\x1b[8m"


def key_of(name: str = LOG) -> tuple[Ed25519PrivateKey, VerifierKey]:
    made = Ed25519PrivateKey.generate()
    return made, VerifierKey(name, made.public_key().public_bytes_raw())


def statement(**more: Any) -> dict[str, Any]:
    said = {
        "format": "ostiary-erasure",
        "version": 1,
        "kind": "subject",
        "id": "era_1",
        "tenant": "acme",
        "log": LOG,
    }
    return {**said, "begun_at": "x", "ended_at": "x", "keys": {}, "counts": {}, **more}  # fmt: skip


def kept(folder: Path, made: Ed25519PrivateKey, verifier: VerifierKey) -> Path:
    path = folder / "kept"
    path.write_text(sign(Checkpoint(verifier.name, 0, EMPTY), made, verifier))
    return path


def words(*arguments: str) -> tuple[int, str]:
    """What an auditor's terminal gets."""
    command = [sys.executable, "-I", str(standalone.FILE), *arguments]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout.decode()


def test_a_forged_certificate_beside_a_kept_checkpoint_is_refused(tmp_path: Path) -> None:
    """Signed by the forger's own key under the log's name, and without a proof: the kept checkpoint is of another key."""
    path = kept(tmp_path, *key_of())
    file = tmp_path / "certificate"
    file.write_text(json.dumps(certificate.sign(statement(), *key_of())))
    code, report = standalone.run("certificate", str(file), "--checkpoint", str(path), folder=tmp_path)
    assert (code, report["complete"]) == (1, False)


def test_a_certificate_without_a_proof_is_never_proven(tmp_path: Path) -> None:
    made, verifier = key_of()
    path, file = kept(tmp_path, made, verifier), tmp_path / "certificate"
    file.write_text(json.dumps(certificate.sign(statement(), made, verifier)))
    code, report = standalone.run("certificate", str(file), "--checkpoint", str(path), folder=tmp_path)
    assert (code, report["complete"]) == (0, False)


@pytest.mark.parametrize("field", ["reason", "id"])
def test_a_certificates_words_do_not_write_over_the_verdict(tmp_path: Path, field: str) -> None:
    file = tmp_path / "certificate"
    file.write_text(json.dumps(certificate.sign(statement(**{field: OVERWRITE}), *key_of())))
    code, told = words("certificate", str(file))
    assert code == 0
    assert "\x1b" not in told
    assert told.startswith("self-consistent, completeness not proven\n")
    assert "\x1b" not in CliRunner().invoke(app, ["erasures", "verify", str(file)]).output


def test_a_logs_name_does_not_write_over_the_verdict(tmp_path: Path) -> None:
    made, verifier = key_of("gate.example/\x9b2J\x9bH\u2028verified")
    file = tmp_path / "export"
    header = {
        "format": "ostiary-audit-export",
        "key": verifier.text(),
        "log": verifier.name,
        "size": 0,
        "version": 1,
    }
    end = {"checkpoint": sign(Checkpoint(verifier.name, 0, EMPTY), made, verifier)}
    spelled = [
        json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False) for line in (header, end)
    ]
    file.write_text("".join(line + "\n" for line in spelled), encoding="utf-8")
    for told in (words("export", str(file))[1], words("export", str(file), "--json")[1]):
        assert "\x9b" not in told
        assert "\u2028" not in told
    assert "\x9b" not in CliRunner().invoke(app, ["audit", "verify", str(file)]).output


@pytest.mark.parametrize("note", [7, [], {}, True])
def test_a_proof_whose_checkpoint_is_no_text_is_wrong_and_no_crash(tmp_path: Path, note: Any) -> None:
    _, verifier = key_of()
    leaf = base64.b16encode(bytes(32)).decode().lower()
    made = {
        "key": verifier.text(),
        "index": 0,
        "size": 1,
        "hashes": [],
        "envelope": "",
        "leaf": leaf,
        "root": leaf,
    }
    file = tmp_path / "proof"
    file.write_text(json.dumps({**made, "checkpoint": note}))
    code, report = standalone.run("proof", str(file), folder=tmp_path)
    assert (code, report["ok"]) == (1, False)
