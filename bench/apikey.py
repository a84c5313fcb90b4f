"""What one full API-key check costs in CPU: checksum, MAC, comparison, freshness, last use and the actor; beside a bare HMAC-SHA256 in the same run."""

import asyncio
import hmac
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ostiary import ids
from ostiary.actions import Face
from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.db.tables import keys_metadata, metadata
from ostiary.identity.api_keys import key_text, store
from ostiary.identity.api_keys.keys import PURPOSE, KeyDetails, seal_details
from ostiary.identity.gate import Gate
from ostiary.identity.presented import Presented
from ostiary.ids import INSTALL, TenantId
from ostiary.secret import Secret
from ostiary.vault.root import EnvironmentRoot, generate
from ostiary.vault.sealing import Vault

CHECKS = 20_000
ROUNDS = 5
KEYS = 200
AIM_US = 20.0
TENANT = TenantId("ten_bench")


def measure() -> dict[str, float]:
    """CPU microseconds a check over KEYS different keys, of a bare HMAC, and their ratio: the median of ROUNDS."""
    with tempfile.TemporaryDirectory() as folder:
        database, keys = (Database(f"sqlite:///{Path(folder) / name}") for name in ("data.db", "keys.db"))
        metadata.create_all(database.engine())
        keys_metadata.create_all(keys.engine())
        clock = SystemClock()
        vault = Vault(keys, EnvironmentRoot(generate()), clock)
        for tenant in (INSTALL, TENANT):
            vault.create_tenant_now(tenant)
        texts = [_key(database, vault) for _ in range(KEYS)]
        result = asyncio.run(_rounds(Gate(database, vault, clock), texts))
        database.close()
        keys.close()
        return result


async def _rounds(gate: Gate, texts: list[Secret]) -> dict[str, float]:
    presented = [Presented(Face.REST, bearer=text, address="127.0.0.1") for text in texts]
    pepper, message = ids.random_bytes(32), b"ost|%s|%s" % (b"i" * 12, b"s" * 43)
    full: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        bare.append(_cpu_us(lambda: hmac.digest(pepper, message, "sha256")))
        begun = time.process_time_ns()
        for number in range(CHECKS):
            await gate.enter(presented[number % KEYS])
        full.append((time.process_time_ns() - begun) / CHECKS / 1000)
    check_us, hmac_us = statistics.median(full), statistics.median(bare)
    return {"check_us": check_us, "hmac_us": hmac_us, "ratio": check_us / hmac_us}


def _cpu_us(work: Callable[[], object]) -> float:
    begun = time.process_time_ns()
    for _ in range(CHECKS):
        work()
    return (time.process_time_ns() - begun) / CHECKS / 1000


def _key(database: Database, vault: Vault) -> Secret:
    key_id = ids.token(key_text.ID_LENGTH)
    text = key_text.mint(key_id, environment="live", publishable=False)
    details = seal_details(vault, TENANT, key_id, KeyDetails("bench", ["bench.*"], []))
    row = store.KeyRow(key_id, "program", "admin", "live", "developer", False, "bench", 1, 0, 0, 0, details)
    mac = vault.mac(INSTALL, PURPOSE, key_text.parse(text).message)
    database.transact(lambda connection: store.add(connection, TENANT, row))
    version = store.VersionRow(key_id, 1, TENANT, mac, 1, 0)
    database.transact(lambda connection: store.add(connection, INSTALL, version))
    return text


def main() -> None:
    result = measure()
    print(
        f"API-key check: {result['check_us']:.1f} us CPU (aim {AIM_US:.0f}), {result['ratio']:.1f} times a bare HMAC-SHA256 ({result['hmac_us']:.2f} us)"
    )


if __name__ == "__main__":
    main()
