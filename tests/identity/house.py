"""What identity's tests share: keys written straight into the tables."""

import asyncio
from typing import Any

from ostiary.actions import Face
from ostiary.db.database import Database
from ostiary.identity import key_text, store
from ostiary.identity.gate import Entrance, Gate
from ostiary.identity.keys import KeyDetails, seal_details, secret_place
from ostiary.identity.presented import Presented
from ostiary.identity.store import OF_TENANT, KeyRow, SecretRow, VersionRow
from ostiary.ids import INSTALL, TenantId, token
from ostiary.secret import Secret
from ostiary.vault.sealing import Vault
from tests.conftest import StillClock


class House:
    def __init__(self, database: Database, vault: Vault, clock: StillClock, gate: Gate) -> None:
        self.database, self.vault, self.clock, self.gate = database, vault, clock, gate

    def key(
        self,
        tenant: TenantId,
        *,
        kind: str = "program",
        roles: str = "developer",
        scopes: list[str] | None = None,
        contracts: tuple[str, ...] = (),
        surface: str = "admin",
        expires_us: int = 0,
        signature_required: bool = False,
    ) -> Secret:
        key_id = token(12)
        text = key_text.mint(key_id, environment="live", publishable=kind == "publishable")
        details = KeyDetails("night job", scopes, list(contracts))
        row = KeyRow(
            key_id, kind, surface, "live", roles, signature_required, "per_x", self.clock.now_us(),
            expires_us, 0, 0, seal_details(self.vault, tenant, key_id, details),
        )  # fmt: skip
        self.database.transact(lambda connection: store.add(connection, tenant, row))
        self.version(text, tenant, 1)
        return text

    def version(self, text: Secret, tenant: TenantId, number: int, expires_us: int = 0) -> None:
        parsed = key_text.parse(text)
        mac = self.vault.mac(INSTALL, "api-key", parsed.message)
        row = VersionRow(parsed.id, number, tenant, mac, self.clock.now_us(), expires_us)
        self.database.transact(lambda connection: store.add(connection, INSTALL, row))

    def signing_secret(self, tenant: TenantId, owner: str = OF_TENANT, version: int = 1) -> Secret:
        text = token(43)
        sealed = self.vault.seal(secret_place(tenant, owner, version), text.encode(), purpose="key")
        row = SecretRow(owner, version, sealed, self.clock.now_us(), 0)
        self.database.transact(lambda connection: store.add(connection, tenant, row))
        return Secret(text)

    def enter(self, bearer: Secret | None = None, **more: Any) -> Entrance:
        presented = Presented(Face.REST, bearer=bearer, **{"address": "127.0.0.1", **more})
        return asyncio.run(self.gate.enter(presented))


def id_of(text: Secret) -> str:
    return text.reveal().split("_")[2]
