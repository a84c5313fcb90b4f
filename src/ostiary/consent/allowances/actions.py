"""What people do with pre-approvals: allow, look, take back."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from ostiary import ids
from ostiary.actions import Action, Actor, ActorKind, Call, Effect, JsonValue, Masking, Risk, Route
from ostiary.clock import SECOND_US, Clock, rfc3339
from ostiary.consent.allowances import store, terms
from ostiary.consent.allowances.allowances import Allowances, subject_of
from ostiary.consent.allowances.store import AllowanceRow
from ostiary.consent.allowances.terms import MICRO, Terms
from ostiary.consent.approving import Approving
from ostiary.consent.quorum.needs import needs_of
from ostiary.db.database import Database
from ostiary.errors import Conflict, Fault, Forbidden, InvalidParameters, NotFound, OffContract, SelfApproval
from ostiary.ids import TenantId
from ostiary.labelled import number
from ostiary.shapes import Answer, ModelShape, Nothing, Page, Params

LASTS_S = 8 * 3600
LASTS_S_MAX = 7 * 86_400
COUNT_MAX = 1_000
STANDING_MAX = 500
VALUES_BYTES_MAX = 16_384

AllowanceId = Annotated[str, Field(pattern=r"^alw_[0-9a-f]{32}$")]
AmountText = Annotated[str, Field(max_length=20, pattern=r"^([0-9]{1,12}(\.[0-9]{1,6})?)?$")]
AgentId = Annotated[str, Field(max_length=64, pattern=r"^[!-~]+$", description="The id of the agent's key, or of its grant.")]  # fmt: skip
FindAction = Callable[[TenantId, str], Awaitable[Action | None]]


class Allow(Params):
    """`values`: the exact parameters of the calls that are allowed, without those that the contract labels `amount` or `content`. `amount_max` bounds one call,
    `amount_total` all of them together (empty: the same as one)."""

    agent: AgentId
    contract: Annotated[str, Field(max_length=64)]
    values: dict[str, JsonValue]
    amount_max: AmountText = ""
    amount_total: AmountText = ""
    count: Annotated[int, Field(ge=1, le=COUNT_MAX)] = 1
    expires_in_s: Annotated[int, Field(ge=60, le=LASTS_S_MAX)] = LASTS_S
    note: Annotated[str, Field(max_length=300)] = ""


class ListAllowances(Page):
    """`state`: standing (default), or all that were ever made and are not forgotten."""

    state: Literal["standing", "any"] = "standing"


class OneAllowance(Params):
    allowance_id: AllowanceId


class AllowanceShown(Answer):
    """`left` of `count` calls, `amount_left` in all. `state`: standing, used, expired, revoked or stale (the contract has changed). `values` is empty where it does
    not open any more."""

    id: str
    state: str
    agent: str
    contract: str
    values: dict[str, JsonValue]
    amount_max: str
    amount_left: str
    left: int
    made_by: str
    made_at: str
    expires_at: str
    note: str


class AllowancesShown(Answer):
    allowances: list[AllowanceShown]
    next: str


class _Desk:
    """What the actions do."""

    def __init__(
        self, database: Database, allowances: Allowances, clock: Clock, approving: Approving, find: FindAction
    ) -> None:  # fmt: skip
        self._database = database
        self._allowances = allowances
        self._clock = clock
        self._approving = approving
        self._find = find

    async def allow(self, call: Call, asked: Allow) -> AllowanceShown:
        if call.actor.kind is not ActorKind.PERSON:
            raise Forbidden("Only a person allows beforehand: it is a yes.")
        action = await self._find(call.tenant, asked.contract)
        if action is None or not action.contract:
            raise OffContract
        await self._may(call.actor, action, asked.agent)
        said, total = _terms(action, asked)
        allowance_id = ids.new("alw")
        row = AllowanceRow(
            id=allowance_id,
            actor_id=asked.agent,
            action=action.name,
            contract=action.hash,
            made_by=call.actor.id,
            made_us=call.at_us,
            expires_us=call.at_us + asked.expires_in_s * SECOND_US,
            left_count=asked.count,
            left_micros=total,
            revoked_us=None,
            revoked_by=None,
            terms=await self._allowances.sealed(call.tenant, allowance_id, said, subject_of(action, said.values, call.actor)),
        )  # fmt: skip
        call.write(lambda c: store.add(c, call.tenant, row, now_us=call.at_us, standing_max=STANDING_MAX))
        return self._shown(call.tenant, row, said, action.hash)

    async def _may(self, person: Actor, action: Action, agent: str) -> None:
        """Whoever allows might also say yes to the card. Raises Forbidden, SelfApproval, Conflict."""
        needs = needs_of(action)
        if needs.quorum > 1:
            raise Conflict("This contract takes several people each time: it cannot be allowed beforehand.")
        if not needs.lets(person.roles):
            raise Forbidden("Whoever approves this contract has another role.")
        behind = await self._approving.askers(Actor(person.tenant, ActorKind.AGENT, agent))
        if needs.four_eyes and person.id in behind:
            raise SelfApproval("Four eyes: who made the agent's key does not allow beforehand what it asks.")

    async def listed(self, call: Call, asked: ListAllowances) -> AllowancesShown:
        at_us = self._clock.now_us() if asked.state == "standing" else None
        rows = await self._database.run(
            lambda c: store.page(
                c, call.tenant, standing_at_us=at_us, before=asked.cursor, limit=asked.limit + 1
            )
        )
        shown = []
        for row in rows[: asked.limit]:
            action = await self._find(call.tenant, row.action)
            said = self._allowances.terms_of(call.tenant, row)
            shown.append(self._shown(call.tenant, row, said, action.hash if action else ""))
        return AllowancesShown(allowances=shown, next=shown[-1].id if len(rows) > len(shown) else "")

    async def revoke(self, call: Call, asked: OneAllowance) -> Nothing:
        if await self._database.run(lambda c: store.find(c, call.tenant, asked.allowance_id)) is None:
            raise NotFound
        call.write(
            lambda c: store.revoke(c, call.tenant, asked.allowance_id, by=call.actor.id, at_us=call.at_us)
        )
        return Nothing()

    def _shown(self, tenant: TenantId, row: AllowanceRow, said: Terms | None, stands: str) -> AllowanceShown:
        return AllowanceShown(
            id=row.id,
            state=_state(row, stands, self._clock.now_us()),
            agent=row.actor_id,
            contract=row.action,
            values=dict(said.values) if said else {},
            amount_max=said.amount_max if said else "",
            amount_left="" if row.left_micros is None else _digits(row.left_micros),
            left=row.left_count,
            made_by=row.made_by,
            made_at=rfc3339(row.made_us),
            expires_at=rfc3339(row.expires_us),
            note=said.note if said else "",
        )


def _digits(micros: int) -> str:
    whole, part = divmod(micros, MICRO)
    return f"{whole}.{part:06d}".rstrip("0").rstrip(".")


def _state(row: AllowanceRow, stands: str, now_us: int) -> str:
    if row.revoked_us is not None:
        return "revoked"
    if row.expires_us <= now_us:
        return "expired"
    if row.left_count <= 0 or row.left_micros == 0:
        return "used"
    return "standing" if row.contract == stands else "stale"


def _terms(action: Action, asked: Allow) -> tuple[Terms, int | None]:
    """What is allowed, and the millionths of all of it together. Raises InvalidParameters."""
    if terms.exact(action, asked.values) != asked.values:
        raise _wrong("/values", "leave out what the contract labels amount or content: that is open, or bounded by `amount_max`")  # fmt: skip
    unknown = set(asked.values) - set(action.params.schema().get("properties", {}))
    if unknown:
        raise _wrong("/values", f"{sorted(unknown)[0][:64]} is no parameter of this contract")
    if len(str(asked.values)) > VALUES_BYTES_MAX:
        raise _wrong("/values", f"at most {VALUES_BYTES_MAX} characters")
    if missing := _missing(action, asked.values):
        raise _wrong("/values", f"write {missing} too: every call has it")
    if not terms.has_amount(action):
        if asked.amount_max or asked.amount_total:
            raise _wrong("/amount_max", "this contract labels no amount")
        return Terms(asked.values, "", asked.note), None
    each, total = number(asked.amount_max), number(asked.amount_total or asked.amount_max)
    if each is None or total is None:
        raise _wrong("/amount_max", "write the largest amount of one call: this contract has one")
    if total < each:
        raise _wrong("/amount_total", "all of them together are at least as much as one")
    return Terms(asked.values, asked.amount_max, asked.note), terms.whole(total)


def _missing(action: Action, values: Mapping[str, JsonValue]) -> str:
    """A required parameter that is neither given nor open."""
    required = action.params.schema().get("required", [])
    closed = terms.exact(action, dict.fromkeys(required))
    return next((name for name in closed if name not in values), "")


def _wrong(pointer: str, detail: str) -> InvalidParameters:
    return InvalidParameters(faults=(Fault(pointer, detail),))


def actions(
    database: Database, allowances: Allowances, clock: Clock, approving: Approving, find: FindAction
) -> list[Action]:  # fmt: skip
    """`find` gives a contract of a tenant's by name."""
    desk = _Desk(database, allowances, clock, approving, find)
    return [
        Action(
            "approval.allow", "Allow beforehand", "A yes in advance: this agent may do this, with these values, up to so much, so often, until then. Never a right that it has not.",
            "approval.decide", Risk.HIGH, Effect.LOCAL, ModelShape(Allow), ModelShape(AllowanceShown), desk.allow,
            route=Route("POST", "/v1/allowances"), masking=Masking.OWN, step_up=True, keeps_answer=False, sentence="Allow {contract} to {agent} beforehand",
        ),
        Action(
            "approval.allowances", "List pre-approvals", "What was allowed beforehand, and what is left of it.", "approval.decide",
            Risk.LOW, Effect.NONE, ModelShape(ListAllowances), ModelShape(AllowancesShown), desk.listed,
            route=Route("GET", "/v1/allowances"), masking=Masking.OWN, keeps_answer=False,
        ),
        Action(
            "approval.disallow", "Take back a pre-approval", "From now on a person is asked again.", "approval.decide",
            Risk.LOW, Effect.LOCAL, ModelShape(OneAllowance), ModelShape(Nothing), desk.revoke,
            route=Route("DELETE", "/v1/allowances/{allowance_id}"), masking=Masking.OWN,
        ),
    ]  # fmt: skip
