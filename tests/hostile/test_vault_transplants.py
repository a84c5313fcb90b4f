"""Ciphertexts moved to where they do not belong, by somebody who writes to both databases and to the files: none opens.

Every value is tried at another place than its own, and under every change of its header that names another key, salt or nonce of the same installation.
A thousand in every run, ten thousand in the soak.
"""

import random
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ostiary.blobs import storage
from ostiary.db.database import Database
from ostiary.errors import KeysUnavailable, SealBroken
from ostiary.ids import INSTALL, SubjectId, TenantId
from ostiary.secret import Secret
from ostiary.vault import files, store, turning
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import BODY_FROM, HEADER_BYTES, KEY_ID_BYTES, Place, Vault
from ostiary.vault.wraps import store as root_rows
from tests import servers
from tests.conftest import StillClock
from tests.vault.conftest import OTHER_ROOT_TEXT, ROOT_TEXT

COUNTS = pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.soak)])
TENANTS = tuple(TenantId(f"ten_{name}") for name in ("a", "b", "c"))
TABLES, COLUMNS, ROWS = ("ticket", "invoice"), ("body", "title"), ("1", "2", "3")
PURPOSES, SUBJECTS = ("support", "audit"), (SubjectId(""), SubjectId("sub_anna"), SubjectId("sub_ben"))
SEED = 20261122


@dataclass(frozen=True, slots=True)
class Value:
    """One sealed value, at the place where it belongs."""

    place: Place
    sealed: bytes


@pytest.fixture
def vault(each_keys_database: Database, clock: StillClock) -> Vault:
    vault = Vault(each_keys_database, EnvironmentRoot(Secret(f"{ROOT_TEXT},{OTHER_ROOT_TEXT}")), clock)
    for tenant in (INSTALL, *TENANTS):
        vault.create_tenant_now(tenant)
    return vault


def sealed_values(vault: Vault, clock: StillClock) -> list[Value]:
    """Values of every tenant, table, column, purpose and subject, under two versions of each tenant's key and two generations of data keys."""
    values = []
    for round_ in range(2):
        for tenant in TENANTS:
            for number, (table, column, row) in enumerate(
                (table, column, row) for table in TABLES for column in COLUMNS for row in ROWS
            ):
                place = Place(tenant, table, column, f"{row}-{round_}")
                purpose, subject = PURPOSES[number % 2], SUBJECTS[number % 3]
                sealed = vault.seal(place, b"0123456789abcdef", purpose=purpose, subject=subject)
                values.append(Value(place, sealed))
        clock.advance(1)
        for tenant in TENANTS:
            vault.rotate_tenant_now(tenant)
            turning.turn_data_keys(vault.keys, tenant)
        clock.advance(1)
    return values


def transplanted(dice: random.Random, values: list[Value]) -> Value:
    """Another's ciphertext at one's place, or one's own with a part of another's."""
    one, other = dice.sample(values, 2)
    kind = dice.choice(("value", "tenant", "table", "column", "row", "key", "salt", "nonce", "head", "body"))
    a, b = one.sealed, other.sealed
    match kind:
        case "value":
            return Value(one.place, b)
        case "key":
            return Value(one.place, a[:1] + b[1 : 1 + KEY_ID_BYTES] + a[1 + KEY_ID_BYTES :])
        case "salt":
            return Value(
                one.place, a[: 1 + KEY_ID_BYTES] + b[1 + KEY_ID_BYTES : HEADER_BYTES] + a[HEADER_BYTES:]
            )
        case "nonce":
            return Value(one.place, a[:HEADER_BYTES] + b[HEADER_BYTES:BODY_FROM] + a[BODY_FROM:])
        case "head":
            return Value(one.place, b[:BODY_FROM] + a[BODY_FROM:])
        case "body":
            return Value(one.place, a[:BODY_FROM] + b[BODY_FROM:])
    return Value(replace(one.place, **{kind: getattr(other.place, kind)}), a)


def opened(vault: Vault, value: Value) -> bool:
    try:
        vault.open(value.place, value.sealed)
    except (SealBroken, KeysUnavailable):
        return False
    return True


@COUNTS
def test_no_transplanted_ciphertext_opens(vault: Vault, clock: StillClock, count: int) -> None:
    values = sealed_values(vault, clock)
    assert all(opened(vault, value) for value in values)
    own = {(value.place, value.sealed) for value in values}
    dice, tried, opened_ones = random.Random(SEED), 0, []
    while tried < count:
        value = transplanted(dice, values)
        if (value.place, value.sealed) in own:
            continue
        tried += 1
        if opened(vault, value):
            opened_ones.append(value)
    assert opened_ones == []
    assert all(opened(vault, value) for value in values)


