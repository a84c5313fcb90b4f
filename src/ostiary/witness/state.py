"""What a witness must never forget: which logs it watches, and the last tree of each that it cosigned. One SQLite file, and the key beside it.

A tree is moved on only over the very one that was read, in one transaction that is on the disk before anything is answered. So whatever dies whenever, no
smaller tree and no other one of that size is ever cosigned after it.
"""

import base64
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ostiary.audit._c2sp_note import COSIGNATURE, NoteInvalid, VerifierKey, check_name, parse_key
from ostiary.audit._rfc6962 import EMPTY
from ostiary.ids import random_bytes

KEY_FILE = "witness.key"
STATE_FILE = "witness.db"
LOCK_TIMEOUT_S = 10
_TABLES = (
    "CREATE TABLE IF NOT EXISTS trusted (key TEXT PRIMARY KEY, origin TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS seen (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL, at_s INTEGER NOT NULL) STRICT",
)


class WitnessBroken(Exception):
    """The witness's folder cannot be used. The text is a sentence for its operator."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The witness itself: its key, and the verifier key that logs and auditors are given."""

    key: Ed25519PrivateKey
    verifier: VerifierKey


@dataclass(frozen=True, slots=True)
class Seen:
    """The last tree of a log that was cosigned; size 0 and an empty note where there is none."""

    size: int = 0
    root: bytes = EMPTY
    note: str = ""
    at_s: int = 0


def create(folder: Path, name: str) -> Identity:
    """A new witness in a folder of its own. Raises WitnessBroken where one is there already, or the name is no key name."""
    try:
        check_name(name)
        if not name.isascii() or not name.isprintable():
            raise NoteInvalid("a witness's name is plain ASCII, such as witness.example.org/w1")
    except NoteInvalid as error:
        raise WitnessBroken(str(error)) from None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps({"name": name, "seed": base64.b64encode(random_bytes(32)).decode()})
    try:
        descriptor = os.open(folder / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise WitnessBroken("There is a witness in this folder already; its key is not replaced.") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    State(folder).close()
    return identity(folder)


def identity(folder: Path) -> Identity:
    """The witness of a folder. Raises WitnessBroken."""
    path = folder / KEY_FILE
    try:
        if path.stat().st_mode & 0o077:
            raise WitnessBroken(f"{path} can be read by others; `chmod 600` it.")
        made = json.loads(path.read_text())
        key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(made["seed"], validate=True))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WitnessBroken(
            f"There is no witness in {folder}; make one with `ostiary witness init`."
        ) from error
    return Identity(key, VerifierKey(str(made["name"]), key.public_key().public_bytes_raw(), COSIGNATURE))


class State:
    """The state file of one folder. For one thread at a time. Raises WitnessBroken where it cannot be opened."""

    def __init__(self, folder: Path) -> None:
        try:
            self._file = sqlite3.connect(
                folder / STATE_FILE, timeout=LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            os.chmod(folder / STATE_FILE, 0o600)
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=FULL")
            for table in _TABLES:
                self._file.execute(table)
        except (OSError, sqlite3.Error) as error:
            raise WitnessBroken(f"{folder / STATE_FILE} cannot be used ({type(error).__name__}).") from error

    def close(self) -> None:
        self._file.close()

    @contextmanager
    def moving(self) -> Iterator[None]:
        """A transaction that nobody else writes beside; on the disk at its end, or undone."""
        self._file.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")

    def trust(self, text: str) -> VerifierKey:
        """Watch the log of this key. Raises WitnessBroken for what is no log's key."""
        try:
            key = parse_key(text.strip())
        except NoteInvalid as error:
            raise WitnessBroken(f"This is not the verifier key of a log: {error}.") from None
        with self.moving():
            self._file.execute("INSERT OR IGNORE INTO trusted VALUES (?, ?)", (key.text(), key.name))
        return key

    def distrust(self, text: str) -> bool:
        """Stop to take checkpoints under this key; what was seen of the log is kept. False where it was not trusted."""
        with self.moving():
            return self._file.execute("DELETE FROM trusted WHERE key = ?", (text.strip(),)).rowcount > 0

    def trusted(self, origin: str | None = None) -> list[VerifierKey]:
        """The keys that are trusted, of one log or of all."""
        rows = self._file.execute(
            "SELECT key FROM trusted WHERE ?1 IS NULL OR origin = ?1 ORDER BY key", (origin,)
        )
        return [parse_key(text) for (text,) in rows]

    def seen(self, origin: str) -> Seen:
        """The last tree of this log that was cosigned."""
        row = self._file.execute(
            "SELECT size, root, note, at_s FROM seen WHERE origin = ?", (origin,)
        ).fetchone()
        return Seen(*row) if row else Seen()

    def origins(self) -> list[str]:
        return [origin for (origin,) in self._file.execute("SELECT origin FROM seen ORDER BY origin")]

    def keep(self, origin: str, now: Seen) -> None:
        """Inside `moving`, after `seen`: the tree that is cosigned now."""
        self._file.execute(
            "INSERT INTO seen VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root,"
            " note = excluded.note, at_s = excluded.at_s",
            (origin, now.size, now.root, now.note, now.at_s),
        )
