import pytest

from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.ids import INSTALL
from ostiary.secret import Secret
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Vault
from tests.keys import ROOT_KEY


@pytest.fixture
def vault(keys_database: Database) -> Vault:
    vault = Vault(keys_database, EnvironmentRoot(Secret(ROOT_KEY)), SystemClock())
    vault.create_tenant_now(INSTALL)
    return vault
