"""What an auditor runs, alone: it takes what the product makes, and finds what was changed, as a second implementation."""

import ast
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from ostiary.audit.export import ExportFormat, export_lines, write_bundle
from ostiary.audit.log import Audit
from ostiary.audit.verify import verify_stream
from ostiary.db.database import Database
from ostiary.vault.root import EnvironmentRoot, generate
from ostiary.vault.sealing import Vault
from tests import servers
from tests.audit.events import ACME, OTHER, StillClock, about, entry
from tests.audit.exports import ask, export
from tests.hostile.test_audit_mutations import MUTATIONS
from tests.tlog import standalone


@pytest.fixture
def audit(sqlite_database: Database, keys_database: Database, clock: StillClock) -> Iterator[Audit]:
    vault = Vault(keys_database, EnvironmentRoot(generate()), clock)
    for tenant in (ACME, OTHER):
        vault.create_tenant_now(tenant)
    audit = Audit(sqlite_database, vault, clock, origin="gateway.example")
    audit.start()
    yield audit
    audit.stop()


def write(audit: Audit, count: int) -> None:
    for n in range(count):
        parts = (about(f"cus_{n}", {"n": n}), about("", "")) if n % 2 else ()
        audit.record_sync(entry(parts=parts, counts={"masked.email": 10**n}))


def test_it_verifies_an_export_alone_with_nothing_else_importable(audit: Audit, tmp_path: Path) -> None:
    write(audit, 7)
    kept = export(audit, tmp_path / "old").with_name("old.checkpoint")
    write(audit, 3)
    path = export(audit, tmp_path / "log")
    key = ask(audit, "audit.checkpoint")["key"]
    assert (
        standalone.run("export", str(path), folder=tmp_path)[1]["verdict"]
        == "self-consistent, completeness not proven"
    )
    code, report = standalone.run(
        "export", str(path), "--checkpoint", str(kept), "--checkpoint", str(path) + ".checkpoint", "--key", key, folder=tmp_path
    )  # fmt: skip
    assert (code, report["ok"], report["complete"], report["size"]) == (0, True, True, 10)
    assert report["root"] == ask(audit, "audit.checkpoint")["root"]
    assert standalone.run("export", str(tmp_path / "old"), "--checkpoint", str(path) + ".checkpoint", folder=tmp_path) == (
        1,
        {**report, "ok": False, "complete": False, "verdict": "not verified", "log": "", "size": 0, "root": "",
         "faults": ["line 9: the log ends after 7 events, and a checkpoint kept outside covers 10: events are missing"]},
    )  # fmt: skip
    other = ask(audit, "audit.checkpoint", tenant=OTHER)["key"]
    assert standalone.run("export", str(path), "--key", other, folder=tmp_path)[0] == 1
    assert standalone.run("export", str(tmp_path / "nothing"), folder=tmp_path)[0] == 2


def test_a_rewritten_log_is_only_found_by_what_was_kept_outside(audit: Audit, tmp_path: Path) -> None:
    """Whoever holds the signing key signs anything: two logs of one key, both sound in themselves."""
    write(audit, 5)
    kept = export(audit, tmp_path / "true").with_name("true.checkpoint")
    forged = Audit(audit.database, audit.vault, StillClock(), origin="gateway.example")
    with servers.intruder(audit.database) as connection:
        for table in ("audit_log", "audit_event", "audit_subject", "audit_tile"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    audit.stop()
    forged.start()
    write(forged, 6)
    path = export(forged, tmp_path / "forged")
    forged.stop()
    assert (
        standalone.run("export", str(path), folder=tmp_path)[1]["verdict"]
        == "self-consistent, completeness not proven"
    )
    code, report = standalone.run("export", str(path), "--checkpoint", str(kept), folder=tmp_path)
    assert (code, report["faults"]) == (
        1,
        [
            "line 6: the first 5 events are not those of the checkpoint kept outside: one was changed, removed or reordered"
        ],
    )


def test_one_event_is_proven_alone(audit: Audit, tmp_path: Path) -> None:
    for n in range(7):
        audit.record_sync(entry(id=f"evt_{n}"))
    checkpoint = export(audit, tmp_path / "log").with_name("log.checkpoint")
    proof = ask(audit, "audit.proof", event_id="evt_4")
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(proof))
    code, report = standalone.run("proof", str(file), "--checkpoint", str(checkpoint), folder=tmp_path)
    assert (code, report["complete"], report["size"]) == (0, True, 7)
    for change in (
        {"index": 3}, {"size": 6}, {"size": 8}, {"envelope": proof["envelope"].replace("evt_4", "evt_5")}, {"root": "00" * 32},
        {"hashes": proof["hashes"][1:]}, {"hashes": [*proof["hashes"], "00" * 32]}, {"leaf": "00" * 32}, {"hashes": ["0"]}, {"index": True},
        {"key": ask(audit, "audit.checkpoint", tenant=OTHER)["key"]}, {"checkpoint": None, "size": 7, "index": "4"},
    ):  # fmt: skip
        file.write_text(json.dumps({**proof, **change}))
        assert standalone.run("proof", str(file), folder=tmp_path)[0] == 1, change


