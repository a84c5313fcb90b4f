"""A thousand canaries of one subject, planted through the public faces: parameters, answers of connected systems, approval cards, large answers, refusals."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import inspect, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ostiary.audit.event import open_part, unpack
from ostiary.audit.large import Large
from ostiary.audit.store import audit_event
from ostiary.db.database import Database
from ostiary.db.scope import within
from ostiary.db.tables import metadata
from ostiary.errors import NotFound, SealBroken
from ostiary.ids import TenantId
from ostiary.sample.serving import served
from ostiary.vault.sealing import Place
from tests import servers
from tests.house import House

SUBJECT = "C-48213"
OTHER = "C-90001"
A_CALL = 20
LARGE = 200

CONTRACTS = """
version: 1
actions:
  - name: note.keep
    title: Keep notes
    description: Keeps notes about a customer.
    parameters:
      properties:
        customer: {type: string, maxLength: 20}
        notes: {type: array, items: {type: string, maxLength: 60}, maxItems: 300}
      required: [customer, notes]
    roles: [support, owner]
    risk: medium
    confirmation: never
    subject: customer
    sentence: Keep notes about {customer}
    target: {connector: notes, http: {method: POST, path: /notes, body: {customer: '{customer}', notes: '{notes}'}}}
  - name: note.read
    title: Read notes
    description: Reads what is known of a customer.
    parameters: {properties: {customer: {type: string, maxLength: 20}, from: {type: integer, minimum: 0}, count: {type: integer, minimum: 1}}, required: [customer, from, count]}
    roles: [support, owner]
    subject: customer
    sentence: Read notes of {customer}
    target: {connector: notes, http: {method: GET, path: '/notes/{customer}/{from}/{count}'}}
  - name: note.ask
    title: Keep notes after asking
    description: Keeps notes about a customer.
    parameters:
      properties:
        customer: {type: string, maxLength: 20}
        notes: {type: array, items: {type: string, maxLength: 60}, maxItems: 300}
      required: [customer, notes]
    roles: [support, owner]
    risk: high
    confirmation: always
    subject: customer
    sentence: Keep notes about {customer}
    target: {connector: notes, http: {method: POST, path: /notes, body: {customer: '{customer}', notes: '{notes}'}}}
