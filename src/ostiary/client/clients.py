"""`Client` and `AsyncClient`: the same operations, once for code that waits and once for code that awaits."""

import asyncio
import os
import time
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx2 as http

from ostiary.client import steps
from ostiary.client.shapes import Contract, Done, Held, Preview, Session
from ostiary.client.steps import Ask, Pause, Reply, Steps

URL = "http://localhost:8080"
TIMEOUT_S = 60.0
DECIDE_S = 300.0
"""How long `do` waits for a person, if nobody says otherwise."""


class _Base:
    """What both share: where the gateway is, and who asks."""

    def __init__(
        self, url: str = "", *, key: str = "", session: str = "", behalf: str = "", headers: Mapping[str, str] | None = None
    ) -> None:  # fmt: skip
        """`url` and `key` default to OSTIARY_URL and OSTIARY_API_KEY. `session`: named with every call. `behalf`: whom an agent says it acts for; shown,
        never trusted."""
        self.url = (url or os.environ.get("OSTIARY_URL", URL)).rstrip("/")
        self.session = session
        self.behalf = behalf
        secret = key or os.environ.get("OSTIARY_API_KEY", "").strip()
        self._headers = {"accept": "application/json", **(headers or {})}
        if secret:
            self._headers["authorization"] = f"Bearer {secret}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def _sent(self, ask: Ask) -> dict[str, Any]:
        headers = {**self._headers, **ask.headers}
        if ask.body is not None:
            headers["content-type"] = "application/json"
        return {
            "method": ask.method,
            "url": self.url + ask.path,
            "content": ask.content(),
            "headers": headers,
        }

    def _call(self, name: str, params: dict[str, Any] | None, session: str, key: str, dry_run: bool) -> Steps:
        return steps.call(
            name, params or {}, key=key or _fresh(), session=session or self.session, behalf=self.behalf, dry_run=dry_run
        )  # fmt: skip

    def _do(
        self, name: str, params: dict[str, Any] | None, session: str, key: str, timeout_s: float
    ) -> Steps:
        return steps.do(
            name, params or {}, key=key or _fresh(), session=session or self.session, behalf=self.behalf,
            timeout_s=timeout_s, now=time.monotonic,
        )  # fmt: skip


