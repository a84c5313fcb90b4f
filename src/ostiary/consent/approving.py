"""Whether somebody's yes counts: their roles, whether they are another person than who asked, how many there are; when it is said, and again before anything runs."""

from collections.abc import Awaitable, Callable

from ostiary.actions import Actor, ActorKind
from ostiary.consent.ledger import Ledger
from ostiary.consent.store import ApprovalRow
from ostiary.errors import Forbidden, OstiaryError, SelfApproval
from ostiary.ids import TenantId

PERMISSION = "approval.decide"

WhoIsThisNow = Callable[[Actor], Awaitable[Actor | None]]
"""The actor with the rights of this moment; None where the person is no more."""
MadeBy = Callable[[TenantId, str], Awaitable[str]]
"""`await made_by(tenant, key_id)`: who made that key; "" where it is no key of the tenant's, or nobody knows."""


class Approving:
    """One for the process."""

    def __init__(self, ledger: Ledger, who_now: WhoIsThisNow, made_by: MadeBy) -> None:
        self._ledger = ledger
        self._who_now = who_now
        self._made_by = made_by

    async def now(self, tenant: TenantId, person: str) -> Actor | None:
        """That person with the rights of this moment; None where they are a member no more."""
        return await self._who_now(Actor(tenant, ActorKind.PERSON, person))

    async def askers(self, asker: Actor) -> frozenset[str]:
        """Everybody who stands behind the question: who asked, the person an agent acts for, and who made its key."""
        maker = "" if asker.kind is ActorKind.PERSON else await self._made_by(asker.tenant, asker.id)
        return frozenset({asker.id, asker.acts_for, maker}) - {""}

    async def hindrance(self, row: ApprovalRow, asker: Actor, approver: Actor) -> OstiaryError | None:
        """Why this approver's yes would not count; None if it does."""
        if (
            approver.kind is not ActorKind.PERSON
        ):  # else whoever makes keys could ask with one and agree with another
            return Forbidden("Only a person says yes to a held call.")
        if PERMISSION not in approver.permissions:
            return Forbidden()
        if approver.id == asker.id and not row.self_approval:
            return SelfApproval()
        needs = self._ledger.needs_of(row)
        if not needs.lets(approver.roles):
            return Forbidden(f"Whoever approves this has one of the roles {_named(needs.approvers)}.")
        if needs.four_eyes and approver.id in await self.askers(asker):
            return SelfApproval("Four eyes: neither who asked nor who made the asking key approves this.")
        return None

    async def stands(self, row: ApprovalRow, asker: Actor) -> bool:
        """Whether enough people have said yes whose yes counts now: not who left since, or lost the role."""
        people = await self._ledger.agreed(row)
        if row.state != "approved" or row.decided_by not in people:
            return False
        counted = 0
        for person in people:
            now = await self.now(row.tenant, person)
            counted += now is not None and await self.hindrance(row, asker, now) is None
        return counted >= self._ledger.needs_of(row).quorum


def _named(groups: tuple[frozenset[str], ...]) -> str:
    return ", and one of ".join(", ".join(sorted(group)) for group in groups)