@COUNTS
def test_no_transplanted_file_or_chunk_opens(vault: Vault, tmp_path: Path, count: int) -> None:
    blobs = storage.at(f"file://{tmp_path}/blobs")
    contents = {}
    for tenant in TENANTS:
        for number in range(4):
            name = f"blo_{number}"
            content = bytes([number]) * 50_000
            files.put_file(
                vault,
                blobs,
                tenant,
                name,
                [content],
                purpose="file",
                bytes_max=100_000,
                subject=SUBJECTS[number % 3],
            )
            contents[tenant, name] = b"".join(blobs.pieces(tenant, name))
    dice, opened_ones = random.Random(SEED), []
    chunk, header = files.CHUNK_BYTES + 16, files.FILE_HEADER_BYTES + files.MESSAGE_HEADER_BYTES
    for _ in range(max(count // 5, 100)):
        one, other = dice.sample(sorted(contents), 2)
        a, b = contents[one], contents[other]
        at, from_ = (header + dice.randrange(3) * chunk for _ in range(2))
        moved = dice.choice(
            (
                b,
                b[: files.FILE_HEADER_BYTES] + a[files.FILE_HEADER_BYTES :],
                b[:header] + a[header:],
                a[:at] + b[from_ : from_ + chunk] + a[at + chunk :],
                a[:header]
                + a[header + chunk : header + 2 * chunk]
                + a[header : header + chunk]
                + a[header + 2 * chunk :],
                a[: header + 2 * chunk],
            )
        )
        try:
            files.open_bytes(vault, files.blob_place(*one), moved)
            opened_ones.append((one, other))
        except (SealBroken, KeysUnavailable):
            continue
    assert opened_ones == []


@COUNTS
def test_no_transplanted_wrapped_key_opens(
    vault: Vault, clock: StillClock, each_keys_database: Database, count: int
) -> None:
    """Every wrapped key of the key store is put into every other row of its table, of its tenant and of others, one at a time; and two rows are swapped whole."""
    values = sealed_values(vault, clock)
    tables = (store.data_key, store.tenant_key, store.named_key, root_rows.root_wrap)
    dice, tried, opened_ones = random.Random(SEED), 0, []
    with servers.intruder(each_keys_database) as connection:
        standing = {
            table: [
                row for row in connection.execute(select(table)).mappings().all() if row["tenant"] != INSTALL
            ]
            for table in tables
        }
    used = {value.sealed[1 : 1 + KEY_ID_BYTES].hex(): value for value in values}
    for table, rows in standing.items():
        control = next(row for row in rows if table is not store.data_key or row["id"] in used)
        assert _uses(vault, table.name, dict(control), used) == [table.name], (
            "what stands where it belongs opens"
        )
        for _ in range(max(count // 50, 20)):
            target, source = dice.sample(rows, 2)
            if target["wrapped"] == source["wrapped"]:
                continue
            tried += 1
            where = [column == target[column.name] for column in table.primary_key.columns]
            taken = {
                name: source[name]
                for name in ("wrapped", "key_version", "state", "root")
                if name in table.columns and name not in table.primary_key.columns
            }
            own = {name: target[name] for name in taken}
            with servers.intruder(each_keys_database) as connection:
                connection.execute(update(table).where(*where).values(**taken))
            thief = Vault(each_keys_database, vault.keys.root, clock)
            opened_ones += _uses(thief, table.name, dict(target), used)
            with servers.intruder(each_keys_database) as connection:
                connection.execute(update(table).where(*where).values(**own))
    assert tried >= 60
    assert opened_ones == []
    fresh = Vault(each_keys_database, vault.keys.root, clock)
    assert all(opened(fresh, value) for value in values)


def _uses(thief: Vault, table: str, row: dict[str, object], used: dict[str, Value]) -> list[str]:
    """What works with the row that was overwritten: nothing, but in the one case that another wrap of the same key stands beside it."""
    tenant = TenantId(str(row["tenant"]))
    if table == "data_key":
        value = used.get(str(row["id"]))
        return [table] if value and opened(thief, value) else []
    if table == "named_key":
        try:
            thief.keys.named(tenant, str(row["name"]))
        except (SealBroken, KeysUnavailable):
            return []
        return [table]
    other_root = EnvironmentRoot(Secret(OTHER_ROOT_TEXT)) if table == "root_wrap" else thief.keys.root
    alone = Vault(thief.keys.database, other_root, StillClock())
    try:
        alone.keys.read(lambda connection: alone.keys.version(connection, tenant, int(str(row["version"]))))
    except (SealBroken, KeysUnavailable):
        return []
    return [table]
