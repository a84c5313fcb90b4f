"""What sealing costs: CPU microseconds for records of three sizes and files in chunks, as ratios to `openssl speed -evp aes-256-gcm` of the same run.

A ratio of 1.00 means as many bytes a CPU second as OpenSSL's own loop, which reuses one key, one buffer and no associated data; above 1.00 the OpenSSL
inside `cryptography` is newer than the program and uses wider vector instructions. Where there is no
`openssl` program the ratios are left out.
"""

import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ostiary.blobs import storage
from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.db.tables import keys_metadata
from ostiary.ids import TenantId, random_bytes
from ostiary.vault import files
from ostiary.vault.root import EnvironmentRoot, generate
from ostiary.vault.sealing import Place, Vault

SIZES = {"256 B": 256, "4 KiB": 4096, "1 MiB": 1024 * 1024}
FILE_BYTES = 16 * 1024 * 1024
ROUNDS = 5
ROUND_S = 0.1
OPENSSL_S = 1
AIM_US = 6.0
TENANT = TenantId("ten_00000000000000000000000000000000")
PLACE = Place(TENANT, "event", "content", "evt_00000000000000000000000000000000")


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU microseconds for `size` bytes; `openssl_us` is what OpenSSL's loop takes for as many, 0 when unknown."""

    what: str
    size: int
    cpu_us: float
    openssl_us: float = 0.0

    @property
    def ratio(self) -> float:
        return self.openssl_us / self.cpu_us


def measure() -> list[Cost]:
    with tempfile.TemporaryDirectory() as folder:
        keys = Database(f"sqlite:///{Path(folder) / 'keys.db'}")
        keys_metadata.create_all(keys.engine())
        vault = Vault(keys, EnvironmentRoot(generate()), SystemClock())
        vault.create_tenant_now(TENANT)
        blobs = storage.at(f"file://{folder}/blobs")
        costs = [cost for name, size in SIZES.items() for cost in _records(vault, name, size)]
        costs += _files(vault, blobs)
        keys.close()
    return costs


def _records(vault: Vault, name: str, size: int) -> list[Cost]:
    content, openssl_us = random_bytes(size), _openssl_us(size)
    sealed = vault.seal(PLACE, content, purpose="bench")
    return [
        Cost(
            f"seal {name}",
            size,
            _cpu_us(lambda: vault.seal(PLACE, content, purpose="bench")),
            openssl_us,
        ),
        Cost(f"open {name}", size, _cpu_us(lambda: vault.open(PLACE, sealed)), openssl_us),
    ]


def _files(vault: Vault, blobs: storage.Blobs) -> list[Cost]:
    """16 MiB: the stream alone, and with the local folder, SHA-256 and the disk."""
    piece = random_bytes(files.PIECE_BYTES)
    pieces = [piece] * (FILE_BYTES // len(piece))
    openssl_us = _openssl_us(files.CHUNK_BYTES) * (FILE_BYTES // files.CHUNK_BYTES)
    sealed = list(files.seal_pieces(vault, PLACE, pieces, purpose="bench"))
    numbers = iter(range(1_000_000))

    def stream() -> None:
        for _ in files.seal_pieces(vault, PLACE, pieces, purpose="bench"):
            pass

    def opened() -> None:
        for _ in files.open_pieces(vault, PLACE, sealed):
            pass

    def stored() -> None:
        name = f"blo_{next(numbers)}"
        files.put_file(vault, blobs, TENANT, name, pieces, purpose="bench", bytes_max=FILE_BYTES)
        blobs.delete(TENANT, name)

    return [
        Cost("seal a file of 16 MiB", FILE_BYTES, _cpu_us(stream), openssl_us),
        Cost("open a file of 16 MiB", FILE_BYTES, _cpu_us(opened), openssl_us),
        Cost("seal, hash and store 16 MiB", FILE_BYTES, _cpu_us(stored), openssl_us),
    ]


def _cpu_us(work: Callable[[], object]) -> float:
    """The median over ROUNDS rounds of about ROUND_S seconds."""
    work()
    begun = time.process_time()
    work()
    times = max(1, int(ROUND_S / max(time.process_time() - begun, 1e-6)))
    rounds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(times):
            work()
        rounds.append((time.process_time() - begun) / times * 1e6)
    return statistics.median(rounds)


def _openssl_us(size: int) -> float:
    """Microseconds that `openssl speed` takes for `size` bytes; 0 without the program."""
    program = shutil.which("openssl")
    if program is None:
        return 0.0
    command = [program, "speed", "-evp", "aes-256-gcm", "-bytes", str(size), "-seconds", str(OPENSSL_S)]
    out = subprocess.run(command, capture_output=True, text=True, timeout=OPENSSL_S + 20, check=True).stdout
    found = re.search(r"AES-256-GCM\s+([\d.]+)k", out, re.IGNORECASE)
    return size / (float(found[1]) * 1000) * 1e6 if found else 0.0


def main() -> None:
    print("sealing, CPU, against openssl speed -evp aes-256-gcm in the same run")
    for cost in measure():
        peer = (
            f"openssl {cost.openssl_us:10.2f} us   ratio {cost.ratio:5.2f}"
            if cost.openssl_us
            else "no openssl"
        )
        print(f"  {cost.what:28}{cost.cpu_us:12.2f} us {cost.size / cost.cpu_us / 1000:7.2f} GB/s   {peer}")
    print(f"  aim: a record of 256 B sealed within {AIM_US:.0f} us")


if __name__ == "__main__":
    main()
