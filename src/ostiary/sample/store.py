"""The company's files in SQLite: what it knows (`write_company`), and what its back-end has done (`Books`).

The gateway reads the first through its SQL connector, read-only. The second is the back-end's own, and the judge of the story: money has left
when a row stands here, and at no other time.
"""

import sqlite3
import threading
from collections.abc import Iterable
from contextlib import closing
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import orjson

from ostiary.sample.company import Company

TABLES = """
CREATE TABLE customers (id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, phone TEXT NOT NULL, street TEXT NOT NULL, city TEXT NOT NULL,
  postcode TEXT NOT NULL, country TEXT NOT NULL, language TEXT NOT NULL, iban TEXT NOT NULL, card_last4 TEXT NOT NULL, since TEXT NOT NULL);
CREATE TABLE orders (id TEXT PRIMARY KEY, customer_id TEXT NOT NULL REFERENCES customers, item TEXT NOT NULL, quantity INTEGER NOT NULL,
  status TEXT NOT NULL, carrier TEXT NOT NULL, placed TEXT NOT NULL);
CREATE TABLE invoices (id TEXT PRIMARY KEY, customer_id TEXT NOT NULL REFERENCES customers, order_id TEXT NOT NULL REFERENCES orders,
  amount TEXT NOT NULL, currency TEXT NOT NULL, issued TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE payments (id TEXT PRIMARY KEY, invoice_id TEXT NOT NULL REFERENCES invoices, amount TEXT NOT NULL, currency TEXT NOT NULL,
  method TEXT NOT NULL, paid TEXT NOT NULL);
CREATE TABLE tickets (id TEXT PRIMARY KEY, customer_id TEXT NOT NULL REFERENCES customers, subject TEXT NOT NULL, body TEXT NOT NULL,
  language TEXT NOT NULL, opened TEXT NOT NULL, status TEXT NOT NULL);
CREATE INDEX invoices_customer ON invoices (customer_id);
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX tickets_customer ON tickets (customer_id);
"""

BOOKS = """
CREATE TABLE IF NOT EXISTS deed (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT, content TEXT NOT NULL, answer TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS deed_key ON deed (kind, key) WHERE key IS NOT NULL;
CREATE TABLE IF NOT EXISTS nonce (nonce TEXT PRIMARY KEY, at_s INTEGER NOT NULL);
"""


def write_company(company: Company, path: Path) -> None:
    """Write the company into a new SQLite file. Raises FileExistsError: nothing is overwritten."""
    with path.open("xb"):
        pass
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(TABLES)
        for table in ("customers", "orders", "invoices", "payments", "tickets"):
            _insert(connection, table, [astuple(row) for row in getattr(company, table)])


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    listed = list(rows)
    places = ", ".join("?" * len(listed[0]))
    connection.executemany(f"INSERT INTO {table} VALUES ({places})", listed)  # noqa: S608  the names stand above


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was really done: `kind` is refund, payment, replacement or letter; `number` counts from 1."""

    number: int
    kind: str
    key: str
    content: dict[str, Any]
    answer: dict[str, Any]


class KeyTaken(Exception):
    """This Idempotency-Key was used before, with other content."""


class Books:
    """What the back-end has done, in a file of its own. One lock: it is a small company."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(BOOKS)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def first_time(self, nonce: str, *, now_s: int, kept_s: int) -> bool:
        """Note a signature's nonce; False if it was seen in the last `kept_s` seconds."""
        with self._lock:
            self._connection.execute("DELETE FROM nonce WHERE at_s < ?", (now_s - kept_s,))
            noted = self._connection.execute("INSERT OR IGNORE INTO nonce VALUES (?, ?)", (nonce, now_s))
            return noted.rowcount == 1

    def do(self, kind: str, content: dict[str, Any], *, key: str = "") -> tuple[Deed, bool]:
        """Do it, or give what was done under this key before: (deed, done now). Without a key it is done each time. Raises KeyTaken."""
        with self._lock:
            before = self._keyed(kind, key) if key else None
            if before is None:
                return self._write(kind, key, content), True
        if before.content != content:
            raise KeyTaken
        return before, False

    def deeds(self, kind: str = "") -> list[Deed]:
        """All that was done, oldest first; of one kind if named."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT * FROM deed WHERE ? IN ('', kind) ORDER BY number", (kind,)
            ).fetchall()
        return [_deed(row) for row in rows]

    def _keyed(self, kind: str, key: str) -> Deed | None:
        row = self._connection.execute(
            "SELECT * FROM deed WHERE kind = ? AND key = ?", (kind, key)
        ).fetchone()
        return None if row is None else _deed(row)

    def _write(self, kind: str, key: str, content: dict[str, Any]) -> Deed:
        number = self._connection.execute("SELECT coalesce(max(number), 0) + 1 FROM deed").fetchone()[0]
        deed = Deed(
            number, kind, key, content, {f"{kind}_id": f"{kind[0].upper()}-{9000 + number}", "status": "done"}
        )
        written = (
            number,
            kind,
            key or None,
            orjson.dumps(content).decode(),
            orjson.dumps(deed.answer).decode(),
        )
        self._connection.execute("INSERT INTO deed VALUES (?, ?, ?, ?, ?)", written)
        return deed


def _deed(row: tuple[Any, ...]) -> Deed:
    return Deed(row[0], row[1], row[2] or "", orjson.loads(row[3]), orjson.loads(row[4]))


class Ledger:
    """The company's own file, as its back-end reads it: the invoices that may be refunded."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def invoice(self, invoice_id: str) -> dict[str, Any] | None:
        return self._one("SELECT * FROM invoices WHERE id = ?", invoice_id)

    def ticket(self, ticket_id: str) -> dict[str, Any] | None:
        return self._one("SELECT * FROM tickets WHERE id = ?", ticket_id)

    def order(self, order_id: str) -> dict[str, Any] | None:
        return self._one("SELECT * FROM orders WHERE id = ?", order_id)

    def _one(self, statement: str, row_id: str) -> dict[str, Any] | None:
        with self._lock:
            row = self._connection.execute(statement, (row_id,)).fetchone()
        return None if row is None else dict(row)
