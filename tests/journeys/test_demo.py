"""`ostiary demo`, as a person starts it: the story holds, and nothing of it stays behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

START = "from ostiary.cli.main import main; main()"


def _command(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}
    return subprocess.Popen(
        [sys.executable, "-c", START, "demo", *arguments],
        env=environ | {"TMPDIR": str(folder), "COLUMNS": "140", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_whole_story_holds_and_leaves_nothing(tmp_path: Path) -> None:
    demo = _command(tmp_path, "--headless", "--port", "0")
    said, _ = demo.communicate(timeout=150)
    assert demo.returncode == 0, said
    for sentence in (
        "Refused before any system was touched",
        "Payments in our books: 0",
        "Refunds in our books: 1",
        "Done, nobody was asked",
        "written by somebody outside: ticket.read /body",
        "Replacements in our books: 1, to PP-2207",
        "replacement.send: asked about (sink.not_named)",
        "verified: complete and unchanged up to the checkpoint",
        "event 4 is missing or out of order",
        "Every step holds.",
    ):
        assert sentence in said
    assert list(tmp_path.glob("ostiary-demo-*")) == []


def test_a_taken_port_is_said_in_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        demo = _command(tmp_path, "--headless", "--port", str(port))
        said, _ = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert f"Port {port} is taken; choose another with --port." in said
    assert "Traceback" not in said
    assert list(tmp_path.glob("ostiary-demo-*")) == []


@pytest.fixture
def running(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    demo = _command(tmp_path, "--port", "0")
    yield demo
    demo.kill()
    demo.communicate()


def test_it_goes_on_until_it_is_stopped_and_then_stops_everything(
    running: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    assert running.stdout is not None
    url, said = "", []
    for line in running.stdout:
        said.append(line)
        if "Look at it:" in line:
            url = line.split("Look at it:")[1].split()[0]
        if "Stop with Ctrl-C" in line:
            break
    assert url.startswith("http://localhost:"), "".join(said)
    asked = {"email": "you@pellow-finch.example"}
    assert httpx2.post(f"{url}/v1/session/code", json=asked, trust_env=False).status_code == 200
    line = running.stdout.readline()
    assert "Sign-in code for you@pellow-finch.example: " in line
    running.send_signal(signal.SIGINT)
    rest, _ = running.communicate(timeout=60)
    assert (running.returncode, rest.strip()) == (0, "Stopped.")
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{url}/livez", trust_env=False)
    assert list(tmp_path.glob("ostiary-demo-*")) == []
