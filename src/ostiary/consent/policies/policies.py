"""Each tenant's policy, compiled and kept in memory until a change is signalled, by whichever process. Without the database nothing is decided."""

import asyncio

from sqlalchemy import Connection

from ostiary.actions import Call, JsonValue
from ostiary.consent.binding import canonical
from ostiary.consent.policies import document, store
from ostiary.consent.policies.document import PolicyFile
from ostiary.consent.policies.store import PolicyRow
from ostiary.consent.rules import Rules
from ostiary.db.database import Database
from ostiary.db.kept import Kept
from ostiary.errors import Conflict
from ostiary.ids import SubjectId, TenantId
from ostiary.vault.sealing import Place, Vault

PURPOSE = "policy"
TENANTS_HELD_MAX = 10_000


class Policies:
    """One for the process."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._kept: Kept[Rules] = Kept(database.signals, store.CHANGED, most=TENANTS_HELD_MAX)

    async def ready(self, tenant: TenantId) -> Rules:
        """The rules that hold; from memory where they count. Raises StoreUnavailable, KeysUnavailable, SealBroken: then nothing passes."""
        rules = self._kept.get(tenant)
        if rules is None:
            mark = self._kept.mark()
            row = await self._database.run(lambda connection: store.newest(connection, tenant))
            last = self._kept.last(tenant)
            if last is not None and last.version == (row.version if row else 0):
                rules = last
            else:
                rules = await asyncio.to_thread(self._compiled, tenant, row) if row else Rules()
            self._kept.keep(tenant, tenant, rules, mark)
        return rules

    async def standing(self, tenant: TenantId, version: int = 0) -> tuple[PolicyRow, PolicyFile] | None:
        """The document as the database has it now (`version` 0: the newest); None where there is none."""
        before = version + 1 if version else None
        rows = await self._database.run(lambda c: store.page(c, tenant, before=before, limit=1))
        if not rows or (version and rows[0].version != version):
            return None
        return rows[0], await asyncio.to_thread(self._opened, tenant, rows[0])

    async def history(self, tenant: TenantId, *, before: int | None, limit: int) -> list[PolicyRow]:
        return await self._database.run(lambda c: store.page(c, tenant, before=before, limit=limit))

    async def put(self, call: Call, file: PolicyFile, *, expected: int | None) -> Rules:
        """A new version, committed with the call. Raises Conflict if another version stands than expected."""
        tenant = call.tenant
        stands = await self._database.run(lambda connection: store.newest_version(connection, tenant))
        if expected is not None and expected != stands:
            raise Conflict(MOVED)
        rules = document.compiled(file, stands + 1)
        row = PolicyRow(
            version=rules.version,
            applied_us=call.at_us,
            applied_by=call.actor.id,
            hash=rules.hash,
            document=await self._sealed(tenant, rules.version, document.document_of(file)),
        )

        def rows(connection: Connection) -> None:
            if store.newest_version(connection, tenant) != stands:
                raise Conflict(MOVED)
            store.insert(connection, tenant, row)

        call.write(rows)
        return rules

    async def _sealed(self, tenant: TenantId, version: int, content: JsonValue) -> bytes:
        await self._vault.prepare(tenant, PURPOSE, [SubjectId("")])
        return self._vault.seal(_place(tenant, version), canonical(content), purpose=PURPOSE, subject=SubjectId(""))  # fmt: skip

    def _opened(self, tenant: TenantId, row: PolicyRow) -> PolicyFile:
        return document.parsed(self._vault.open_json(_place(tenant, row.version), row.document))

    def _compiled(self, tenant: TenantId, row: PolicyRow) -> Rules:
        return document.compiled(self._opened(tenant, row), row.version)


MOVED = "The policy was changed meanwhile: look at it and apply again."


def _place(tenant: TenantId, version: int) -> Place:
    return Place(tenant, "policy_set", "document", str(version))
