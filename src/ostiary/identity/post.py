"""Sending codes off the path of the call, so that the answer takes as long for an address without an account as for one with."""

import asyncio
from collections.abc import Awaitable, Callable

from ostiary import log
from ostiary.errors import OstiaryError

_LOG = log.get("identity")

LETTERS_UNDER_WAY_MAX = 200

SendCode = Callable[[str, str], Awaitable[None]]
"""`await send_code(email, code)`: a mail, or the operator's terminal. Raises an OstiaryError when it could not be sent."""


class Post:
    """Codes on their way. Lives on the event loop."""

    def __init__(self, send_code: SendCode) -> None:
        self._send_code = send_code
        self._under_way: set[asyncio.Task[None]] = set()

    def send(self, email: str, code: str) -> None:
        """Begin to send; a failure is logged without the address. Too many at once: this one is dropped, and the person asks again."""
        if len(self._under_way) >= LETTERS_UNDER_WAY_MAX:
            _LOG.warning("code.dropped")
            return
        task = asyncio.get_running_loop().create_task(self._deliver(email, code))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def drain(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _deliver(self, email: str, code: str) -> None:
        try:
            await self._send_code(email, code)
        except OstiaryError as error:
            _LOG.error("code.not_sent", reason=error.code)
        else:
            _LOG.info("code.sent")