"""


_CANARY = re.compile(r"cnry\d{4}zqx")


def canary(number: int) -> str:
    return f"cnry{number:04d}zqx"


@contextmanager
def notes_server() -> Iterator[str]:
    """A connected system: it says back what it was told, and makes canaries of its own, padded for large answers."""

    async def keep(request: Request) -> JSONResponse:
        return JSONResponse({"kept": (await request.json())["notes"]})

    async def read(request: Request) -> JSONResponse:
        begin, count = int(request.path_params["begin"]), int(request.path_params["count"])
        pad = "lorem ipsum dolor sit amet " * (40 if count >= LARGE else 0)
        return JSONResponse({"notes": [f"{canary(begin + each)} {pad}" for each in range(count)]})

    routes = [Route("/notes", keep, methods=["POST"]), Route("/notes/{customer}/{begin}/{count}", read)]
    with served(Starlette(routes=routes)) as url:
        yield url


async def plant(house: House, url: str) -> None:
    """Canaries 0 to 999: 400 in calls and their answers, 200 on cards (approved, rejected, waiting), 200 in answers, 200 in a large answer."""
    await house.connect("notes", kind="http", base_url=url, honours_idempotency_key=True)
    await house.agree(CONTRACTS)
    for begin in range(0, 400, A_CALL):
        await house.good("POST", "/v1/actions/note.keep", key=f"key-{begin}", json=_about(begin))
    for number, begin in enumerate(range(400, 600, A_CALL)):
        held = await house.ask("POST", "/v1/actions/note.ask", await _agent(house), json=_about(begin))
        assert held.status_code == 202, held.text
        if number % 3 == 0:
            await house.approve(held.json()["approval_id"])
            await house.settled(held.json()["call_id"])
        elif number % 3 == 1:
            card = held.json()["approval_id"]
            await house.good("POST", f"/v1/approvals/{card}/reject", json={"reason": "no"})
    for begin in range(600, 800, A_CALL):
        asked = {"customer": SUBJECT, "from": begin, "count": A_CALL}
        await house.good("POST", "/v1/actions/note.read", json=asked)
    await house.good("POST", "/v1/actions/note.read", json={"customer": SUBJECT, "from": 800, "count": LARGE})
    await refused(house)
    await house.good("POST", "/v1/actions/note.keep", json={"customer": OTHER, "notes": ["the other's"]})


async def refused(house: House) -> None:
    """The first canaries again, in calls that are refused, and in what somebody had revealed."""
    many = await house.ask(
        "POST", "/v1/actions/note.keep", json={"customer": SUBJECT, "notes": [canary(0)] * 301}
    )
    assert many.status_code == 422
    viewer = await house.make_key("viewer", roles=("viewer",))
    forbidden = await house.ask("POST", "/v1/actions/note.keep", viewer, json=_about(0))
    assert forbidden.status_code == 403
    about = await house.good("GET", "/v1/audit/events", params={"subject": SUBJECT, "limit": "5"})
    for event in about["events"]:
        await house.good("POST", f"/v1/audit/events/{event['id']}/reveal")


_AGENTS: dict[int, str] = {}


async def _agent(house: House) -> str:
    name = id(house)
    if name not in _AGENTS:
        _AGENTS[name] = await house.make_key("writer")
    return _AGENTS[name]


def _about(begin: int) -> dict[str, Any]:
    return {"customer": SUBJECT, "notes": [canary(begin + each) for each in range(A_CALL)]}


def opened(house: House, tenant: str) -> str:
    """Everything sealed that opens, as one text: every sealed column of every table at its place, every part of every event, every file."""
    found: list[bytes] = []
    of, vault = TenantId(tenant), house.gateway.vault

    def attempt(place: Place, sealed: bytes | None) -> None:
        try:
            found.append(vault.open(place, sealed or b""))
        except SealBroken:
            return

    def look(connection: Any) -> None:
        with within(connection, of):
            search(connection)

    def search(connection: Any) -> None:
        for table in metadata.sorted_tables:
            columns = [column for column in table.columns if column.info["held"] == "sealed"]
            if not columns or table.name == "audit_event":
                continue
            keys = [column for column in table.primary_key.columns if column.name != "tenant"]
            for row in connection.execute(select(table).where(table.c.tenant == of)).mappings():
                name = "/".join(str(row[key.name]) for key in keys)
                for column in columns:
                    attempt(Place(of, table.name, column.name, name), row[column.name])
        large = Large(vault, house.gateway.blobs)
        for row in connection.execute(select(audit_event).where(audit_event.c.tenant == of)).mappings():
            for number, blob in enumerate(unpack(row["parts"])):
                try:
                    content = open_part(vault, of, row["id"], number, blob)
                    found.append(orjson.dumps(large.fetch(of, content)))
                except (SealBroken, NotFound):
                    continue

    house.gateway.database.read(look)
    return b"\n".join(found).decode("utf-8", "replace")


def seen(text: str) -> int:
    """How many of the thousand canaries are in a text."""
    return len(set(_CANARY.findall(text)))


def raw(database: Database) -> bytes:
    """Every row of every table as bytes: what whoever holds the whole database would dump."""
    found: list[bytes] = []
    with servers.intruder(database) as connection:
        for name in inspect(connection).get_table_names():
            for row in connection.exec_driver_sql(f'SELECT * FROM "{name}"'):
                found.extend(
                    bytes(each) if isinstance(each, bytes | memoryview) else str(each).encode()
                    for each in row
                )
    return b"\n".join(found)


def server_files(database: Database) -> Iterator[tuple[Path, bytes]]:
    """The files of the database's server, write-ahead log included, as far as this machine lets us read them; nothing on SQLite."""
    if database.sqlite:
        return
    with servers.intruder(database) as connection:
        folder = Path(connection.exec_driver_sql("SHOW data_directory").scalar_one())
        own = connection.exec_driver_sql("SELECT pg_relation_filepath(oid) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relfilenode <> 0").scalars()  # fmt: skip
        wanted = [folder / each for each in own]
    recent = sorted((folder / "pg_wal").glob("0*"), key=lambda path: path.stat().st_mtime)[-8:]
    for path in (*wanted, *recent):
        if os.access(path, os.R_OK):
            yield path, path.read_bytes()


def files(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file in a folder, whole."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path, path.read_bytes()
