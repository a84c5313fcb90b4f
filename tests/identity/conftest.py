"""A vault, a gate, and a hand that writes keys, people and sessions the short way."""

import pytest

from ostiary.db.database import Database
from ostiary.identity.gate import Gate
from ostiary.ids import INSTALL, TenantId
from ostiary.vault.root import EnvironmentRoot, generate
from ostiary.vault.sealing import Vault
from tests.conftest import StillClock
from tests.identity.house import House

A, B = TenantId("ten_a"), TenantId("ten_b")


@pytest.fixture
def vault(keys_database: Database, clock: StillClock) -> Vault:
    vault = Vault(keys_database, EnvironmentRoot(generate()), clock)
    for tenant in (INSTALL, A, B):
        vault.create_tenant_now(tenant)
    return vault


@pytest.fixture
def gate(database: Database, vault: Vault, clock: StillClock) -> Gate:
    return Gate(database, vault, clock)


@pytest.fixture
def house(database: Database, vault: Vault, clock: StillClock, gate: Gate) -> House:
    return House(database, vault, clock, gate)
