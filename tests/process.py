"""A real `ostiary serve` process: started on a home, set up over REST, killed and started again on the same home."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pyotp

from tests import servers
from tests.forked import POSSIBLE, Forked, the_fork
from tests.house import OWNER, free_port
from tests.keys import ROOT_KEY

OSTIARY = PLAIN = [sys.executable, "-c", "from ostiary.cli.main import main; main()"]
"""A test may put another command in the place of OSTIARY; that one is not forked."""
READY_TIMEOUT_S = 60.0
BYTECODE = Path(tempfile.gettempdir()) / f"ostiary-test-bytecode-{os.getuid()}"
"""Compiled once, as in an installation: a start would else compile everything anew."""

LOOK_EVERY_S = 0.02
CLIENT = httpx.Client(trust_env=False, timeout=60, limits=httpx.Limits(max_keepalive_connections=0))
"""A connection for each request, since whoever is asked may have been killed; one client, since it loads its certificates anew."""


class NotReady(Exception):
    """The process ended, or was not ready in time; the text is what it wrote."""


@dataclass
class Process:
    """`owner` is the owner's session, with a second factor given. `ready_s`: how long each start took until `/readyz` said yes.

    `command`: what of Ostiary it runs. `wrapper` is put before the command, such as a tracer with its arguments; then, and where it is not `forked`, the
    process starts as from the shell, which takes ten times as long.
    """

    home: Path
    command: tuple[str, ...] = ("serve",)
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    owner: str = ""
    tenant: str = ""
    ready_s: list[float] = field(default_factory=list)
    running: subprocess.Popen[bytes] | Forked | None = None
    pid: int = 0
    forked: bool = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        dropped = ("OSTIARY_", "PYTHONDONTWRITEBYTECODE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        return {
            **kept,
            "PYTHONPYCACHEPREFIX": str(BYTECODE),
            "OSTIARY_HOME": str(self.home),
            "OSTIARY_ROOT_KEY": ROOT_KEY,
            "OSTIARY_PORT": str(self.port),
            "OSTIARY_WORKER_PORT": str(self.port),
            "OSTIARY_EGRESS_ALLOW": "127.0.0.0/8",
            "OSTIARY_ANONYMOUS_RATE_PER_MINUTE": "1000000",
            "OSTIARY_KEY_RATE_PER_S": "1000000",
            "OSTIARY_STEP_UP_S": "86400",
            "OSTIARY_LOG_LEVEL": "warning",
            **servers.home_settings(self.home),
            **self.settings,
        }

    def launch(self, *wrapper: str) -> None:
        """Start it without waiting. What it writes goes to `<home>.log`."""
        if url := self.environment().get("OSTIARY_DATABASE_URL"):
            servers.make_workflows(url)
        other = OSTIARY is not PLAIN or "PYTHONPATH" in self.settings
        if POSSIBLE and self.forked and not wrapper and not other:
            self.running = the_fork().start(self.command, self.environment(), self.home.with_suffix(".log"))
            self.running.go()
            return
        with open(self.home.with_suffix(".log"), "ab") as log:
            self.running = subprocess.Popen(
                [*wrapper, *OSTIARY, *self.command],
                env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def start(self, *wrapper: str) -> float:
        """Start it and wait until it is ready; how long that took, in seconds."""
        began = time.perf_counter()
        self.launch(*wrapper)
        self.wait_ready()
        self.ready_s.append(time.perf_counter() - began)
        return self.ready_s[-1]

    def wait_ready(self) -> None:
        """Raises NotReady with what the process wrote."""
        assert self.running is not None
        until = time.perf_counter() + READY_TIMEOUT_S
        while time.perf_counter() < until:
            if self.running.poll() is not None:
                break
            with suppress(httpx.TransportError):
                if CLIENT.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            time.sleep(LOOK_EVERY_S)
        raise NotReady(self.said())

    def said(self) -> str:
        """The end of what it wrote."""
        return self.home.with_suffix(".log").read_text()[-4000:]

    def kill(self) -> None:
        """SIGKILL to the process and whatever wraps it; returns when it is gone."""
        if self.running is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.running.pid, signal.SIGKILL)
        self.running.wait()
        self.running = None

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.running is not None
        self.running.terminate()
        status = self.running.wait(30)
        self.running = None
        return status

    def ask(
        self, method: str, path: str, token: str | None = None, *, key: str = "", **more: Any
    ) -> httpx.Response:
        """One request; the owner's by default, nobody's with token ""."""
        return CLIENT.request(method, self.url + path, headers=self.headers(token, key), **more)

    def headers(self, token: str | None = None, key: str = "") -> dict[str, str]:
        bearer = self.owner if token is None else token
        named = {"authorization": f"Bearer {bearer}"} if bearer else {}
        return {**named, "idempotency-key": key} if key else named

    def good(self, method: str, path: str, token: str | None = None, **more: Any) -> Any:
        """The JSON of an answer that has to be good."""
        answer = self.ask(method, path, token, **more)
        assert answer.status_code < 300, (method, path, answer.status_code, answer.text)
        return answer.json()

    def found(self) -> None:
        """First start: the owner with a second factor, and the first tenant."""
        token = (self.home / "login-codes").read_text().split()[-1]
        opened = self.good(
            "POST", "/v1/setup", "",
            json={"token": token, "email": OWNER, "name": "Olive Owner", "tenant": "Pellow & Finch"},
        )  # fmt: skip
        self.owner, self.tenant = opened["secret"], opened["tenant"]
        totp = pyotp.parse_uri(self.good("POST", "/v1/me/totp")["secret"]["otpauth"])
        confirmed = self.good("POST", "/v1/me/totp/confirm", json={"code": totp.now()})  # type: ignore[union-attr]
        self.owner = confirmed["secret"] or self.owner

    def connect(self, name: str, **settings: Any) -> None:
        self.good("PUT", f"/v1/connectors/{name}", json={"settings": settings})

    def agree(self, text: str) -> None:
        self.good("PUT", "/v1/contracts", json={"text": text})

    def make_key(self, name: str, *roles: str, kind: str = "agent") -> str:
        made = self.good("POST", "/v1/keys", json={"name": name, "kind": kind, "roles": list(roles)})
        return str(made["secret"])

    def approve(self, approval: str) -> httpx.Response:
        digest = self.good("GET", f"/v1/approvals/{approval}")["digest"]
        return self.ask("POST", f"/v1/approvals/{approval}/approve", json={"digest": digest})
