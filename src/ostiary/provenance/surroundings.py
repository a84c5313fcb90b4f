"""What stands around an untrusted value in the answer where it was read, for whoever has to say yes or no.

It is read from the record of that answer, as the agent got it (masked), each time that the question is looked at while it waits: so nothing of it is kept
for the question, and what the log does not hold (the rows of a database, what was erased or dropped) is not shown.
"""

import re
from collections.abc import Mapping, Sequence

import orjson
from sqlalchemy import Connection

from ostiary.actions import JsonValue
from ostiary.audit import reading, store
from ostiary.audit.log import Audit
from ostiary.audit.store import EventRow, Facets
from ostiary.errors import BlobsUnavailable, KeysUnavailable
from ostiary.ids import TenantId
from ostiary.provenance.marks import document_of

SOURCES_MAX = 8
AROUND_CHARACTERS = 90
EXCERPT_CHARACTERS_MAX = 260
_SOURCE = re.compile(r"([a-z0-9_.]{1,200}) (\S.{0,1000}|) ?\((cal_[0-9a-f]{32})\)", re.DOTALL)

Place = tuple[str, JsonValue]
"""A source as `Origin.source` has it, and the value that was found there."""


class Surroundings:
    """Reads the log."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    async def of(self, tenant: TenantId, places: Sequence[Place]) -> list[str]:
        """An excerpt for each place, empty where there is none."""
        return await self._audit.database.run(lambda connection: self._all(connection, tenant, places))

    def _all(self, connection: Connection, tenant: TenantId, places: Sequence[Place]) -> list[str]:
        answers: dict[str, JsonValue] = {}
        found = []
        for source, value in places:
            named = _SOURCE.fullmatch(source)
            call = named[3] if named else ""
            if named and call not in answers and len(answers) < SOURCES_MAX:
                answers[call] = self._answer(connection, tenant, call)
            found.append(_around(_at(answers.get(call), named[2].strip()), value) if named else "")
        return found

    def _answer(self, connection: Connection, tenant: TenantId, call: str) -> JsonValue:
        """The answer of a call as it was recorded; None where the log does not hold it."""
        rows = store.search(connection, tenant, Facets(call=call, decision="ran"), before=None, limit=1)
        return next((answer for row in rows if (answer := self._opened(tenant, row)) is not None), None)

    def _opened(self, tenant: TenantId, row: EventRow) -> JsonValue:
        if not row.envelope:  # its body was dropped when its time was over
            return None
        try:
            parts = reading.opened(self._audit, tenant, row)
        except (KeysUnavailable, BlobsUnavailable):
            return None
        contents = [part.content for part in parts if isinstance(part.content, Mapping)]
        return next((document_of(each["answer"]) for each in contents if "answer" in each), None)


def _at(answer: JsonValue, path: str) -> JsonValue:
    """What a JSON Pointer (RFC 6901) leads to; None where it leads nowhere."""
    value = answer
    for token in path.split("/")[1:]:
        step = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _around(text: JsonValue, value: JsonValue) -> str:
    """The part of a text in which the value stands, or its beginning where the value stands there in another form."""
    if text is None or text == value:
        return ""
    if not isinstance(text, str):
        text = orjson.dumps(text).decode()
    at = text.casefold().find(str(value).casefold())
    begin = max(0, at - AROUND_CHARACTERS) if at >= 0 else 0
    end = min(len(text), max(at, 0) + len(str(value)) + AROUND_CHARACTERS, begin + EXCERPT_CHARACTERS_MAX)
    cut = " ".join(text[begin:end].split())
    return ("… " if begin else "") + cut + (" …" if end < len(text) else "")
