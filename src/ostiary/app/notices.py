"""Notices out of the house: webhooks, and mails to approvers, put together from their rooms."""

from collections.abc import Mapping
from functools import partial

from sqlalchemy import Connection

from ostiary.actions import Action, JsonValue
from ostiary.clock import Clock, rfc3339
from ostiary.config import Settings
from ostiary.consent import store as consent_store
from ostiary.consent.jobs import CardLink
from ostiary.consent.ledger import Ledger
from ostiary.db.database import Database
from ostiary.errors import SealBroken
from ostiary.identity.holders import Holder, holders
from ostiary.ids import TenantId
from ostiary.jobs.queue import Queue
from ostiary.net.address import egress
from ostiary.vault.sealing import Vault
from ostiary.webhooks import actions as webhook_actions
from ostiary.webhooks import jobs as webhook_jobs
from ostiary.webhooks.actions import Webhooks
from ostiary.webhooks.jobs import Delivering
from ostiary.webhooks.kept import Kept
from ostiary.webhooks.mailing import actions as mailing_actions
from ostiary.webhooks.mailing import links
from ostiary.webhooks.mailing import store as mailing_store
from ostiary.webhooks.mailing.links import Link
from ostiary.webhooks.outbox import Outbox
from ostiary.webhooks.sending import Sender

DECIDE = "approval.decide"
CARDS_MAX = 10
"""How many cards a mail leads to; the others are found beside them."""


class Notices:
    """`outbox` is what rooms and the log put notices into; `checkpoints` the webhook that publishing keeps."""

    def __init__(
        self, settings: Settings, database: Database, vault: Vault, clock: Clock, queue: Queue, ledger: Ledger
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._public_url = settings.public_url
        self.outbox = Outbox(
            vault, clock, queue.enqueue, webhook_jobs.DELIVER, facts=partial(_facts, ledger), public_url=settings.public_url
        )  # fmt: skip
        allowed = egress(settings.egress_allow)
        self._sender = Sender(vault, clock, allowed, step_timeout_s=settings.call_timeout_s)
        self.checkpoints = Kept(database, vault, clock, allowed, room="publishing", title="Checkpoints of the log")  # fmt: skip

    def actions(self) -> list[Action]:
        delivering = Delivering(self._database, self._clock, self.outbox, self._sender)
        parts = (self._database, self._vault, self._clock, self.outbox, self._sender)
        return [
            *webhook_actions.actions(Webhooks(*parts)),
            *webhook_actions.install_actions(Webhooks(*parts, install=True)),
            *webhook_jobs.steps(delivering),
            *mailing_actions.actions(self._database, self._vault, self._clock),
        ]

    async def approvers(self, tenant: TenantId, after: str, limit: int) -> list[Holder]:
        """Who is mailed that calls wait: those who may decide, of the roles that the tenant named."""
        chosen = await self._database.run(lambda c: mailing_store.mailing(c, tenant))
        if not chosen.mail:
            return []
        among = frozenset(chosen.roles)
        return await holders(
            self._database, self._vault, tenant, DECIDE, after=after, limit=limit, among=among
        )

    async def card_links(self, tenant: TenantId, person: str) -> list[CardLink]:
        """The newest cards that wait, each with a link for this person alone."""
        rows = await self._database.run(
            lambda c: consent_store.list_approvals(c, tenant, states=["waiting"], before="", limit=CARDS_MAX)
        )
        made = []
        for row, _ in rows:
            token = links.token(self._vault, Link(tenant, person, row.id, row.expires_us))
            made.append(CardLink(row.expires_us, f"{self._public_url}/approvals/open?link={token}"))
        return made


def _facts(
    ledger: Ledger, connection: Connection, tenant: TenantId, approval: str
) -> Mapping[str, JsonValue]:
    """Of a question: until when, by which rule, how risky, and the title that its contract has. Nothing of the call's own content."""
    row = consent_store.find_approval(connection, tenant, approval)
    if row is None:
        return {}
    try:
        title = str(ledger.card_of(row)["title"])
    except SealBroken:  # whom it was about was erased meanwhile
        title = row.action
    return {"title": title, "rule": row.rule, "risk": row.risk, "expires_at": rfc3339(row.expires_us)}
