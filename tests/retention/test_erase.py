"""The erasure of a subject through the door, to its certificate."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ostiary.audit import verifier_file
from ostiary.retention import certificate
from tests.house import House, play


async def erase(house: House, subject: str) -> Any:
    """Ask for it, let the job run, and show how it ended."""
    asked = await house.good("POST", "/v1/erasures", json={"subject": subject, "confirm": subject})
    await house.work()
    return await house.good("GET", f"/v1/erasures/{asked['id']}")


def test_an_erasure_ends_with_a_certificate_that_verifies(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        done = await erase(house, "4711")
        assert done["state"] == "done"
        taken = await house.good("GET", f"/v1/erasures/{done['id']}/certificate")
        verified = certificate.verify(taken)
        assert verified.proven
        assert verified.statement["id"] == done["id"]
        assert "4711" not in json.dumps(taken)
        file = tmp_path / "certificate.json"
        file.write_text(json.dumps(taken))
        script = Path(verifier_file.__file__).parent / "standalone" / "ostiary_verify.py"
        command = [sys.executable, "-I", str(script), "certificate", str(file)]
        assert subprocess.run(command, capture_output=True, timeout=30).returncode == 0
        other = done["id"][:-1] + ("1" if done["id"].endswith("0") else "0")
        file.write_text(json.dumps(taken).replace(done["id"], other))
        assert subprocess.run(command, capture_output=True, timeout=30).returncode == 1

    play(tmp_path, story)
