"""A recording log on each database, with the real vault, and two tenants."""

from collections.abc import Iterator

import pytest

from ostiary.audit.log import Audit
from ostiary.db.database import Database
from ostiary.ids import INSTALL
from ostiary.vault.root import EnvironmentRoot, generate
from ostiary.vault.sealing import Vault
from tests.audit.events import ACME, OTHER, StillClock


@pytest.fixture
def vault(keys_database: Database, clock: StillClock) -> Vault:
    vault = Vault(keys_database, EnvironmentRoot(generate()), clock)
    for tenant in (INSTALL, ACME, OTHER):
        vault.create_tenant_now(tenant)
    return vault


def _recording(database: Database, vault: Vault, clock: StillClock) -> Iterator[Audit]:
    audit = Audit(database, vault, clock, origin="gateway.example")
    audit.start()
    yield audit
    audit.stop()


@pytest.fixture
def audit(database: Database, vault: Vault, clock: StillClock) -> Iterator[Audit]:
    yield from _recording(database, vault, clock)


@pytest.fixture
def sqlite_audit(sqlite_database: Database, vault: Vault, clock: StillClock) -> Iterator[Audit]:
    """Where the kind of database is not what is tested."""
    yield from _recording(sqlite_database, vault, clock)
