"""Pinning tenants to cells, as actions of the operator of the installation."""

import asyncio
from typing import Annotated

from pydantic import Field, SecretStr

from ostiary.actions import Action, Call, Effect, Masking, Risk, Route
from ostiary.cells import moving, store
from ostiary.cells.moving import Moving
from ostiary.clock import rfc3339
from ostiary.errors import ConfigurationError, InvalidParameters
from ostiary.ids import INSTALL, TenantId
from ostiary.secret import Secret
from ostiary.shapes import Answer, Empty, ModelShape, Nothing, Params
from ostiary.vault.root import EnvironmentRoot, RootKeyProvider

PERMISSION = "install.manage"
Tenant = Annotated[str, Field(pattern="^ten_[0-9a-f]{32}$", description="The tenant's id, ten_...")]
RootKey = Annotated[SecretStr, Field(min_length=44, max_length=44, description="The cell's own root key: 32 bytes in base64.")]  # fmt: skip


class Pin(Params):
    """`url`: where the cell is reached, as people and agents write it. `root_key`: the cell's; it is used for this, and kept nowhere."""

    tenant: Tenant
    url: Annotated[str, Field(max_length=300, pattern=r"^https?://[A-Za-z0-9.\[\]:-]+$")]
    root_key: RootKey


class Unpin(Params):
    tenant: Tenant
    root_key: RootKey


class PinnedView(Answer):
    """`state`: pinned, returning for the seconds in which the tenant comes back, or destroyed, by its owners in the cell: unpin it then, which brings the
    certificate here."""

    tenant: str
    state: str
    url: str
    changed_at: str


class PinnedList(Answer):
    tenants: list[PinnedView]


def actions(of: Moving) -> list[Action]:
    async def show(_call: Call, _params: Empty) -> PinnedList:
        rows = await of.database.run(lambda connection: store.pinned(connection, INSTALL))
        gone = {row.home for row in rows if await asyncio.to_thread(of.vault.is_destroyed, row.home)}
        views = [_view(row) for row in rows]
        return PinnedList(tenants=[view.model_copy(update={"state": "destroyed"}) if view.tenant in gone else view for view in views])  # fmt: skip

    async def pin(_call: Call, params: Pin) -> PinnedView:
        row = await moving.pin(of, TenantId(params.tenant), params.url, _root(params.root_key))
        return _view(row)

    async def unpin(call: Call, params: Unpin) -> Nothing:
        returned = await moving.unpin(of, TenantId(params.tenant), _root(params.root_key))
        for rows in returned.rows:
            call.write(rows)
        if returned.ended:
            call.traces.append(returned.ended.trace)
        return Nothing()

    return [
        Action("tenant.pinned", "List pinned tenants", "The tenants that cells of their own serve, and where.",
               PERMISSION, Risk.LOW, Effect.NONE, ModelShape(Empty), ModelShape(PinnedList), show,
               route=Route("GET", "/v1/cells"), masking=Masking.OWN, sentence="List pinned tenants"),
        Action("tenant.pin", "Pin a tenant to a cell",
               "From now on only the processes of its cell open this tenant's keys and serve it; everybody else is sent there. It takes some seconds.",
               PERMISSION, Risk.MEDIUM, Effect.LOCAL, ModelShape(Pin), ModelShape(PinnedView), pin,
               route=Route("POST", "/v1/cells"), masking=Masking.OWN, sentence="Pin {tenant} to its cell at {url}"),
        Action("tenant.unpin", "Take a tenant back from its cell",
               "From now on the installation's own processes serve this tenant. It takes some seconds.",
               PERMISSION, Risk.MEDIUM, Effect.LOCAL, ModelShape(Unpin), ModelShape(Nothing), unpin,
               route=Route("POST", "/v1/cells/return"), masking=Masking.OWN, sentence="Take {tenant} back from its cell"),
    ]  # fmt: skip


def _root(given: SecretStr) -> RootKeyProvider:
    try:
        return EnvironmentRoot(Secret(given.get_secret_value()))
    except ConfigurationError:
        raise InvalidParameters(
            "A root key is 32 bytes in base64; `ostiary keys generate` makes one."
        ) from None


def _view(row: store.PinnedRow) -> PinnedView:
    return PinnedView(tenant=row.home, state=row.state, url=row.url, changed_at=rfc3339(row.changed_us))
