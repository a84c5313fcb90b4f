"""Several processes share one key store: they agree on keys, and never on a nonce."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ostiary.db.database import Database
from ostiary.vault import sealing, turning
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Place, Vault
from tests.conftest import StillClock
from tests.vault.conftest import ROOT_TEXT, A

PROCESSES = 4
MESSAGES = 50
PLACE = Place(A, "ticket", "body", "tic_1")

WORKER = """
import sys
from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.ids import TenantId
from ostiary.secret import Secret
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Place, Vault

vault = Vault(Database(sys.argv[1]), EnvironmentRoot(Secret(sys.argv[2])), SystemClock())
print("ready", flush=True)
sys.stdin.readline()
place = Place(TenantId("ten_a"), "ticket", "body", "tic_1")
vault.create_tenant_now(place.tenant)
for _ in range(int(sys.argv[3])):
    print(vault.seal(place, b"x", purpose="ticket").hex())
"""


def test_processes_that_begin_at_once_agree_on_keys_and_never_on_a_nonce(
    each_keys_database: Database, root: EnvironmentRoot, clock: StillClock
) -> None:
    url = each_keys_database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", WORKER, url, ROOT_TEXT, str(MESSAGES)]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    outputs = [worker.communicate(timeout=60)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * PROCESSES

    sealed = [bytes.fromhex(line) for output in outputs for line in output.split()]
    assert len(sealed) == PROCESSES * MESSAGES
    assert len({one[1:17] for one in sealed}) == 1
    assert len({one[17:45] for one in sealed}) == PROCESSES * MESSAGES
    vault = Vault(each_keys_database, root, clock)
    assert all(vault.open(PLACE, one) == b"x" for one in sealed)
    assert [row.version for row, _ in vault.versions(A)] == [1]


TURNER = """
import sys
from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.ids import SubjectId, TenantId
from ostiary.secret import Secret
from ostiary.vault import turning
from ostiary.vault.jobs import Rotation, _step
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Place, Vault
from ostiary.work import Going

turning.REWRAP_BATCH_ROWS = 3
database = Database(sys.argv[1])
vault = Vault(database, EnvironmentRoot(Secret(sys.argv[2])), SystemClock())
place, number, cursor = Place(TenantId("ten_a"), "ticket", "body", "tic_1"), 0, ""
print("ready", flush=True)
while True:
    number += 1
    sealed = vault.seal(place, b"x", purpose="turned", subject=SubjectId(f"sub_{sys.argv[3]}_{number}"))
    print(sealed.hex(), flush=True)
    step = _step(vault, place.tenant, Going("job_1", cursor, Rotation(data_keys=True, retire=True)))
    cursor = "" if step.done else step.cursor
"""


@pytest.mark.parametrize("kills", [8, pytest.param(100, marks=pytest.mark.soak)])
def test_a_rotation_that_is_killed_at_any_point_loses_no_key(
    each_keys_database: Database, root: EnvironmentRoot, clock: StillClock, kills: int
) -> None:
    url = each_keys_database.url.render_as_string(hide_password=False)
    Vault(each_keys_database, root, clock).create_tenant_now(A)
    sealed: list[bytes] = []
    dice = random.Random(kills)
    for round_ in range(kills):
        command = [sys.executable, "-c", TURNER, url, ROOT_TEXT, str(round_)]
        turner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert turner.stdout is not None
        assert turner.stdout.readline() == "ready\n"
        lines = [turner.stdout.readline().strip() for _ in range(dice.randrange(1, 5))]
        time.sleep(dice.uniform(0, 0.05))
        turner.kill()
        lines += turner.communicate()[0].split("\n")[:-1]
        sealed += [bytes.fromhex(line) for line in lines]
        fresh = Vault(each_keys_database, root, clock)
        assert all(fresh.open(PLACE, one) == b"x" for one in sealed)
    assert len(sealed) >= kills
    vault = Vault(each_keys_database, root, clock)
    vault.rotate_tenant_now(A)
    assert turning.left(vault.keys, A) == 0
    assert all(vault.open(PLACE, one) == b"x" for one in sealed)
    assert vault.versions(A)[0][0].version > 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_real_fork_never_repeats_its_parents_nonces(
    keys_database: Database, root: EnvironmentRoot, clock: StillClock, tmp_path: Path
) -> None:
    vault = Vault(keys_database, root, clock)
    vault.create_tenant_now(A)
    before = vault.seal(PLACE, b"x", purpose="ticket")
    child = os.fork()
    if child == 0:
        try:
            assert len(vault._sealers) == 0
            drawn = sealing._Sealer(before[1:17], bytes(32)).header
            (tmp_path / "child").write_bytes(drawn)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / "child").read_bytes()[:17] == before[:17]
    assert (tmp_path / "child").read_bytes()[17:] != before[17:33]