class Client(_Base):
    """For code that waits. Safe between threads; close it, or use it as a context manager."""

    def __init__(self, url: str = "", *, timeout_s: float = TIMEOUT_S, **more: Any) -> None:
        super().__init__(url, **more)
        self._http = http.Client(timeout=timeout_s, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        self._http.close()

    def call(
        self, name: str, params: dict[str, Any] | None = None, *, session: str = "", key: str = ""
    ) -> Done | Held:  # fmt: skip
        """Ask for an action. `key`: an idempotency key of your own, where the call has to be the same after a restart of yours. Raises Problem."""
        outcome: Done | Held = self._run(self._call(name, params, session, key, False))
        return outcome

    def preview(self, name: str, params: dict[str, Any] | None = None, *, session: str = "") -> Preview:
        """A dry run: what would be decided, and what would be sent. Nothing is done."""
        outcome: Preview = self._run(self._call(name, params, session, "", True))
        return outcome

    def do(
        self, name: str, params: dict[str, Any] | None = None, *, session: str = "", key: str = "", timeout_s: float = DECIDE_S
    ) -> Done | Held:  # fmt: skip
        """`call`, and wait for a person where one is asked; Held where nobody decided in time: go on with `wait` later. Raises Problem, Rejected among them."""
        outcome: Done | Held = self._run(self._do(name, params, session, key, timeout_s))
        return outcome

    def wait(self, call_id: str, *, timeout_s: float = DECIDE_S) -> Done | Held:
        """What became of a held call."""
        outcome: Done | Held = self._run(steps.wait(call_id, timeout_s=timeout_s, now=time.monotonic))
        return outcome

    def contracts(self) -> list[Contract]:
        """What this caller may ask for."""
        found: list[Contract] = self._run(steps.contracts())
        return found

    def open_session(self, agent: str, intent: str, *, max_s: int | None = None) -> Session:
        """Open a session for an agent's key (`key_...`), in your own words. Only a person's credential may."""
        opened: Session = self._run(steps.open_session(agent, intent, max_s=max_s, key=_fresh()))
        return opened

    def ask(self, method: str, path: str, body: Any = None, *, key: str = "") -> Any:
        """Any other operation of the API, such as `ask("GET", "/v1/approvals")`: its JSON."""
        return self._run(steps.plain(method, path, body, key=key or _fresh()))

    def _run(self, work: Steps) -> Any:
        try:
            step = next(work)
            while True:
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    step = work.send(None)
                else:
                    step = work.send(self._reply(step))
        except StopIteration as end:
            return end.value

    def _reply(self, ask: Ask) -> Reply:
        try:
            return _reply(self._http.request(**self._sent(ask)))
        except http.TransportError as error:
            return Reply(0, type(error).__name__)


class AsyncClient(_Base):
    """For code that awaits. One for each event loop; close it, or use it as an asynchronous context manager."""

    def __init__(self, url: str = "", *, timeout_s: float = TIMEOUT_S, **more: Any) -> None:
        super().__init__(url, **more)
        self._http = http.AsyncClient(timeout=timeout_s, follow_redirects=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def call(
        self, name: str, params: dict[str, Any] | None = None, *, session: str = "", key: str = ""
    ) -> Done | Held:  # fmt: skip
        """As `Client.call`."""
        outcome: Done | Held = await self._run(self._call(name, params, session, key, False))
        return outcome

    async def preview(self, name: str, params: dict[str, Any] | None = None, *, session: str = "") -> Preview:
        """As `Client.preview`."""
        outcome: Preview = await self._run(self._call(name, params, session, "", True))
        return outcome

    async def do(
        self, name: str, params: dict[str, Any] | None = None, *, session: str = "", key: str = "", timeout_s: float = DECIDE_S
    ) -> Done | Held:  # fmt: skip
        """As `Client.do`."""
        outcome: Done | Held = await self._run(self._do(name, params, session, key, timeout_s))
        return outcome

    async def wait(self, call_id: str, *, timeout_s: float = DECIDE_S) -> Done | Held:
        """As `Client.wait`."""
        outcome: Done | Held = await self._run(steps.wait(call_id, timeout_s=timeout_s, now=time.monotonic))
        return outcome

    async def contracts(self) -> list[Contract]:
        """As `Client.contracts`."""
        found: list[Contract] = await self._run(steps.contracts())
        return found

    async def open_session(self, agent: str, intent: str, *, max_s: int | None = None) -> Session:
        """As `Client.open_session`."""
        opened: Session = await self._run(steps.open_session(agent, intent, max_s=max_s, key=_fresh()))
        return opened

    async def ask(self, method: str, path: str, body: Any = None, *, key: str = "") -> Any:
        """As `Client.ask`."""
        return await self._run(steps.plain(method, path, body, key=key or _fresh()))

    async def _run(self, work: Steps) -> Any:
        try:
            step = next(work)
            while True:
                if isinstance(step, Pause):
                    await asyncio.sleep(step.seconds)
                    step = work.send(None)
                else:
                    step = work.send(await self._reply(step))
        except StopIteration as end:
            return end.value

    async def _reply(self, ask: Ask) -> Reply:
        try:
            return _reply(await self._http.request(**self._sent(ask)))
        except http.TransportError as error:
            return Reply(0, type(error).__name__)


def _reply(answer: http.Response) -> Reply:
    after = answer.headers.get("retry-after", "")
    try:
        body = answer.json() if answer.content else None
    except ValueError:
        body = None  # not from the gateway: a proxy's own page
    return Reply(answer.status_code, body, float(after) if after.isdigit() else None)


def _fresh() -> str:
    """An idempotency key for one call, however often it is sent."""
    return uuid.uuid4().hex
