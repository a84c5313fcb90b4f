"""What every object storage is asked in: requests to an address that `net` has judged, bounded, without redirects, and lists in XML.

Nothing is taken from this machine: no credentials of its environment, none of its metadata service, no proxy.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from typing import Any, Protocol
from xml.parsers import expat

from ostiary.errors import OstiaryError, TargetAnswerInvalid, TargetRefused, TargetUnavailable
from ostiary.net.address import Egress, Endpoint, parse_url
from ostiary.net.http import Answer, Bounds, Client, Request
from ostiary.scanning.place import PlaceUnreadable, Unreadable
from ostiary.secret import Secret

LIST_BYTES_MAX = 8 << 20
KEY_CHARACTERS_MAX = 1_024
REQUEST_TIMEOUT_S = 20
CONNECTIONS_MAX = 2
XML_DEPTH_MAX = 16


@dataclass(frozen=True, slots=True)
class Credentials:
    """`access_key`: of Azure the account's name; then `secret` is its key or a SAS token."""

    access_key: str
    secret: Secret


@dataclass(frozen=True, slots=True)
class Where:
    """`endpoint` without the bucket; `prefix` is cut off the keys."""

    endpoint: str
    bucket: str
    prefix: str
    region: str
    credentials: Credentials | None


class Storage:
    """One server. `run` has a coroutine done on the loop that this process's requests live on, and waits for it. To be closed on that loop."""

    def __init__(self, endpoint: str, allowed: Egress, run: Callable[[Awaitable[Any]], Any], *, bytes_max: int) -> None:  # fmt: skip
        """Raises AddressRefused for an endpoint that is not plainly spelled."""
        self.endpoint: Endpoint = parse_url(endpoint)
        self._run = run
        bounds = Bounds(timeout_s=REQUEST_TIMEOUT_S, answer_bytes_max=bytes_max, connections_max=CONNECTIONS_MAX)  # fmt: skip
        self._objects = Client(self.endpoint, allowed, bounds)
        self._lists = Client(self.endpoint, allowed, replace(bounds, answer_bytes_max=LIST_BYTES_MAX))

    def listed(self, target: str, headers: Mapping[str, str]) -> bytes:
        """A page of a list. Raises PlaceUnreadable."""
        try:
            answer = self._asked(self._lists, target, headers)
        except OstiaryError as error:
            raise PlaceUnreadable(error.detail or error.title()) from None
        if answer.status != 200:
            raise PlaceUnreadable(f"The storage answered with status {answer.status}: check the name of the bucket or container, its region if it has one, and the credentials.")  # fmt: skip
        return answer.body

    def ranged(self, target: str, headers: Mapping[str, str], start: int, bytes_max: int) -> bytes:
        """What was asked for with a range, also of a server that gives the whole. Raises Unreadable."""
        try:
            answer = self._asked(self._objects, target, headers)
        except OstiaryError as error:
            raise Unreadable(code=error.code) from None
        if answer.status == 416:  # nothing from there on
            return b""
        if answer.status not in (200, 206):
            raise Unreadable(code=TargetRefused.code)
        return answer.body if answer.status == 206 else answer.body[start : start + bytes_max]

    def _asked(self, client: Client, target: str, headers: Mapping[str, str]) -> Answer:
        try:
            answer: Answer = self._run(client.send(Request("GET", target, dict(headers))))
        except (CancelledError, asyncio.CancelledError):
            raise TargetUnavailable from None
        except ValueError:
            raise TargetAnswerInvalid("A key cannot be asked for.") from None
        return answer

    async def close(self) -> None:
        await self._objects.close()
        await self._lists.close()


class Listing(Protocol):
    """A reader of a list that knows what it wants. `path`: the names of the elements around, below the outermost."""

    def begin(self, path: list[str], attributes: dict[str, str]) -> None: ...

    def end(self, path: list[str], text: str) -> None:
        """Raises ValueError for what the element cannot say."""
        ...


def read_list(body: bytes, listing: Listing) -> None:
    """Tell the listing what stands in the body, which may hold no document type. Raises PlaceUnreadable."""
    path: list[str] = []
    text: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        path.append(name.rpartition(" ")[2])
        text.clear()
        if len(path) > XML_DEPTH_MAX:
            raise ValueError("too deep")
        listing.begin(path[1:], attributes)

    def end(_name: str) -> None:
        listing.end(path[1:], "".join(text))
        text.clear()
        path.pop()

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError):
        raise PlaceUnreadable("What answered does not list as an object storage does.") from None


def plain_key(key: str) -> str:
    """Raises ValueError for what is no key."""
    if not 0 < len(key) <= KEY_CHARACTERS_MAX:
        raise ValueError("a key that is none")
    return key


def _refuse(*_given: Any) -> None:
    raise ValueError("a document type")
