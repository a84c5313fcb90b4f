"""What earlier scans of this machine saw: keys, versions, digests under a key of this file's own, and counts. No value is in it, and nobody else may read it.

A scan writes in key order, what it saw together with how far it came, in one transaction; so a scan that is killed at any time goes on where it stopped.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostiary import ids
from ostiary.detection.rules import RuleSet
from ostiary.scanning.look import Limits, Looked

FORMAT = "1"
KEY_BYTES = 32
RUNS_KEPT = 50
"""Of each place: what they found in sums."""
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, place TEXT NOT NULL, print TEXT NOT NULL, how TEXT NOT NULL,
    begun_us INTEGER NOT NULL, ended_us INTEGER, reached TEXT NOT NULL DEFAULT '', sums TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX runs_of_place ON runs (place, id);
CREATE TABLE items (
    place TEXT NOT NULL, key TEXT NOT NULL, run INTEGER NOT NULL, print TEXT NOT NULL, version TEXT NOT NULL, size INTEGER NOT NULL, digest TEXT NOT NULL,
    state TEXT NOT NULL, code TEXT NOT NULL, counts TEXT NOT NULL, different TEXT NOT NULL, share REAL NOT NULL, rows_ INTEGER NOT NULL, values_ INTEGER NOT NULL,
    PRIMARY KEY (place, key)
) WITHOUT ROWID;
"""
_HEAD = b"SQLite format 3\0"
_COLUMNS = "key, version, size, digest, state, counts, different, share, code, rows_, values_"


