"""A vault with two tenants, on each kind of key store."""

import pytest

from ostiary.db.database import Database
from ostiary.ids import TenantId
from ostiary.secret import Secret
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Vault
from tests.conftest import StillClock
from tests.waiting import until

ROOT_TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
OTHER_ROOT_TEXT = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA="
A = TenantId("ten_a")
B = TenantId("ten_b")


def heard(database: Database) -> Database:
    """The same, with an ear to what others change, as in a gateway."""
    database.signals.start()
    until(lambda: database.signals.fresh)
    return database


@pytest.fixture
def root() -> EnvironmentRoot:
    return EnvironmentRoot(Secret(ROOT_TEXT))


@pytest.fixture
def vault(each_keys_database: Database, root: EnvironmentRoot, clock: StillClock) -> Vault:
    vault = Vault(heard(each_keys_database), root, clock)
    vault.create_tenant_now(A)
    vault.create_tenant_now(B)
    return vault
