"""Calls as the door would hand them to a target, without a door."""

from ostiary.actions import Action, Actor, ActorKind, Call, Effect, Face, Risk
from ostiary.ids import CallId, TenantId
from ostiary.shapes import Empty, ModelShape, Nothing

TENANT = TenantId("ten_00000000000000000000000000000001")
OTHER = TenantId("ten_00000000000000000000000000000002")


async def _nothing(_call: Call, _params: object) -> None:
    return None


def call(*, write: bool = False, key: str = "key-1", tenant: TenantId = TENANT) -> Call:
    action = Action(
        name="invoice.refund",
        title="Refund",
        description="Refund an invoice.",
        permission="contract.call",
        risk=Risk.HIGH,
        effect=Effect.OUTSIDE if write else Effect.NONE,
        params=ModelShape(Empty),
        result=ModelShape(Nothing),
        run=_nothing,
    )
    actor = Actor(tenant, ActorKind.AGENT, "key_00000000000000000000000000000001")
    return Call(
        CallId("cal_00000000000000000000000000000001"), actor, action, Face.MCP, 1_760_000_000_000_000, key
    )
