"""The gateway as a process of its own: `ostiary serve`, with settings in its environment and its log in a file."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from ostiary.sample.person import StoryBroke
from ostiary.secret import Secret

READY_WITHIN_S = 60
LOOK_EVERY_S = 0.1
STOP_WITHIN_S = 30
LOG_LINES = 15
CODES = "login-codes"
_SERVE = "from ostiary.cli.main import main; main()"


@dataclass(frozen=True, slots=True)
class Process:
    """A gateway that answers at `url`. `home` is its data folder."""

    url: str
    home: Path
    child: "subprocess.Popen[bytes]"

    def codes(self) -> list[str]:
        """The lines that are meant for the operator: the set-up token, sign-in codes."""
        path = self.home / CODES
        return path.read_text().splitlines() if path.exists() else []

    def setup_token(self) -> Secret:
        """Raises StoryBroke if none was written."""
        for line in self.codes():
            if " with the token " in line:
                return Secret(line.rsplit(" ", 1)[1])
        raise StoryBroke("The gateway wrote no set-up token for its operator.")


@contextmanager
def started(folder: Path, root_key: Secret, settings: Mapping[str, str], *, port: int) -> Iterator[Process]:
    """A gateway on this port of the loopback for as long as the block lasts. Raises StoryBroke if it does not start."""
    home = folder / "gateway"
    ours = {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}
    told = {
        "OSTIARY_HOME": str(home),
        "OSTIARY_ROOT_KEY": root_key.reveal(),
        "OSTIARY_PORT": str(port),
        **settings,
    }
    with (folder / "gateway.log").open("wb") as log:
        # In a session of its own, so that Ctrl-C reaches the story first and the gateway is stopped in order.
        child = subprocess.Popen(  # noqa: S603 - our own interpreter with our own code
            [sys.executable, "-c", _SERVE, "serve"],
            env=ours | told,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _await_ready(child, f"http://127.0.0.1:{port}", folder)
        yield Process(f"http://127.0.0.1:{port}", home, child)
    finally:
        _stop(child)


def free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, or any free port for 0. Raises StoryBroke."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise StoryBroke(f"Port {wanted} is taken; choose another with --port.") from error
        return int(probe.getsockname()[1])


def _await_ready(child: "subprocess.Popen[bytes]", url: str, folder: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    with httpx2.Client(trust_env=False, timeout=5) as client:
        while time.monotonic() < deadline:
            if child.poll() is not None:
                raise StoryBroke(f"The gateway ended at once. Its last words:\n{last_words(folder)}")
            try:
                if client.get(f"{url}/readyz").status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(LOOK_EVERY_S)
    raise StoryBroke(f"The gateway was not ready within {READY_WITHIN_S} seconds.\n{last_words(folder)}")


def last_words(folder: Path) -> str:
    """The end of the gateway's log."""
    path = folder / "gateway.log"
    return "\n".join(path.read_text(errors="replace").splitlines()[-LOG_LINES:]) if path.exists() else ""


def _stop(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
