"""The parts of consent, built together: the policies, who may say yes, what was allowed beforehand, and the door's step that asks them."""

from dataclasses import dataclass

from ostiary.actions import Action
from ostiary.audit.log import Audit
from ostiary.clock import Clock
from ostiary.consent.allowances import actions as allowance_actions
from ostiary.consent.allowances.allowances import Allowances
from ostiary.consent.approving import Approving, WhoIsThisNow
from ostiary.consent.ledger import Ledger
from ostiary.consent.policies import actions as policy_actions
from ostiary.consent.policies.policies import Policies
from ostiary.contracts.book import Book
from ostiary.db.database import Database
from ostiary.door.consenting import Consenting
from ostiary.identity.standing import makers
from ostiary.ids import TenantId
from ostiary.provenance.provenance import Provenance
from ostiary.vault.sealing import Vault


@dataclass(frozen=True, slots=True)
class Consents:
    policies: Policies
    approving: Approving
    allowances: Allowances
    consenting: Consenting


def build(
    database: Database, vault: Vault, clock: Clock, ledger: Ledger, provenance: Provenance, who_now: WhoIsThisNow, *, step_up_s: int
) -> Consents:  # fmt: skip
    policies = Policies(database, vault)
    approving = Approving(ledger, who_now, makers(database))
    allowances = Allowances(database, vault, clock, approving)
    consenting = Consenting(policies, provenance, ledger, allowances, step_up_s=step_up_s)
    return Consents(policies, approving, allowances, consenting)


def actions(
    parts: Consents, database: Database, audit: Audit, book: Book, clock: Clock, *, step_up_s: int
) -> list[Action]:
    """The actions of policies and pre-approvals."""

    async def contracts(tenant: TenantId) -> frozenset[str]:
        return frozenset(await book.actions(tenant))

    return [
        *allowance_actions.actions(database, parts.allowances, clock, parts.approving, book.get),
        *policy_actions.actions(parts.policies, audit, clock, contracts, step_up_s=step_up_s),
    ]
