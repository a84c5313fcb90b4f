"""A checkpoint's way out: checked against the one before it, cosigned, kept, given to the webhooks and mailed.

Fails closed: a log that does not extend what was published before is not published any further, and whoever looks at the job, the log or the metrics is told.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from ostiary import log
from ostiary.actions import JsonValue, Write
from ostiary.audit import _rfc6962, reading
from ostiary.audit._c2sp_cosignature import Cosigned, cosigned
from ostiary.audit._c2sp_note import NoteInvalid, verify
from ostiary.audit.log import Audit
from ostiary.audit.publishing import settings as shape
from ostiary.audit.publishing import store, witnesses
from ostiary.audit.publishing.settings import Opened
from ostiary.audit.publishing.store import CheckpointRow
from ostiary.clock import DAY_US, Clock
from ostiary.errors import LogInconsistent, NotFound
from ostiary.ids import TenantId
from ostiary.net.address import Egress
from ostiary.net.http import Bounds
from ostiary.net.mail import Letter, MailServer, send
from ostiary.work import Announce, RoomWebhook

KIND = "audit.publish_checkpoint"
STEP = "audit.publish_step"
CHECKPOINT = "audit.checkpoint"

REMEMBERED = 64
BOUNDS = Bounds(connect_timeout_s=5, timeout_s=10, answer_bytes_max=64 << 10, connections_max=1)
_LOG = log.get("audit")


@dataclass(frozen=True, slots=True)
class Cut:
    """A checkpoint that is due. `known`: the sizes that each witness, by its key's text, was last seen to cosign. `again`: it was published before, and lacks
    a cosignature."""

    row: CheckpointRow
    how: Opened
    known: dict[str, int]
    again: bool = False


class Publisher:
    """Publishes the checkpoints of every tenant.

    allowed: the operator's egress rules, which witnesses are held to. room: the webhook that each tenant's settings name, and `announce` tells.
    routine: actions that the tenant's own service calls by the clock, publishing among them. What they leave in the log is no reason to publish again, or it
    would never end; once a day it is.
    """

    def __init__(
        self,
        audit: Audit,
        clock: Clock,
        allowed: Egress,
        mails: MailServer | None = None,
        *,
        routine: Iterable[str] = (),
        announce: Announce = lambda _tenant, _name, _data: lambda _connection: None,
        room: RoomWebhook | None = None,
    ) -> None:
        self.audit = audit
        self.room = room
        self._clock = clock
        self._allowed = allowed
        self._mails = mails
        self._routine = frozenset(routine) | {STEP}
        self._announce = announce

    async def due(self, tenant: TenantId) -> Cut | None:
        """The checkpoint to publish now, checked to extend the one before; None where there is nothing new.

        Raises LogInconsistent, KeysUnavailable, StoreUnavailable.
        """
        return await self.audit.database.run(lambda connection: self._due(connection, tenant))

    def _due(self, connection: Connection, tenant: TenantId) -> Cut | None:
        how = shape.opened(self.audit.vault, tenant, store.how(connection, tenant))
        earlier = store.newest(connection, tenant, before=None, limit=REMEMBERED)
        now = reading.standing(self.audit, connection, tenant)
        if now.size == 0 and not earlier:
            return None
        last = earlier[0] if earlier else None
        if last is not None:
            self._check(connection, tenant, last, now)
        fresh = CheckpointRow(now.size, now.root, now.checkpoint, self._clock.now_us())
        if last is None or self._is_news(connection, tenant, last, now):
            return Cut(fresh, how, _known(earlier, how))
        lacking = len(cosigned(last.note, how.settings.keys())) < len(how.settings.witnesses)
        return Cut(last, how, _known(earlier, how), again=True) if lacking else None

    def _is_news(
        self, connection: Connection, tenant: TenantId, last: CheckpointRow, now: reading.Standing
    ) -> bool:
        if now.size == last.size:
            return False
        overdue = self._clock.now_us() - last.at_us >= DAY_US
        return overdue or store.news(connection, tenant, since=last.size, besides=self._routine) is not None

    def _check(
        self, connection: Connection, tenant: TenantId, last: CheckpointRow, now: reading.Standing
    ) -> None:
        """That the log as it stands extends what was published last. Raises LogInconsistent."""
        try:
            before = verify(last.note, self.audit.verifier(tenant))
            if now.size < before.size or (before.size, before.root) != (last.size, last.root):
                raise LogInconsistent
            proof = reading.consistency_proof(connection, tenant, before.size, now.size)
        except (NoteInvalid, KeyError) as error:
            raise LogInconsistent from error
        if not _rfc6962.extends(before.size, now.size, before.root, now.root, proof):
            raise LogInconsistent

    async def cosign(self, tenant: TenantId, cut: Cut) -> CheckpointRow:
        """The checkpoint with the cosignatures that could be got. Raises LogInconsistent where a witness disagrees."""
        row, listed = cut.row, cut.how.settings.witnesses
        asked = [
            witnesses.Witness(named.url, key, cut.known.get(key.text(), 0))
            for named, key in zip(listed, cut.how.settings.keys(), strict=True)
        ]
        has = {each.witness for each in cosigned(row.note, [each.key for each in asked])}

        async def prove(old: int) -> list[bytes]:
            return await self.audit.database.run(
                lambda connection: reading.consistency_proof(connection, tenant, old, row.size)
            )

        lines = await witnesses.gather(
            row.note, row.size, [each for each in asked if each.key not in has], prove, self._allowed
        )
        return CheckpointRow(row.size, row.root, row.note + "".join(lines.values()), row.at_us, row.sent_us)

    async def webhook(self, tenant: TenantId, how: Opened) -> tuple[str, Write | None]:
        """The webhook of these settings, and the rows that have it be as they say. Settings of a release that posted by itself get there with their next
        checkpoint."""
        if self.room is None:
            return "", None
        secrets = [(each.secret, each.until_us) for each in how.secrets]
        return await self.room.stand(tenant, how.settings.webhook_url, [CHECKPOINT], secrets)

    def announced(self, tenant: TenantId, row: CheckpointRow) -> Write:
        """The notice of a checkpoint that is kept now, to whichever webhooks are told of it."""
        return self._announce(tenant, CHECKPOINT, self._data(tenant, row))

    async def deliver(self, tenant: TenantId, size: int) -> str:
        """Mail the published checkpoint of that size; says what was done. Raises NotFound, TargetUnavailable and the like: it is tried again then."""

        def look(connection: Connection) -> tuple[CheckpointRow | None, Opened]:
            how = shape.opened(self.audit.vault, tenant, store.how(connection, tenant))
            return store.find(connection, tenant, size), how

        row, how = await self.audit.database.run(look)
        if row is None:
            raise NotFound
        if not self._mails:
            return "there is no mail server"
        for address in how.settings.mail_to:
            await send(self._mails, letter(self.audit.log_name(tenant), address, row), self._clock)
        return f"mailed to {len(how.settings.mail_to)}"

    def _data(self, tenant: TenantId, row: CheckpointRow) -> dict[str, JsonValue]:
        key = self.audit.verifier(tenant)
        return {
            "log": key.name,
            "size": row.size,
            "root": row.root.hex(),
            "checkpoint": row.note,
            "key": key.text(),
        }


def letter(log_name: str, to: str, row: CheckpointRow) -> Letter:
    """The mail that carries a checkpoint, for the mailbox of somebody who keeps it where we cannot change it."""
    text = (
        f"This is the checkpoint of the audit log {log_name} at {row.size} events. Keep this mail: with it anybody can prove later that none of these\n"
        "events was changed, removed or reordered. Save the lines between the rules as a file, to the byte, for `ostiary_verify.py --checkpoint`.\n\n"
        f"--------\n{row.note}--------\n"
    )
    return Letter(to, f"Audit checkpoint: {row.size} events", text)


def cosigners(row: CheckpointRow, how: Opened) -> list[Cosigned]:
    """Who of the tenant's witnesses cosigned this checkpoint; none where its note was tampered with."""
    try:
        return cosigned(row.note, how.settings.keys())
    except NoteInvalid:
        return []


def _known(rows: list[CheckpointRow], how: Opened) -> dict[str, int]:
    known: dict[str, int] = {}
    for row in reversed(rows):
        for each in cosigners(row, how):
            known[each.witness.text()] = row.size
    return known
