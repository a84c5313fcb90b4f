"""Quotas as actions: the operator sets them, the tenant sees its own and what it uses."""

from typing import Annotated

from pydantic import Field

from ostiary.actions import Action, Call, Effect, Masking, Recorded, Risk, Route
from ostiary.clock import rfc3339
from ostiary.db.database import Database
from ostiary.ids import TenantId
from ostiary.shapes import Answer, Empty, ModelShape, Params
from ostiary.shield.quotas import quotas, store
from ostiary.shield.quotas.store import QuotaRow

OPERATOR = "install.manage"
_Count = Annotated[int, Field(ge=0, le=1_000_000, description="0: no limit.")]
_Bytes = Annotated[int, Field(ge=0, le=2**53 - 1, description="0: no limit.")]
Tenant = Annotated[str, Field(pattern="^ten_[0-9a-f]{32}$", description="The tenant's id, ten_...")]


class OneTenant(Params):
    tenant: Tenant


class SetQuota(Params):
    """All four are set; 0 is no limit. `calls_at_once` and `jobs_at_once` count in each process, `calls_per_s` over all of them. `storage_bytes`: files, and
    the rows of calls; the log is counted beside it and stops nobody."""

    tenant: Tenant
    calls_at_once: _Count = 0
    calls_per_s: _Count = 0
    storage_bytes: _Bytes = 0
    jobs_at_once: _Count = 0


class UseView(Answer):
    """`kind` is files, data (calls, their parameters and answers) or log."""

    kind: str
    bytes: int
    rows: int
    counted_at: str


class QuotaView(Answer):
    """`used_bytes` counts against `storage_bytes`; `full`: nothing more is stored until something is gone, or the quota is raised."""

    tenant: str
    calls_at_once: int
    calls_per_s: int
    storage_bytes: int
    jobs_at_once: int
    used_bytes: int
    full: bool
    uses: list[UseView]


def actions(database: Database) -> list[Action]:
    async def show(call: Call, _params: Empty) -> QuotaView:
        return await _view(database, call.tenant)

    async def look(_call: Call, params: OneTenant) -> QuotaView:
        return await _view(database, TenantId(params.tenant))

    async def change(call: Call, params: SetQuota) -> QuotaView:
        tenant = TenantId(params.tenant)
        limits = params.model_dump(exclude={"tenant"})
        row = QuotaRow(**limits, changed_us=call.at_us, changed_by=call.actor.id)
        call.write(lambda connection: store.put(connection, tenant, row))
        now = await _view(database, tenant)
        return now.model_copy(update={**limits, "full": 0 < row.storage_bytes <= now.used_bytes})

    return [
        Action("quota.own", "See the quota", "What this tenant may use at most, and what it uses.",
               "tenant.manage", Risk.LOW, Effect.NONE, ModelShape(Empty), ModelShape(QuotaView), show,
               route=Route("GET", "/v1/quota"), recorded=Recorded.BATCHED, masking=Masking.OWN, sentence="See the quota"),
        Action("quota.show", "See a tenant's quota", "What a tenant may use at most, and what it uses.",
               OPERATOR, Risk.LOW, Effect.NONE, ModelShape(OneTenant), ModelShape(QuotaView), look,
               route=Route("GET", "/v1/quotas/{tenant}"), masking=Masking.OWN, sentence="See the quota of {tenant}"),
        Action("quota.set", "Set a tenant's quota", "What a tenant may use at most. It counts in every process within a second.",
               OPERATOR, Risk.MEDIUM, Effect.LOCAL, ModelShape(SetQuota), ModelShape(QuotaView), change,
               route=Route("PUT", "/v1/quotas/{tenant}"), masking=Masking.OWN, sentence="Set the quota of {tenant}"),
    ]  # fmt: skip


async def _view(database: Database, tenant: TenantId) -> QuotaView:
    quota, uses = await database.run(lambda c: (store.quota(c, tenant), store.uses(c, tenant)))
    used = sum(row.bytes for row in uses if row.kind in quotas.COUNTED)
    return QuotaView(
        tenant=tenant,
        calls_at_once=quota.calls_at_once,
        calls_per_s=quota.calls_per_s,
        storage_bytes=quota.storage_bytes,
        jobs_at_once=quota.jobs_at_once,
        used_bytes=used,
        full=0 < quota.storage_bytes <= used,
        uses=[
            UseView(kind=row.kind, bytes=row.bytes, rows=row.rows, counted_at=rfc3339(row.counted_us))
            for row in uses
        ],
    )
