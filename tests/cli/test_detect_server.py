"""`ostiary detect-server` as a process: it serves, asks for its token, and stops when told."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
from typer.testing import CliRunner

from ostiary.cli.main import app
from tests.house import free_port

STARTED_S = 60
TOKEN = "t0ken-" * 5


@contextmanager
def server(folder: Path, *words: str) -> Iterator[str]:
    port = free_port()
    command = [
        sys.executable,
        "-c",
        "from ostiary.cli.main import main; main()",
        "detect-server",
        "--port",
        str(port),
        *words,
    ]
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            waited = time.monotonic() + STARTED_S
            while True:
                try:
                    urllib.request.urlopen(url + "/readyz", timeout=5).close()
                    break
                except URLError:
                    assert process.poll() is None, process.communicate()
                    assert time.monotonic() < waited
                    time.sleep(0.1)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=30)
    assert "jane" not in out + err
    assert list(folder.iterdir()) == []


def ask(url: str, body: object, token: str = "") -> object:
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def test_it_serves_alone_and_leaves_nothing_behind(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    with server(home, "--token-file", str(file)) as url:
        body = {"texts": ["jane@example.com"]}
        found = ask(url + "/v1/detect", body, TOKEN)
        assert found == {
            "findings": [[{"start": 0, "end": 16, "category": "email", "country": "", "score": 0.95}]]
        }
        with pytest.raises(HTTPError) as refused:
            ask(url + "/v1/detect", body)
        assert refused.value.code == 401
        refused.value.close()


def test_an_address_that_others_reach_asks_for_a_token() -> None:
    result = CliRunner().invoke(app, ["detect-server", "--host", "0.0.0.0"])
    assert result.exit_code == 2
    assert "--token-file" in result.stderr
