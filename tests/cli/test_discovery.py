"""`ostiary discovery` against a running gateway."""

import json
from pathlib import Path

from tests.cli.test_commands import Command
from tests.cli.test_commands import ostiary as ostiary
from tests.cli.test_commands import served as served
from tests.cli.test_commands import shop as shop
from tests.house import free_port


def test_a_database_is_looked_through_from_the_command_line(ostiary: Command, tmp_path: Path) -> None:
    outside = ostiary("discovery", "places", "folder", "papers", str(tmp_path), code=1)
    assert "net.address_refused" in outside.stdout + outside.stderr
    put = (
        "discovery",
        "places",
        "bucket",
        "letters",
        "s3://letters/2026/",
        "--endpoint",
        f"http://127.0.0.1:{free_port()}",
    )
    assert ostiary(*put).stdout == "letters can be looked through.\n"
    tried = ostiary("discovery", "places", "test", "letters", code=1)
    assert tried.stdout.startswith("target.unavailable: ")
    refused = ostiary("discovery", "start", "letters", role="support", code=1)
    assert "access.forbidden" in refused.stdout + refused.stderr
    run = ostiary("discovery", "start", "letters").stdout.strip()
    assert run.startswith("run_")
    ostiary("discovery", "cancel", run)
    assert ostiary.json("discovery", "show", run)["state"] == "cancelled"
    (listed,) = ostiary.json("discovery", "places", "list")["places"]
    assert (listed["name"], listed["run"]["run_id"]) == ("letters", run)
    out = tmp_path / "report.json"
    ostiary("discovery", "report", "letters", str(out))
    assert json.loads(out.read_text())["findings"] == 0
    assert (
        ostiary("discovery", "places", "remove", "letters", "--confirm", "letters").stdout
        == "letters was removed.\n"
    )
