"""Whoever changes an export by as little as a byte is found out: random bytes, lines and cuts, in both forms, without and with a checkpoint."""

import io
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ostiary.audit.export import ExportFormat
from ostiary.audit.log import Audit
from ostiary.audit.verify import verify_stream
from ostiary.db.database import Database
from ostiary.vault.root import EnvironmentRoot, generate
from ostiary.vault.sealing import Vault
from tests.audit.events import ACME, StillClock, about, entry
from tests.audit.exports import export

Mutation = Callable[[bytes, random.Random], bytes]


def flip_bit(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def change_byte(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([(data[at] + chance.randrange(1, 256)) % 256]) + data[at + 1 :]


def insert_bytes(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(chance.randrange(1, 5)) + data[at:]


def insert_plausible(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return (
        data[:at]
        + chance.choice([b" ", b"\n", b"\r", b"0", b"=", b",", b'"', b'""', b"\t", b"/"])
        + data[at:]
    )


def delete_bytes(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + data[at + chance.randrange(1, 9) :]


def truncate(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def swap_lines(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    first, second = chance.sample(range(len(lines)), 2)
    lines[first], lines[second] = lines[second], lines[first]
    return b"".join(lines)


def repeat_line(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
    return b"".join(lines)


def drop_line(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    return b"".join(lines)


def copy_within(data: bytes, chance: random.Random) -> bytes:
    """A piece of the file over another piece of it: well-formed stuff in the wrong place."""
    length = chance.randrange(1, 200)
    here, there = chance.randrange(len(data)), chance.randrange(len(data))
    return data[:there] + data[here : here + length] + data[there + length :]


def change_case(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + data[at : at + 1].swapcase() + data[at + 1 :]


MUTATIONS: list[Mutation] = [
    flip_bit,
    change_byte,
    insert_bytes,
    insert_plausible,
    delete_bytes,
    truncate,
    swap_lines,
    repeat_line,
    drop_line,
    copy_within,
    change_case,
]


@pytest.fixture
def audit(sqlite_database: Database, keys_database: Database, clock: StillClock) -> Iterator[Audit]:
    vault = Vault(keys_database, EnvironmentRoot(generate()), clock)
    vault.create_tenant_now(ACME)
    audit = Audit(sqlite_database, vault, clock, origin="gateway.example")
    audit.start()
    yield audit
    audit.stop()


def exported(audit: Audit, folder: Path, form: ExportFormat) -> tuple[bytes, bytes]:
    """A small log's export and its checkpoint: with and without sealed parts, one part empty, two events alike."""
    for n in range(6):
        parts = (about(f"cus_{n}", {"n": n}), about("", "")) if n % 2 else ()
        audit.record_sync(entry(parts=parts, counts={"masked.email": 10**n}))
    path = export(audit, folder / "log", form)
    return path.read_bytes(), (folder / "log.checkpoint").read_bytes()


def unnoticed(data: bytes, checkpoint: bytes, count: int, seed: int) -> tuple[int, list[str]]:
    """How many mutations really changed the file, and those of them that were not found."""
    chance = random.Random(seed)
    tried, missed = 0, []
    while tried < count:
        mutation = MUTATIONS[tried % len(MUTATIONS)]
        changed = mutation(data, chance)
        if changed == data:
            continue
        tried += 1
        outside = checkpoint if chance.random() < 0.5 else None
        if verify_stream(io.BytesIO(changed), outside).ok:
            missed.append(f"{mutation.__name__} {seed} {tried}")
    return tried, missed


@pytest.mark.parametrize("form", list(ExportFormat))
def test_two_thousand_random_changes_are_all_found(audit: Audit, tmp_path: Path, form: ExportFormat) -> None:
    data, checkpoint = exported(audit, tmp_path, form)
    assert verify_stream(io.BytesIO(data), checkpoint).complete
    assert unnoticed(data, checkpoint, 2_000, seed=20) == (2_000, [])


@pytest.mark.parametrize("form", list(ExportFormat))
def test_every_single_bit_counts(audit: Audit, tmp_path: Path, form: ExportFormat) -> None:
    data, _ = exported(audit, tmp_path, form)
    missed = []
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        if verify_stream(io.BytesIO(changed)).ok:
            missed.append(at)
    assert missed == []


@pytest.mark.soak
@pytest.mark.parametrize("form", list(ExportFormat))
def test_ten_thousand_random_changes_are_all_found(audit: Audit, tmp_path: Path, form: ExportFormat) -> None:
    data, checkpoint = exported(audit, tmp_path, form)
    seed = random.SystemRandom().randrange(2**32)
    assert unnoticed(data, checkpoint, 10_000, seed=seed) == (10_000, [])
