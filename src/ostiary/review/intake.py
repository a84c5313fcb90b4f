"""Bytes come in: by a ticket that is good once, for who asked for it, for ten minutes, within a bound. They are sealed as they come; nothing lies in the clear anywhere.

The ticket is given and used up through the door, so both are recorded; the bytes themselves stream past it into a sealed file, and count for nothing until `document.open` names
their ticket and their SHA-256. What breaks off leaves no file.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ostiary.clock import SECOND_US
from ostiary.errors import MalformedRequest, NotFound, RequestTimeout, TooMany
from ostiary.ids import TenantId
from ostiary.review import store
from ostiary.review.paper import BYTES_MAX
from ostiary.review.reviews import PURPOSE, Reviews, source_name
from ostiary.vault.files import SealedFile, put_file

TICKET_S = 600
KEPT_S = 3600
"""What was uploaded may be opened for so long after its ticket has ended."""
TICKETS_MAX = 20
"""That one actor may have waiting."""
PIECE_TIMEOUT_S = 30
WHOLE_TIMEOUT_S = 600
AT_ONCE = 8
AT_ONCE_A_TENANT = 4
RETRY_AFTER_S = 5


@dataclass(slots=True)
class Intake:
    """One for the process. Uploads have threads of their own: slow senders keep nobody else's work waiting."""

    reviews: Reviews
    busy: dict[TenantId, int] = field(default_factory=dict)
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(AT_ONCE, thread_name_prefix="intake")
    )

    async def take(self, tenant: TenantId, upload: str, pieces: AsyncIterator[bytes]) -> SealedFile:
        """The content of a ticket that was just used (`document.receive`), sealed. Raises RequestTooLarge, RequestTimeout, MalformedRequest, TooMany; KeysUnavailable, BlobsUnavailable."""
        mine = self.busy.get(tenant, 0)
        if mine >= AT_ONCE_A_TENANT or sum(self.busy.values()) >= AT_ONCE:
            raise TooMany(retry_after_s=RETRY_AFTER_S)
        self.busy[tenant] = mine + 1
        try:
            async with asyncio.timeout(WHOLE_TIMEOUT_S):
                return await self._sealed(tenant, upload, pieces)
        except TimeoutError:
            raise RequestTimeout from None
        finally:
            left = self.busy[tenant] - 1
            if left:
                self.busy[tenant] = left
            else:
                del self.busy[tenant]

    async def _sealed(self, tenant: TenantId, upload: str, pieces: AsyncIterator[bytes]) -> SealedFile:
        loop = asyncio.get_running_loop()
        gone = False

        async def following() -> bytes:
            try:
                async with asyncio.timeout(PIECE_TIMEOUT_S):
                    return await anext(pieces, b"")
            except TimeoutError:
                raise RequestTimeout from None

        def given() -> Iterator[bytes]:
            while not gone:
                piece = asyncio.run_coroutine_threadsafe(following(), loop).result(PIECE_TIMEOUT_S * 2)
                if not piece:
                    return
                yield piece
            raise MalformedRequest("The upload ended before it was complete.")

        def write() -> SealedFile:
            vault, blobs = self.reviews.vault, self.reviews.blobs
            return put_file(vault, blobs, tenant, source_name(upload), given(), purpose=PURPOSE, bytes_max=BYTES_MAX)  # fmt: skip

        try:
            return await loop.run_in_executor(self._threads, write)
        finally:
            gone = True


async def used(
    reviews: Reviews, tenant: TenantId, upload: str, actor: str, *, kept_s: int = 0
) -> store.UploadRow:
    """The ticket, if it is this actor's and still good, or was so within `kept_s`. Raises NotFound: another's, another tenant's and one that is over do not exist."""
    row = await reviews.database.run(lambda c: store.find_upload(c, tenant, upload))
    if row is None or row.actor != actor or row.expires_us + kept_s * SECOND_US <= reviews.clock.now_us():
        raise NotFound
    return row


def expires_us(now_us: int) -> int:
    return now_us + TICKET_S * SECOND_US
