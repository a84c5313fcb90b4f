"""The stand-alone verifier on tiles (a folder, an address), on events whose bodies are gone, and on certificates of erasure."""

import json
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ostiary.audit import reading
from ostiary.audit._c2sp_cosignature import cosign
from ostiary.audit._c2sp_note import read_note
from ostiary.audit._c2sp_tlog_tiles import WIDTH, TilePath, tile_path
from ostiary.audit.log import Audit
from ostiary.retention import certificate
from ostiary.witness.state import create
from tests.audit.events import ACME, about, entry
from tests.audit.exports import ask, export
from tests.tlog import standalone

COUNT = 2 * WIDTH + 17


@pytest.fixture
def log(sqlite_audit: Audit) -> Audit:
    for n in range(COUNT):
        sqlite_audit.submit(entry(id=f"evt_{n}"))
    sqlite_audit.record_sync(entry(id="evt_last"))
    return sqlite_audit


@pytest.fixture
def folder(log: Audit, tmp_path: Path) -> Path:
    """The log as static files, as the face serves them."""
    root = tmp_path / "files"

    def write(name: str, content: bytes) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)

    def look(connection: Any) -> None:
        size = reading.standing(log, connection, ACME).size
        for number in range(-(-size // WIDTH)):
            width = min(WIDTH, size - number * WIDTH)
            tile, bundle = TilePath(0, number, width), TilePath(None, number, width)
            write(tile_path(tile), reading.tile(connection, ACME, tile, size))
            write(tile_path(bundle), reading.bundle(connection, ACME, bundle, size))

    log.database.read(look)
    write("checkpoint", ask(log, "audit.checkpoint")["checkpoint"].encode())
    return root


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_anything: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_tiles_verify_from_a_folder_and_from_any_static_server(
    log: Audit, folder: Path, address: str, tmp_path: Path
) -> None:
    key = ask(log, "audit.checkpoint")["key"]
    for place in (str(folder), address, address + "/"):
        code, report = standalone.run("tiles", place, "--entries", "--key", key, folder=tmp_path)
        assert (code, report["ok"], report["size"]) == (0, True, COUNT + 1)
        assert report["verdict"] == "self-consistent, completeness not proven"
    shutil.copy(folder / "checkpoint", tmp_path / "kept")
    code, report = standalone.run(
        "tiles", address, "--key", key, "--checkpoint", str(tmp_path / "kept"), folder=tmp_path
    )
    assert (code, report["complete"]) == (0, True)
    assert standalone.run("tiles", str(folder), folder=tmp_path)[1]["faults"] == [
        "give the log's key with --key"
    ]
    assert standalone.run("tiles", str(tmp_path / "nowhere"), "--key", key, folder=tmp_path)[0] == 2


def test_one_bit_of_any_tile_or_bundle_or_of_the_checkpoint_is_found(
    log: Audit, folder: Path, tmp_path: Path
) -> None:
    key = ask(log, "audit.checkpoint")["key"]
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        for at in (0, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            code, report = standalone.run("tiles", str(folder), "--entries", "--key", key, folder=tmp_path)
            assert (code, report["ok"]) == (1, False), (path, at)
        path.write_bytes(whole[:-1])
        assert standalone.run("tiles", str(folder), "--entries", "--key", key, folder=tmp_path)[0] == 1
        path.write_bytes(whole)
    assert standalone.run("tiles", str(folder), "--entries", "--key", key, folder=tmp_path)[0] == 0


def test_a_quorum_of_witnesses_stands_for_a_kept_checkpoint(log: Audit, folder: Path, tmp_path: Path) -> None:
    key = ask(log, "audit.checkpoint")["key"]
    note = (folder / "checkpoint").read_text()
    keys = []
    for name in ("witness.example/w1", "witness.example/w2"):
        witness = create(tmp_path / name.replace("/", "-"), name)
        keys += ["--witness", witness.verifier.text()]
        note += cosign(read_note(note)[0], witness.key, witness.verifier, 1_760_000_000)
    (folder / "checkpoint").write_text(note)
    code, report = standalone.run("tiles", str(folder), "--key", key, *keys, "--quorum", "2", folder=tmp_path)
    assert (code, report["complete"]) == (0, True)
    at = "2025-10-09T08:53:20+00:00"
    assert report["notes"] == [f"cosigned by witness.example/w{number} at {at}" for number in (1, 2)]
    (folder / "checkpoint").write_text("\n".join(note.split("\n")[:-2]) + "\n")
    code, report = standalone.run("tiles", str(folder), "--key", key, *keys, "--quorum", "2", folder=tmp_path)
    assert (code, report["faults"]) == (1, ["fewer than 2 of the witnesses cosigned the checkpoint"])
    forged = note.replace("w2 ", "w1 ")  # the second's signature under the first's name: a key nobody knows
    (folder / "checkpoint").write_text(forged)
    assert standalone.run("tiles", str(folder), "--key", key, *keys, folder=tmp_path)[0] == 0
    assert standalone.run("tiles", str(folder), "--key", key, *keys, "--quorum", "2", folder=tmp_path)[0] == 1


def test_bodies_that_retention_dropped_are_counted_and_must_be_told_of(
    sqlite_audit: Audit, tmp_path: Path
) -> None:
    audit = sqlite_audit
    for n in range(5):
        audit.record_sync(entry(id=f"evt_{n}", parts=(about(f"cus_{n}", {"n": n}),)))

    def drop(until: int) -> None:
        with audit.database.engine().begin() as connection:
            connection.exec_driver_sql(
                "UPDATE audit_event SET envelope = X'', parts = X'' WHERE number < ?", (until,)
            )

    drop(2)
    kept = tmp_path / "log.checkpoint"
    code, report = standalone.run("export", str(export(audit, tmp_path / "log")), folder=tmp_path)
    assert (code, report["faults"]) == (
        1,
        ["line 7: the body of event 1 is gone, and no event of the log says that retention dropped it"],
    )
    audit.record_sync(entry(action="retention.purge_step", counts={"dropped_before": 2}))
    path = export(audit, tmp_path / "log")
    code, report = standalone.run("export", str(path), "--checkpoint", str(kept), folder=tmp_path)
    assert (code, report["complete"], report["size"]) == (0, True, 6)
    assert report["notes"] == [
        "2 events are there by their hash only: retention dropped their bodies, as a later event says"
    ]
    proof = ask(audit, "audit.proof", event_id="evt_4")
    (tmp_path / "proof").write_text(json.dumps(proof))
    assert standalone.run("proof", str(tmp_path / "proof"), folder=tmp_path)[0] == 0
    drop(3)
    code, report = standalone.run("export", str(export(audit, tmp_path / "log")), folder=tmp_path)
    assert (code, report["ok"]) == (1, False)


STATEMENT = {
    "format": "ostiary-erasure", "version": 1, "kind": "subject", "id": "era_1", "tenant": ACME, "log": "gateway.example/ten_acme",
    "begun_at": "2026-01-01T00:00:00.000000Z", "ended_at": "2026-01-01T00:00:01.000000Z", "keys": ["k1"], "counts": {"keys": 1},
}  # fmt: skip


def test_a_certificate_of_erasure_verifies_alone_and_not_when_it_was_changed(
    sqlite_audit: Audit, tmp_path: Path
) -> None:
    audit = sqlite_audit
    document = certificate.sign(STATEMENT, audit.vault.signer(ACME), audit.verifier(ACME))
    audit.record_sync(entry(id="evt_0"))
    audit.record_sync(entry(id="evt_1", action="erasure.certified", digest=certificate.digest(STATEMENT)))
    proof = ask(audit, "audit.proof", event_id="evt_1")
    whole = {
        **document,
        "proof": {name: proof[name] for name in ("envelope", "checkpoint", "index", "hashes")},
    }
    assert certificate.verify(whole).proven
    file, kept = tmp_path / "certificate.json", tmp_path / "kept"
    kept.write_text(proof["checkpoint"])

    def run(made: Any, *more: str) -> tuple[int, Any]:
        file.write_text(json.dumps(made))
        return standalone.run("certificate", str(file), *more, folder=tmp_path)

    assert run(whole)[1]["ok"]
    code, report = run(whole, "--key", document["key"], "--checkpoint", str(kept))
    assert (code, report["complete"]) == (0, True)
    assert run(document)[1]["notes"][-1] == "no proof that the log holds it came along"
    other = ask(audit, "audit.proof", event_id="evt_0")
    for changed in (
        {**whole, "certificate": {**STATEMENT, "keys": []}},
        {**whole, "certificate": {**STATEMENT, "version": 2}},
        {**whole, "certificate": None},
        {**whole, "signature": "AAAA"},
        {**whole, "signature": document["signature"].swapcase()},
        {**whole, "proof": {**whole["proof"], "index": 0}},
        {**whole, "proof": {**whole["proof"], "envelope": other["envelope"]}},
        {**whole, "proof": {name: other[name] for name in ("envelope", "checkpoint", "index", "hashes")}},
        {**whole, "proof": {}},
        {**whole, "key": "a+b+c"},
    ):
        assert run(changed)[0] == 1, changed
        with pytest.raises(certificate.CertificateInvalid):
            certificate.verify(changed)
