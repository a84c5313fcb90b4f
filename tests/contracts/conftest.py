"""A book for two tenants."""

import pytest

from ostiary.contracts.book import Book
from ostiary.db.database import Database
from ostiary.ids import TenantId
from ostiary.secret import Secret
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Vault
from tests.conftest import StillClock
from tests.contracts.texts import Connectors

A = TenantId("ten_a")
B = TenantId("ten_b")


@pytest.fixture
def vault(keys_database: Database, clock: StillClock) -> Vault:
    vault = Vault(
        keys_database, EnvironmentRoot(Secret("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")), clock
    )
    vault.create_tenant_now(A)
    vault.create_tenant_now(B)
    return vault


@pytest.fixture
def connectors() -> Connectors:
    return Connectors()


@pytest.fixture
def book(database: Database, vault: Vault, clock: StillClock, connectors: Connectors) -> Book:
    return Book(database, vault, connectors.bind)