def unnoticed(audit: Audit, folder: Path, count: int, seed: int) -> tuple[int, list[str]]:
    """Mutations that the product's verifier or the stand-alone one misses; both see each of them."""
    verifier = standalone.module()
    path = export(audit, folder / "log", ExportFormat.JSONL)
    data, kept = path.read_bytes(), folder / "log.checkpoint"
    assert standalone.accepts(verifier, data, kept)
    assert standalone.accepts(verifier, data)
    chance, tried, missed = random.Random(seed), 0, []
    while tried < count:
        mutation = MUTATIONS[tried % len(MUTATIONS)]
        changed = mutation(data, chance)
        if changed == data:
            continue
        tried += 1
        outside = kept if chance.random() < 0.5 else None
        alone = standalone.accepts(verifier, changed, outside)
        product = verify_stream(io.BytesIO(changed), outside.read_bytes() if outside else None).ok
        if alone or product:
            missed.append(f"{mutation.__name__} {seed} {tried} alone={alone} product={product}")
    return tried, missed


def test_both_verifiers_find_ten_thousand_changes(audit: Audit, tmp_path: Path) -> None:
    write(audit, 6)
    assert unnoticed(audit, tmp_path, 10_000, seed=21) == (10_000, [])


def test_every_single_bit_counts(audit: Audit, tmp_path: Path) -> None:
    write(audit, 3)
    verifier = standalone.module()
    data = export(audit, tmp_path / "log").read_bytes()
    missed = [
        at
        for at in range(len(data))
        if standalone.accepts(verifier, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    ]
    assert missed == []


def test_files_that_are_none_of_its_kind_are_refused_and_never_a_traceback(tmp_path: Path) -> None:
    verifier = standalone.module()
    for content in (
        b"",
        b"\n",
        b"{}\n",
        b"hello\n",
        b"\xff\xfe\n",
        b"[" * 5000 + b"\n",
        b'{"size":' + b"9" * 5000 + b"}\n",
        b'{"size":true}\n',
    ):
        assert not standalone.accepts(verifier, content)
    for what in ("proof", "certificate"):
        for content in (
            b"",
            b"{}",
            b"[]",
            b"null",
            b'{"key":1}',
            b'{"key":"a+b+c","certificate":[]}',
            b"\xff",
        ):
            (tmp_path / "file").write_bytes(content)
            code, report = standalone.run(what, str(tmp_path / "file"), folder=tmp_path)
            assert (code, report["ok"]) == (1, False)


def test_it_shares_nothing_with_the_product_and_can_be_read_in_one_sitting() -> None:
    text = standalone.FILE.read_text()
    assert "ostiary." not in text.replace("ostiary_verify.py", "")
    assert len(text.splitlines()) < 500
    ast.parse(text, "ostiary_verify.py", feature_version=(3, 9))


@pytest.fixture
def vectors() -> Any:
    from tests.audit.test_rfc6962 import VECTORS

    if not VECTORS.is_dir():
        pytest.skip("the vectors are not here (OSTIARY_CORPORA)")
    return VECTORS


def test_its_inclusion_proofs_are_those_of_rfc_9162(vectors: Path) -> None:
    """transparency-dev/merkle's vectors (Apache-2.0), read where they lie."""
    import base64

    verifier = standalone.module()
    files = sorted((vectors / "inclusion").rglob("*.json"))
    wrong = []
    for file in files:
        case = json.loads(file.read_text())
        path = [base64.b64decode(step) for step in case["proof"] or []]
        leaf, root = base64.b64decode(case["leafHash"] or ""), base64.b64decode(case["root"] or "")
        try:
            good = (
                len(leaf) == 32
                and verifier.root_by_path(case["leafIdx"], case["treeSize"], leaf, path) == root
            )
        except verifier.Wrong:
            good = False
        if good == case["wantErr"]:
            wrong.append((file.name, case["desc"]))
    assert len(files) > 90
    assert wrong == []


def test_a_bundle_holds_all_that_an_auditor_needs(audit: Audit, tmp_path: Path) -> None:
    write(audit, 3)
    earlier = ask(audit, "audit.checkpoint")
    write(audit, 4)
    lines = export_lines(
        ask(audit, "audit.checkpoint"), lambda start, end: ask(audit, "audit.export", start=start, end=end)
    )
    assert write_bundle(lines, tmp_path / "log.zip", [(earlier["size"], earlier["checkpoint"])]) == 7
    assert sorted(path.name for path in tmp_path.glob("log.zip*")) == ["log.zip"]
    assert (tmp_path / "log.zip").stat().st_mode & 0o777 == 0o600
    with ZipFile(tmp_path / "log.zip") as bundle:
        bundle.extractall(tmp_path / "got")
    got = tmp_path / "got"
    assert (got / "ostiary_verify.py").read_bytes() == standalone.FILE.read_bytes()
    code, report = standalone.run(
        "export", str(got / "log.jsonl"), "--checkpoint", str(got / "published" / "3.txt"), "--checkpoint", str(got / "checkpoint.txt"),
        folder=tmp_path,
    )  # fmt: skip
    assert (code, report["complete"], report["size"]) == (0, True, 7)
