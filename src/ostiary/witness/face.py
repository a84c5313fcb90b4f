"""A witness over HTTP: `POST /add-checkpoint`, `GET /<sha256 of the log's name>/checkpoint`, and `/livez`. Nobody signs in: a log's signature is what counts."""

import asyncio
import re
import sqlite3
from pathlib import Path

import uvicorn

from ostiary import log
from ostiary.asgi.protocol import BoundedProtocol
from ostiary.asgi.wire import Receive, Scope, Send, answer, answer_problem, read_body
from ostiary.clock import SECOND_US, Clock
from ostiary.errors import MethodNotAllowed, NotFound, OstiaryError, StoreUnavailable
from ostiary.witness.state import State, identity
from ostiary.witness.witness import Reply, add_checkpoint, latest

BODY_BYTES_MAX = 32 << 10
_LATEST = re.compile(r"/([0-9a-f]{64})/checkpoint")
_LOG = log.get("witness")


class WitnessFace:
    """An ASGI application over one folder. One submission at a time is decided: the file takes no more anyway."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._witness = identity(folder)
        self._state = State(folder)
        self._clock = clock
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            reply = await self._reply(scope, receive)
            headers = [(b"content-type", reply.kind.encode()), (b"cache-control", b"no-store")]
            await answer(send, reply.status, reply.body.encode(), headers)
        except OstiaryError as error:
            await answer_problem(send, error)

    async def _reply(self, scope: Scope, receive: Receive) -> Reply:
        path, method = scope["path"], scope["method"]
        if path == "/add-checkpoint":
            if method != "POST":
                raise MethodNotAllowed("POST")
            return await self._add(await read_body(scope, receive, BODY_BYTES_MAX))
        if method not in ("GET", "HEAD"):
            raise MethodNotAllowed("GET, HEAD")
        if path == "/livez":
            return Reply(200, "ok\n")
        asked = _LATEST.fullmatch(path)
        if asked is None:
            raise NotFound
        async with self._turn:
            return await asyncio.to_thread(latest, self._state, asked[1])

    async def _add(self, body: bytes) -> Reply:
        now_s = self._clock.now_us() // SECOND_US
        async with self._turn:
            try:
                reply = await asyncio.to_thread(add_checkpoint, self._state, self._witness, body, now_s)
            except sqlite3.Error as error:  # the disk is full, or the file is gone: nothing was cosigned
                raise StoreUnavailable from error
        _LOG.info("submission", status=reply.status)
        return reply

    def close(self) -> None:
        self._state.close()


def serve(folder: Path, clock: Clock, *, host: str, port: int) -> None:
    """Serve until told to stop. Raises WitnessBroken."""
    face = WitnessFace(folder, clock)
    config = uvicorn.Config(
        face, host=host, port=port, log_config=None, access_log=False, server_header=False, proxy_headers=False,
        http=BoundedProtocol, lifespan="off", ws="none",
    )  # fmt: skip
    try:
        uvicorn.Server(config).run()
    finally:
        face.close()
