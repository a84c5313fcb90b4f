"""An auditor who trusts nobody: a key, the one file, a witness of their own. Then the operator puts an older copy of the log back."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house import free_port
from tests.process import OSTIARY, Process
from tests.tlog import standalone
from tests.tlog.a_witness import Running, running_witness

pytestmark = pytest.mark.journey


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path / "home")
    process.start()
    process.found()
    yield process
    process.kill()


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Running]:
    with running_witness(tmp_path / "witness", "witness.auditor.example/w1", free_port()) as running:
        yield running


def ostiary(gateway: Process, key: str, *arguments: str) -> str:
    environment = {**gateway.environment(), "OSTIARY_URL": gateway.url, "OSTIARY_API_KEY": key}
    done = subprocess.run(
        [*OSTIARY, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def published(gateway: Process, at_least: int) -> dict[str, Any]:
    """Publish now, and wait for the job."""
    job = gateway.good("POST", "/v1/jobs", json={"kind": "audit.publish_checkpoint"})
    until = time.monotonic() + 60
    while time.monotonic() < until:
        stands = gateway.good("GET", f"/v1/jobs/{job['id']}")
        if stands["state"] in ("done", "failed") or stands["code"]:
            break
        time.sleep(0.1)
    assert (stands["state"], stands["code"]) == ("done", ""), stands["code"]
    newest = gateway.good("GET", "/v1/audit/checkpoints")["checkpoints"][0]
    assert newest["size"] >= at_least
    return dict(newest)


def test_an_auditor_checks_the_log_and_finds_that_it_was_rolled_back(
    gateway: Process, witness: Running, tmp_path: Path
) -> None:
    gateway.good("PUT", "/v1/roles/auditor", json={"permissions": ["audit.read", "audit.export"]})
    made = gateway.good("POST", "/v1/keys", json={"name": "Auditor", "kind": "program", "roles": ["auditor"]})
    key = made["secret"]
    (tmp_path / "token").write_text(key)
    log_key = ostiary(gateway, key, "audit", "checkpoint", "--key").strip()
    witness.trust(log_key)
    gateway.good(
        "PUT", "/v1/audit/publishing", json={"witnesses": [{"url": witness.url, "key": witness.key}], "quorum": 1}
    )  # fmt: skip
    for n in range(30):
        gateway.ask("GET", f"/v1/calls/cal_{n:032x}")
    first = published(gateway, 30)
    assert [each["name"] for each in first["cosigned_by"]] == ["witness.auditor.example/w1"]

    # What they keep, and the file they read it with.
    kept = tmp_path / "kept.txt"
    kept.write_text(ostiary(gateway, key, "audit", "checkpoint"))
    assert ostiary(gateway, "", "audit", "verifier") == standalone.FILE.read_text()
    trusted = ["--key", log_key, "--witness", witness.key, "--checkpoint", str(kept)]

    place = f"{gateway.url}/log/{gateway.tenant}"
    code, report = standalone.run(
        "tiles", place, "--entries", "--token-file", str(tmp_path / "token"), *trusted, folder=tmp_path
    )
    assert (code, report["complete"], report["size"]) == (0, True, first["size"])
    ostiary(gateway, key, "audit", "export", "-o", str(tmp_path / "log.jsonl"))
    code, report = standalone.run("export", str(tmp_path / "log.jsonl"), *trusted, folder=tmp_path)
    assert (code, report["complete"]) == (0, True)
    event = gateway.good("GET", "/v1/audit/events")["events"][-1]["id"]
    proof = gateway.good("GET", f"/v1/audit/events/{event}/proof", params={"size": first["size"]})
    (tmp_path / "proof.json").write_text(json.dumps(proof))
    code, report = standalone.run("proof", str(tmp_path / "proof.json"), *trusted, folder=tmp_path)
    assert (code, report["complete"]) == (0, True)

    if "OSTIARY_DATABASE_URL" in gateway.environment():
        return  # what follows copies files
    # The operator keeps a copy, goes on, and puts the copy back: the database is sound in itself.
    gateway.stop()
    shutil.copytree(gateway.home, tmp_path / "copy")
    gateway.start()
    for n in range(20):
        gateway.ask("GET", f"/v1/calls/cal_{n:032x}")
    later = published(gateway, first["size"] + 20)
    newer = tmp_path / "newer.txt"
    newer.write_text(later["checkpoint"])
    gateway.stop()
    shutil.rmtree(gateway.home)
    shutil.copytree(tmp_path / "copy", gateway.home)
    gateway.start()
    assert gateway.good("POST", "/v1/audit/verify", json={})["ok"]
    for n in range(40):
        gateway.ask("GET", f"/v1/calls/cal_{n + 100:032x}")
    with pytest.raises(AssertionError, match="inconsistent"):
        published(gateway, 0)  # the witness remembers
    ostiary(gateway, key, "audit", "export", "-o", str(tmp_path / "other.jsonl"))
    trusted[-1] = str(newer)
    code, report = standalone.run("export", str(tmp_path / "other.jsonl"), *trusted, folder=tmp_path)
    assert (code, report["ok"]) == (1, False)
