"""Rows are taken out as they come: whole, masked, recorded before and after, no faster than they are read, and never a part for the whole."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.ipc
import pytest

from tests.engines.given import ENGINES
from tests.house import House
from tests.sources.given import OPEN, asked

STREAMED = {**OPEN, "streams": True}
MANY = 20
"""Copies of three rows, two of them of one region: a million."""


class Reader:
    """One request to the gateway, read as slowly as a test wants."""

    def __init__(self, house: House, given: dict[str, Any], token: str | None = None, **headers: str) -> None:
        self.messages: list[dict[str, Any]] = []
        self.room, self.began = asyncio.Event(), asyncio.Event()
        self.room.set()
        self.on_start: Callable[[], Awaitable[None]] | None = None
        self._gone = asyncio.Event()
        self._sent = False
        path = f"/v1/sources/shop/{given.pop('by', 'stream')}"
        self._body = json.dumps(given).encode()
        named = {"authorization": f"Bearer {token or house.owner}", "content-type": "application/json", "host": "localhost", **headers}  # fmt: skip
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http", "path": path, "raw_path": path.encode(),
            "query_string": b"", "root_path": "", "client": ("127.0.0.1", 40000), "server": ("localhost", 8080),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()],
        }  # fmt: skip
        self.task = asyncio.create_task(house.gateway.asgi(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if not self._sent:
            self._sent = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and self.on_start:
            await self.on_start()
        self.messages.append(message)
        if message["type"] == "http.response.body":
            self.began.set()
            await self.room.wait()

    def hang_up(self) -> None:
        self._gone.set()
        self.room.set()

    async def done(self) -> "Reader":
        await asyncio.wait_for(self.task, 60)
        return self

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    @property
    def whole(self) -> bool:
        return not self.messages[-1].get("more_body")

    def header(self, name: str) -> str:
        return dict(self.messages[0]["headers"]).get(name.encode(), b"").decode()

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.body.splitlines()]


async def read(house: House, statement: str, token: str | None = None, **more: Any) -> Reader:
    return await Reader(house, {"statement": statement, **more}, token).done()


async def events(house: House, call: str) -> list[tuple[str, str, int]]:
    found = await house.good("GET", f"/v1/audit/events?call={call}")
    return [(each["decision"], each["code"], each["counts"].get("rows", 0)) for each in reversed(found["events"])]  # fmt: skip


def crossed(schema: str) -> str:
    joined = " ".join(
        f"JOIN {schema}.orders AS t{number} ON t{number}.region = t0.region" for number in range(1, MANY)
    )
    return f"SELECT t0.id, t1.region, t2.amount FROM {schema}.orders AS t0 {joined}"


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_come_masked_and_the_last_line_says_whether_that_was_all(tmp_path: Path, engine: str) -> None:
    async def story(house: House, schema: str) -> None:
        people = f"SELECT id, name, ssn FROM {schema}.customers ORDER BY id"
        answer = await read(house, people)
        assert answer.status == 200, answer.body
        assert answer.whole
        assert (answer.header("content-type"), answer.header("cache-control")) == ("application/x-ndjson", "no-store")  # fmt: skip
        first, *rows, last = answer.lines()
        assert first == {"columns": ["id", "name", "ssn"]}
        assert [(row[0], row[2]) for row in rows] == [(1, "***"), (2, "***")]
        assert "Ada" not in str(rows)
        assert last == {"rows": 2, "truncated": False}
        cut = await read(house, people, rows=1)
        assert [cut.lines()[-1], len(cut.lines())] == [{"rows": 1, "truncated": True}, 3]
        table = await read(house, people, format="csv")
        assert table.whole
        assert table.header("content-type") == "text/csv; charset=utf-8"
        assert [line.split(b",")[0] for line in table.body.splitlines()] == [b"id", b"1", b"2"]
        assert await events(house, table.header("ostiary-call")) == [("intended", "", 0), ("ran", "", 2)]

    asked(tmp_path, engine, story, STREAMED)


def test_what_cannot_say_that_there_is_more_is_cut(tmp_path: Path) -> None:
    async def story(house: House, schema: str) -> None:
        ids = f"SELECT id FROM {schema}.orders ORDER BY id"
        meant = await read(house, ids, rows=2, format="csv")
        assert meant.whole
        table = await read(house, ids, format="csv")
        assert table.body == b"id\r\n1\r\n2\r\n"
        assert not table.whole
        call = table.header("ostiary-call")
        assert await events(house, call) == [("intended", "", 0), ("failed", "target.answer_too_large", 2)]

    asked(tmp_path, "sqlite", story, {**STREAMED, "stream_rows_max": 2})


def test_the_intent_is_recorded_before_a_byte_leaves(tmp_path: Path) -> None:
    async def story(house: House, schema: str) -> None:
        found: list[Any] = []

        async def look() -> None:
            found.extend((await house.good("GET", "/v1/audit/events?action=source.stream"))["events"])

        reader = Reader(house, {"statement": f"SELECT id FROM {schema}.orders"})
        reader.on_start = look
        await reader.done()
        assert [each["decision"] for each in found] == ["intended"]
        assert [each for each, _, _ in await events(house, found[0]["call"])] == ["intended", "ran"]

    asked(tmp_path, "sqlite", story, STREAMED)


KINDS = {
    "postgresql": "SELECT id, region, CAST(amount AS DECIMAL(10, 2)) AS money, amount / 4.0 AS part, CAST('2026-01-31' AS DATE) AS day, CAST('2026-01-31 10:00:00+00' AS timestamptz) AS at, id > 1 AS more",
    "mysql": "SELECT id, region, CAST(amount AS DECIMAL(10, 2)) AS money, CAST('2026-01-31' AS DATE) AS day, CAST('2026-01-31 10:00:00' AS DATETIME) AS at",
    "sqlite": "SELECT id, region, amount * 1.0 AS money, '2026-01-31' AS day",
    "duckdb": "SELECT id, region, CAST(amount AS DECIMAL(10, 2)) AS money, sum(id) OVER () AS n, CAST('2026-01-31' AS DATE) AS day, CAST('2026-01-31 10:00:00+00' AS TIMESTAMPTZ) AS at",
}
DAY, AT = date(2026, 1, 31), datetime(2026, 1, 31, 10, tzinfo=UTC)
FIRST = {
    "postgresql": ("int64,string,decimal128(10, 2),string,date32[day],timestamp[us, tz=UTC],bool", (1, "EU", Decimal("10.00"), "2.5000000000000000", DAY, AT, False)),
    "mysql": ("int64,string,string,date32[day],timestamp[us]", (1, "EU", "10.00", DAY, AT.replace(tzinfo=None))),
    "sqlite": ("int64,string,double,string", (1, "EU", 10.0, "2026-01-31")),
    "duckdb": ("int64,string,decimal128(10, 2),decimal128(38, 0),date32[day],timestamp[us, tz=UTC]", (1, "EU", Decimal("10.00"), Decimal(6), DAY, AT)),
}  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
def test_arrow_readers_get_columns_of_their_kinds(tmp_path: Path, engine: str) -> None:
    async def story(house: House, schema: str) -> None:
        answer = await read(house, f"{KINDS[engine]} FROM {schema}.orders ORDER BY id", format="arrow")
        assert answer.whole, answer.body
        assert answer.header("content-type") == "application/vnd.apache.arrow.stream"
        table = pyarrow.ipc.open_stream(answer.body).read_all()
        kinds, first = FIRST[engine]
        assert ",".join(str(type_) for type_ in table.schema.types) == kinds
        assert tuple(table.slice(0, 1).to_pylist()[0].values()) == first
        assert table.num_rows == 3
        none = await read(house, f"SELECT id, region FROM {schema}.orders WHERE id > 9", format="arrow")
        assert pyarrow.ipc.open_stream(none.body).read_all().num_rows == 0
        large = await read(house, crossed(schema), format="arrow", rows=20_000)
        assert large.whole
        assert pyarrow.ipc.open_stream(large.body).read_all().num_rows == 20_000

    asked(tmp_path, engine, story, STREAMED)


def test_a_column_of_several_kinds_is_not_told_as_one(tmp_path: Path) -> None:
    async def story(house: House, schema: str) -> None:
        several = f"SELECT CASE WHEN id < 3 THEN id ELSE region END AS what FROM {schema}.orders ORDER BY id"
        answer = await read(house, several, format="arrow")
        assert answer.whole
        assert pyarrow.ipc.open_stream(answer.body).read_all().to_pylist()[2] == {"what": "EU"}
        joined = " ".join(f"JOIN {schema}.orders AS t{at} ON t{at}.region = t0.region" for at in range(1, 9))
        late = f"SELECT CASE WHEN t0.id < 3 THEN t0.id ELSE t0.region END AS what FROM {schema}.orders AS t0 {joined} ORDER BY t0.id"
        answer = await read(house, late, format="arrow")
        assert not answer.whole
        assert (await events(house, answer.header("ostiary-call")))[1][:2] == ("failed", "target.answer_invalid")  # fmt: skip

    asked(tmp_path, "sqlite", story, STREAMED)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_database_waits_for_whoever_reads(tmp_path: Path, engine: str) -> None:
    async def story(house: House, schema: str) -> None:
        reader = Reader(house, {"statement": crossed(schema), "rows": 300_000})
        reader.room.clear()
        await asyncio.wait_for(reader.began.wait(), 20)
        before = len(reader.messages)
        await asyncio.sleep(0.5)
        assert len(reader.messages) == before
        reader.room.set()
        lines = (await reader.done()).lines()
        assert lines[-1] == {"rows": 300_000, "truncated": True}
        assert len(lines) == 300_002

    asked(tmp_path, engine, story, STREAMED)


@pytest.mark.parametrize("stalled", [False, True])
@pytest.mark.parametrize("engine", ENGINES)
def test_whoever_hangs_up_stops_the_statement(tmp_path: Path, engine: str, *, stalled: bool) -> None:
    async def story(house: House, schema: str) -> None:
        reader = Reader(house, {"statement": crossed(schema)})
        if stalled:
            reader.room.clear()
        await asyncio.wait_for(reader.began.wait(), 20)
        reader.hang_up()
        await asyncio.wait_for(reader.task, 5)
        assert not reader.whole
        ran = await events(house, reader.header("ostiary-call"))
        assert [each[:2] for each in ran] == [("intended", ""), ("failed", "answer.unread")]
        assert 0 < ran[1][2] < 2**MANY
        again = await read(house, f"SELECT count(*) AS n FROM {schema}.orders")
        assert again.lines()[1] == [3]

    asked(tmp_path, engine, story, STREAMED)


@pytest.mark.parametrize("engine", ENGINES)
def test_whoever_hangs_up_stops_a_query_too(tmp_path: Path, engine: str) -> None:
    async def story(house: House, schema: str) -> None:
        long = crossed(schema).replace("t0.id, t1.region, t2.amount", "count(*) AS n")
        reader = Reader(
            house, {"by": "query", "statement": long + more(schema, 13 if engine == "duckdb" else 9)}
        )
        await asyncio.sleep(0.7)
        assert not reader.task.done(), reader.body
        reader.hang_up()
        await asyncio.wait_for(reader.task, 3)
        (event,) = (await house.good("GET", "/v1/audit/events?action=source.query"))["events"]
        assert (event["decision"], event["code"]) == ("failed", "answer.unread")

    asked(tmp_path, engine, story, STREAMED)


def more(schema: str, count: int) -> str:
    """So that it takes long: counting alone does not."""
    return "".join(f" JOIN {schema}.orders AS m{at} ON m{at}.region = t0.region" for at in range(count))


def test_nothing_is_streamed_that_nobody_let_out(tmp_path: Path) -> None:
    careful = {"name": "people", "tables": ["customers"], "consent": "confirm"}

    async def story(house: House, schema: str) -> None:
        orders = f"SELECT id FROM {schema}.orders"

        async def code(statement: str, token: str | None = None, **headers: str) -> tuple[int, str]:
            answer = await Reader(house, {"statement": statement}, token, **headers).done()
            assert answer.whole
            return answer.status, json.loads(answer.body)["code"]

        agent = await house.make_key("helper")
        assert await code(orders, agent) == (403, "access.forbidden")
        assert await code(f"SELECT name FROM {schema}.customers") == (403, "query.held")
        assert await code("SELECT 1 FROM nowhere") == (422, "query.refused")
        assert await code("DELETE FROM orders") == (422, "query.refused")
        assert await code(f"SELECT 1 / (id - id) FROM {schema}.orders") == (422, "query.refused")
        assert await code(orders, idempotency_key="once") == (400, "request.malformed")
        policy = {**STREAMED, "streams": False}
        await house.good("PUT", "/v1/sources/shop", json={"policy": policy})
        assert await code(orders) == (409, "conflict")

    asked(tmp_path, "duckdb", story, {**STREAMED, "rules": [OPEN["rules"][0], careful]})


def test_readers_that_stand_still_leave_room_for_who_asks(tmp_path: Path) -> None:
    async def story(house: House, schema: str) -> None:
        readers = [Reader(house, {"statement": crossed(schema)}) for _ in range(3)]
        for reader in readers:
            reader.room.clear()
        for reader in readers:
            await asyncio.wait_for(reader.began.wait(), 20)
        more = await read(house, f"SELECT id FROM {schema}.orders")
        assert (more.status, more.header("retry-after")) == (429, "5")
        count = {"statement": f"SELECT count(*) AS n FROM {schema}.orders"}
        assert (await house.good("POST", "/v1/sources/shop/query", json=count))["rows"] == [{"n": 3}]
        for reader in readers:
            reader.hang_up()
            await reader.done()
        assert (await read(house, f"SELECT id FROM {schema}.orders")).whole

    asked(tmp_path, "postgresql", story, STREAMED)
