"""What one process destroys, no process opens a second later; and one that hears nothing of the others opens nothing."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.errors import KeysUnavailable, SealBroken
from ostiary.ids import INSTALL, SubjectId
from ostiary.vault import store, turning
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Place, Vault
from tests import servers, stalling
from tests.conftest import KINDS
from tests.vault.conftest import ROOT_TEXT, A, heard
from tests.waiting import until

pytestmark = pytest.mark.skipif(
    "postgresql" not in KINDS, reason="on SQLite one process has the key store alone"
)
PLACE = Place(A, "ticket", "body", "tic_1")
ANNA = SubjectId("sub_anna")
BEN = SubjectId("sub_ben")

OTHER = """
import sys
from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.errors import OstiaryError
from ostiary.ids import SubjectId, TenantId
from ostiary.secret import Secret
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Place, Vault

database = Database(sys.argv[1])
vault = Vault(database, EnvironmentRoot(Secret(sys.argv[2])), SystemClock())
database.signals.start()
place = Place(TenantId("ten_a"), "ticket", "body", "tic_1")
for line in sys.stdin:
    verb, value = line.split()
    try:
        match verb:
            case "fresh":
                print(database.signals.fresh, flush=True)
            case "open":
                print(vault.open(place, bytes.fromhex(value)).decode(), flush=True)
            case "seal":
                print(vault.seal(place, b"x", purpose="ticket", subject=SubjectId(value)).hex(), flush=True)
            case "held":
                print(len(vault._openers), len(vault._sealers), flush=True)
    except OstiaryError as error:
        print(error.code, flush=True)
"""


class Other:
    """Another process with a vault of its own on the same key store."""

    def __init__(self, url: str) -> None:
        command = [sys.executable, "-c", OTHER, url, ROOT_TEXT]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        until(lambda: self.ask("fresh", "-") == "True")

    def ask(self, verb: str, value: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{verb} {value}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def opens(self, sealed: bytes) -> str:
        return self.ask("open", sealed.hex())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def keys() -> Iterator[Database]:
    url = servers.fresh_store("keys")
    database = heard(Database(url))
    yield database
    database.close()
    servers.drop_postgresql(url)


@pytest.fixture
def vault(keys: Database, root: EnvironmentRoot) -> Vault:
    vault = Vault(keys, root, SystemClock())
    for tenant in (INSTALL, A):
        vault.create_tenant_now(tenant)
    return vault


@pytest.fixture
def other(keys: Database, vault: Vault) -> Iterator[Other]:
    other = Other(keys.url.render_as_string(hide_password=False))
    yield other
    other.close()


def test_a_subject_destroyed_here_opens_nowhere_within_a_second(vault: Vault, other: Other) -> None:
    hers = vault.seal(PLACE, b"hers", purpose="ticket", subject=ANNA)
    his = vault.seal(PLACE, b"his", purpose="ticket", subject=BEN)
    assert (other.opens(hers), other.opens(his)) == ("hers", "his")
    before = other.ask("seal", "sub_anna")
    vault.destroy_subject(A, ANNA)
    assert until(lambda: other.opens(hers) == "keys.seal_broken") < 1.0
    assert other.opens(bytes.fromhex(before)) == "keys.seal_broken"
    assert other.ask("held", "-").split()[0] == "1", "the other subject's key is held on"
    assert other.opens(his) == "his"
    after = bytes.fromhex(other.ask("seal", "sub_anna"))
    assert after[1:17] != hers[1:17]
    assert vault.open(PLACE, after) == b"x"


def test_a_tenant_destroyed_here_opens_and_seals_nowhere_within_a_second(vault: Vault, other: Other) -> None:
    sealed = vault.seal(PLACE, b"x", purpose="ticket", subject=ANNA)
    assert other.opens(sealed) == "x"
    assert len(other.ask("seal", "sub_ben")) > 100
    vault.destroy_tenant(A)
    assert until(lambda: other.opens(sealed) == "keys.seal_broken") < 1.0
    assert other.ask("seal", "sub_ben") == "keys.seal_broken"


def test_new_data_keys_seal_everywhere_within_a_second(vault: Vault, other: Other) -> None:
    before = other.ask("seal", "sub_anna")
    turning.turn_data_keys(vault.keys, A)
    assert until(lambda: other.ask("seal", "sub_anna")[2:34] != before[2:34]) < 1.0
    assert other.ask("open", before) == "x"


def test_a_process_that_cannot_hear_opens_nothing_after_a_second(vault: Vault, keys: Database) -> None:
    """The network swallows everything: held keys stop counting, nobody hangs for long, and all of it comes back by itself."""
    url = keys.url.render_as_string(hide_password=False)
    sealed = vault.seal(PLACE, b"hers", purpose="ticket", subject=ANNA)
    with stalling.to(url) as wire:
        far = heard(Database(stalling.over(wire, url)))
        cut_off = Vault(far, vault.keys.root, SystemClock())
        assert cut_off.open(PLACE, sealed) == b"hers"
        assert cut_off.seal(PLACE, b"x", purpose="ticket", subject=ANNA)
        wire.stall()
        assert until(lambda: not far.signals.fresh) < 1.5
        began = time.monotonic()
        for _ in range(20):
            with pytest.raises(KeysUnavailable):
                cut_off.open(PLACE, sealed)
            with pytest.raises(KeysUnavailable):
                cut_off.seal(PLACE, b"x", purpose="ticket", subject=ANNA)
        assert time.monotonic() - began < 10, "who asked once does not wait again"
        vault.destroy_subject(A, ANNA)
        wire.mend()
        until(lambda: far.signals.fresh)
        with pytest.raises(SealBroken):
            cut_off.open(PLACE, sealed)
        assert cut_off.seal(PLACE, b"x", purpose="ticket", subject=ANNA)
        far.close()


def test_what_was_being_looked_up_while_it_was_destroyed_is_not_kept(
    vault: Vault, keys: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is read, then destroyed by another process, then kept: that must not be."""
    sealed = vault.seal(PLACE, b"hers", purpose="ticket", subject=ANNA)
    elsewhere = heard(Database(keys.url.render_as_string(hide_password=False)))
    destroyer = Vault(elsewhere, vault.keys.root, SystemClock())
    slow = Vault(keys, vault.keys.root, SystemClock())
    real = store.data_key_by_id

    def destroyed_meanwhile(*args: object) -> object:
        row = real(*args)  # type: ignore[arg-type]
        monkeypatch.undo()
        epoch = slow._openers.epoch
        destroyer.destroy_subject(A, ANNA)
        until(lambda: slow._openers.epoch > epoch)
        return row

    monkeypatch.setattr(store, "data_key_by_id", destroyed_meanwhile)
    assert slow.open(PLACE, sealed) == b"hers"
    with pytest.raises(SealBroken):
        slow.open(PLACE, sealed)
    elsewhere.close()
