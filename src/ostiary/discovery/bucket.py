"""A bucket that a tenant names, as a place: listed and read over S3's protocol, which Google's storage speaks too.

Every request goes to an address that `net` has judged, follows no redirect and takes nothing from this machine: no credentials of its environment, none of its
metadata service, no proxy. That is why it is not the library that our own files are kept with. Its methods are called in a thread; the requests run on the loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote
from xml.parsers import expat

from ostiary.clock import Clock
from ostiary.discovery._sigv4 import Credentials, Unsigned, encoded, path_of, signed
from ostiary.errors import OstiaryError, TargetAnswerInvalid, TargetRefused, TargetUnavailable
from ostiary.net.address import Egress, parse_url
from ostiary.net.http import Answer, Bounds, Client, Request
from ostiary.scanning.place import Item, PlaceUnreadable, Unreadable

PAGE_KEYS = 1_000
LIST_BYTES_MAX = 8 << 20
KEY_CHARACTERS_MAX = 1_024
REQUEST_TIMEOUT_S = 20
CONNECTIONS_MAX = 2
DEPTH_MAX = 16


@dataclass(frozen=True, slots=True)
class Where:
    """`endpoint` without the bucket; `prefix` is cut off the keys."""

    endpoint: str
    bucket: str
    prefix: str
    region: str
    credentials: Credentials | None


class Bucket:
    """One bucket. `run` has a coroutine done on the loop that this process's requests live on, and waits for it. To be closed on that loop."""

    kind = "bucket"

    def __init__(
        self, where: Where, allowed: Egress, clock: Clock, run: Callable[[Awaitable[Any]], Any], *, bytes_max: int
    ) -> None:  # fmt: skip
        """Raises AddressRefused for an endpoint that is not plainly spelled."""
        bounds = Bounds(timeout_s=REQUEST_TIMEOUT_S, answer_bytes_max=bytes_max, connections_max=CONNECTIONS_MAX)  # fmt: skip
        self._where, self._clock, self._run = where, clock, run
        endpoint = parse_url(where.endpoint)
        self._client = Client(endpoint, allowed, bounds)
        listing = replace(bounds, answer_bytes_max=LIST_BYTES_MAX)
        self._lists = Client(endpoint, allowed, listing)

    def items(self, after: str) -> Iterator[Item]:
        """Raises PlaceUnreadable."""
        prefix, last = self._where.prefix, after
        while True:
            query = {
                "list-type": "2", "encoding-type": "url", "max-keys": str(PAGE_KEYS), "prefix": prefix,
                **({"start-after": prefix + last} if last else {}),
            }  # fmt: skip
            listed, more = _read_listing(self._listed(query))
            if listed and listed[-1].key == prefix + last:
                raise PlaceUnreadable("The bucket's list does not go on.")
            for entry in listed:
                key = entry.key.removeprefix(prefix)
                if not entry.key.startswith(prefix):
                    raise PlaceUnreadable("The bucket's list holds what was not asked for.")
                last = key
                if key.endswith("/") and not entry.size:
                    continue  # what stands for a folder
                yield Item(key, entry.size, entry.version)
            if not more:
                return
            if not listed:
                raise PlaceUnreadable("The bucket's list does not go on.")

    def read(self, item: Item, bytes_max: int, start: int = 0) -> bytes:
        """Raises Unreadable."""
        path = path_of(self._where.bucket, self._where.prefix + item.key)
        try:
            answer = self._asked(self._client, path, {}, {"Range": f"bytes={start}-{start + bytes_max - 1}"})
        except OstiaryError as error:
            raise Unreadable(code=error.code) from None
        if answer.status == 416:  # nothing from there on
            return b""
        if answer.status not in (200, 206):
            raise Unreadable(code=TargetRefused.code)
        return answer.body if answer.status == 206 else answer.body[start : start + bytes_max]

    def _listed(self, query: dict[str, str]) -> bytes:
        try:
            answer = self._asked(self._lists, path_of(self._where.bucket), query, {})
        except OstiaryError as error:
            raise PlaceUnreadable(error.detail or error.title()) from None
        if answer.status != 200:
            raise PlaceUnreadable(f"The storage answered with status {answer.status}: check bucket, region and credentials.")  # fmt: skip
        return answer.body

    def _asked(self, client: Client, path: str, query: dict[str, str], more: dict[str, str]) -> Answer:
        where = self._where
        unsigned = Unsigned(client.endpoint.authority, path, query)
        headers = signed(unsigned, where.credentials, region=where.region, at_us=self._clock.now_us())
        target = path + ("?" + encoded(query) if query else "")
        try:
            answer: Answer = self._run(client.send(Request("GET", target, {**headers, **more})))
        except (CancelledError, asyncio.CancelledError):
            raise TargetUnavailable from None
        except ValueError:
            raise TargetAnswerInvalid("A key cannot be asked for.") from None
        return answer

    async def close(self) -> None:
        await self._client.close()
        await self._lists.close()


@dataclass(slots=True)
class _Entry:
    key: str = ""
    size: int = 0
    version: str = ""


class _Listing:
    """A reader of ListBucketResult that knows what it wants and takes no document type."""

    def __init__(self) -> None:
        self.entries: list[_Entry] = []
        self.more = False
        self._path: list[str] = []
        self._text = ""

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._path.append(name.rpartition(" ")[2])
        self._text = ""
        if len(self._path) > DEPTH_MAX:
            raise ValueError("too deep")
        if self._path[1:] == ["Contents"]:
            self.entries.append(_Entry())

    def text(self, text: str) -> None:
        self._text += text

    def end(self, _name: str) -> None:
        match self._path[1:]:
            case ["Contents", "Key"]:
                self.entries[-1].key = unquote(self._text.replace("+", " "), errors="strict")
            case ["Contents", "Size"]:
                self.entries[-1].size = int(self._text)
            case ["Contents", "ETag"]:
                self.entries[-1].version = self._text.strip('"')[:200]
            case ["IsTruncated"]:
                self.more = self._text == "true"
        self._path.pop()


def _read_listing(body: bytes) -> tuple[list[_Entry], bool]:
    """The entries, and whether there are more. Raises PlaceUnreadable."""
    listing = _Listing()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = listing.start
    parser.EndElementHandler = listing.end
    parser.CharacterDataHandler = listing.text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(body, True)
        if any(not entry.key or len(entry.key) > KEY_CHARACTERS_MAX for entry in listing.entries):
            raise ValueError("a key that is none")
    except (expat.ExpatError, ValueError):
        raise PlaceUnreadable("What answered does not speak as S3 does.") from None
    return listing.entries, listing.more


def _refuse(*_given: Any) -> None:
    raise ValueError("a document type")
