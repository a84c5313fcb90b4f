"""A witness as a process of its own, on a port of this machine."""

import http.client
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.process import OSTIARY

READY_TIMEOUT_S = 30


@dataclass
class Running:
    folder: Path
    port: int
    key: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def trust(self, key: str) -> None:
        said = _ostiary("witness", "trust", key, "--folder", str(self.folder))
        assert said.startswith("Watching "), said


def _ostiary(*arguments: str) -> str:
    done = subprocess.run([*OSTIARY, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def is_up(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def launch(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """The process, once it answers."""
    process = subprocess.Popen(
        [*OSTIARY, "witness", "serve", "--folder", str(folder), "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < until:
        if is_up(port):
            return process
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    raise AssertionError("the witness did not start")


@contextmanager
def running_witness(folder: Path, name: str, port: int) -> Iterator[Running]:
    key = _ostiary("witness", "init", name, "--folder", str(folder)).strip()
    process = launch(folder, port)
    try:
        yield Running(folder, port, key)
    finally:
        process.kill()
        process.wait()