class StateUnusable(Exception):
    """The state file cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Run:
    """A scan of a place. print: what it looks for, in short. reached: the key that it came to, where it goes on. goes_on: whether it had begun before."""

    id: int
    place: str
    print: str
    reached: str
    goes_on: bool
    begun_us: int


class State:
    """One file, for one process at a time. Raises StateUnusable."""

    def __init__(self, file: Path) -> None:
        self._file = file
        _make(file)
        with self._usable():
            self._connection = sqlite3.connect(file, isolation_level=None, timeout=0)
            for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = NORMAL"):
                self._connection.execute(f"PRAGMA {pragma}")
            with self._transaction():
                self.digest_key = self._opened()

    def close(self) -> None:
        self._connection.close()

    def begin(self, place: str, looked_for: str, *, how: str, now_us: int) -> Run:
        """The run of this place that was stopped, if it looked for the same in the same way; else a new one. how: what was asked for beside `looked_for`."""
        row = self._row(
            "SELECT id, reached, begun_us FROM runs WHERE place = ? AND print = ? AND how = ? AND ended_us IS NULL ORDER BY id DESC LIMIT 1",
            (place, looked_for, how),
        )
        if row is not None:
            return Run(row[0], place, looked_for, row[1], bool(row[1]), row[2])
        with self._transaction():
            self._connection.execute("DELETE FROM runs WHERE place = ? AND ended_us IS NULL", (place,))
            made = self._connection.execute(
                "INSERT INTO runs (place, print, how, begun_us) VALUES (?, ?, ?, ?)",
                (place, looked_for, how, now_us),
            )
        return Run(int(made.lastrowid or 0), place, looked_for, "", False, now_us)

    def known(self, run: Run, key: str) -> Looked | None:
        """What an earlier run saw of this item, if it looked for the same."""
        row = self._row(
            f"SELECT {_COLUMNS} FROM items WHERE place = ? AND key = ? AND print = ?",  # noqa: S608 (names of ours)
            (run.place, key, run.print),
        )
        return None if row is None else _looked(row)

    def write(self, run: Run, seen: Iterable[Looked], reached: str) -> None:
        """What was seen, and how far the run came, together."""
        rows = [
            (run.place, each.key, run.id, run.print, each.version, each.size, each.digest, each.state, each.code,
             json.dumps(dict(each.counts)), json.dumps(dict(each.distinct)), each.share, each.rows, each.values)
            for each in seen
        ]  # fmt: skip
        with self._transaction():
            self._connection.executemany(
                "INSERT OR REPLACE INTO items (place, key, run, print, version, size, digest, state, code, counts, different, share, rows_, values_) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            self._connection.execute("UPDATE runs SET reached = ? WHERE id = ?", (reached, run.id))

    def seen(self, run: Run) -> Iterator[Looked]:
        """Everything that this run saw or knew, in key order."""
        statement = f"SELECT {_COLUMNS} FROM items WHERE place = ? AND run = ? ORDER BY key"  # noqa: S608 (names of ours)
        with self._usable():
            for row in self._connection.execute(statement, (run.place, run.id)):
                yield _looked(row)

    def end(self, run: Run, sums: Mapping[str, int], now_us: int) -> None:
        """The run is over: what it did not see is there no more. sums: distinct values by category."""
        with self._transaction():
            self._connection.execute("DELETE FROM items WHERE place = ? AND run <> ?", (run.place, run.id))
            self._connection.execute(
                "UPDATE runs SET ended_us = ?, sums = ? WHERE id = ?",
                (now_us, json.dumps(dict(sums)), run.id),
            )
            self._connection.execute(
                "DELETE FROM runs WHERE place = ? AND id NOT IN (SELECT id FROM runs WHERE place = ? ORDER BY id DESC LIMIT ?)",
                (run.place, run.place, RUNS_KEPT),
            )

    def before(self, run: Run) -> tuple[int, dict[str, int]] | None:
        """When the run before this one ended, and its sums; None where there was none."""
        row = self._row(
            "SELECT ended_us, sums FROM runs WHERE place = ? AND id < ? AND ended_us IS NOT NULL ORDER BY id DESC LIMIT 1",
            (run.place, run.id),
        )
        return None if row is None else (row[0], json.loads(row[1]))

    def _opened(self) -> bytes:
        """The key of this file's digests; makes the tables in a new file."""
        if not self._connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
            for statement in _SCHEMA.split(";\n"):
                self._connection.execute(statement)
            rows = [("format", FORMAT), ("digest_key", ids.random_bytes(KEY_BYTES).hex())]
            self._connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)
        meta = dict(self._connection.execute("SELECT name, value FROM meta").fetchall())
        if meta.get("format") != FORMAT:
            raise StateUnusable(
                f"{self._file} was written by another release: name another file with --state."
            )
        key = bytes.fromhex(meta.get("digest_key", ""))
        if len(key) != KEY_BYTES:
            raise ValueError("no key")
        return key

    def _row(self, statement: str, given: tuple[object, ...]) -> tuple[Any, ...] | None:
        with self._usable():
            row: tuple[Any, ...] | None = self._connection.execute(statement, given).fetchone()
            return row

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._usable():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DatabaseError, ValueError) as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                raise StateUnusable(f"Another scan is using {self._file}: wait for it, or name another file with --state.") from None  # fmt: skip
            if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}:  # fmt: skip
                raise StateUnusable(f"{self._file} cannot be written: is the disk full?") from None
            raise StateUnusable(
                f"{self._file} is damaged, or no state of a scan: move it away, and the next scan looks at everything."
            ) from None


def print_of(rules: RuleSet, limits: Limits, release: str) -> str:
    """What a scan looks for, in short: what was seen under another is looked at again."""
    said = json.dumps([rules.to_dict(), repr(limits), release], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def _make(file: Path) -> None:
    """A file for its owner alone; one that is there already loses what others may do with it."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(
            file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600
        )
        try:
            head = os.read(descriptor, len(_HEAD))
            if head and head != _HEAD:
                raise StateUnusable(
                    f"{file} is damaged, or no state of a scan: name another file with --state."
                )
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StateUnusable(f"{file} cannot be used ({error.strerror}).") from None


def _looked(row: tuple[Any, ...]) -> Looked:
    key, version, size, digest, state, counts, different, share, code, rows, values = row
    return Looked(
        key, version, size, digest, state, json.loads(counts), json.loads(different),
        share, code, rows, values,
    )  # fmt: skip
