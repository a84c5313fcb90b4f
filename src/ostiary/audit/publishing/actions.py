"""What can be asked about publishing, and what outsiders fetch: checkpoints, hash tiles and entry bundles (C2SP tlog-tiles).

A log is read with `audit.read` by its own tenant. Where the tenant opened it, anybody reads what was published, and the hash tiles under it: never an entry.
A log that is not open does not exist for others.
"""

import base64
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Connection

from ostiary.actions import Action, Call, Effect, Recorded, Risk, Route
from ostiary.audit import reading
from ostiary.audit._c2sp_tlog_tiles import LEVEL_MAX, WIDTH, TilePath
from ostiary.audit.actions import SIZE_MAX
from ostiary.audit.publishing import settings as shape
from ostiary.audit.publishing import store
from ostiary.audit.publishing.publisher import Publisher, cosigners
from ostiary.audit.publishing.settings import Opened, Settings, WitnessSetting
from ostiary.audit.publishing.store import CheckpointRow
from ostiary.clock import SECOND_US, rfc3339
from ostiary.errors import Conflict, NotFound
from ostiary.ids import INSTALL, TenantId
from ostiary.net.webhook import new_secret
from ostiary.shapes import Answer, Empty, Page, Params, own_action

LogId = Annotated[
    str, Field(pattern=r"^[a-z0-9_]{1,64}$", description="The tenant's id, as in the checkpoint's first line")
]
TileNumber = Annotated[int, Field(ge=0, le=SIZE_MAX)]


class Show(Answer):
    """How checkpoints are published. `version` 0: nobody has set it. `secret_made`: there is a secret that signs what is posted. `webhook_id`: the webhook that
    `webhook_url` became, with its deliveries; empty until there is one."""

    version: int
    open: bool
    witnesses: list[WitnessSetting]
    quorum: int
    webhook_url: str
    mail_to: list[str]
    secret_made: bool
    webhook_id: str


class Put(Settings):
    """The whole of it. `version`, if given, must be the one that stands."""

    version: Annotated[int, Field(ge=0, le=2**31 - 2)] | None = None


class PutDone(Show):
    """`secret` (Standard Webhooks) is made with the first webhook, and shown this once."""

    secret: str = ""


class Renewed(Answer):
    """`secret` is shown this once; the one before goes on signing beside it for a day."""

    secret: str


class Cosigner(Answer):
    """A witness that cosigned, and when by its own clock."""

    name: str
    at: str


class Published(Answer):
    """A checkpoint as it was published. `enough`: as many witnesses cosigned as the quorum asks for. `sent_at` is empty until it was mailed, and given
    to the webhook, whose deliveries say how it got there."""

    size: int
    root: str
    at: str
    checkpoint: str
    cosigned_by: list[Cosigner]
    enough: bool
    sent_at: str


class PublishedPage(Answer):
    checkpoints: list[Published]
    next: str


class OneLog(Params):
    log: LogId


class OneTile(OneLog):
    """A tile of hashes: `width` is 256 for a full one."""

    level: Annotated[int, Field(ge=0, le=LEVEL_MAX)]
    number: TileNumber
    width: Annotated[int, Field(ge=1, le=WIDTH)] = WIDTH


class OneBundle(OneLog):
    """The events under a tile of level 0."""

    number: TileNumber
    width: Annotated[int, Field(ge=1, le=WIDTH)] = WIDTH


class CheckpointFile(Answer):
    """A signed note (C2SP tlog-checkpoint)."""

    checkpoint: str


class Bytes(Answer):
    """`content` is base64."""

    content: str


_ask = partial(own_action, permission="audit.read", recorded=Recorded.DURABLE, hash="1")
"""What programs fetch is counted or recorded in batches, and says so."""


def actions(publisher: Publisher) -> list[Action]:
    """The actions of this room that are no steps."""
    audit = publisher.audit

    async def how(tenant: TenantId) -> Opened:
        row = await audit.database.run(lambda connection: store.how(connection, tenant))
        return shape.opened(audit.vault, tenant, row)

    async def write(call: Call, after: Opened) -> str:
        """The id of the webhook."""
        webhook, moved = await publisher.webhook(call.tenant, after)
        if moved:
            call.write(moved)
        row = shape.sealed(audit.vault, call.tenant, after)
        call.write(lambda connection: store.put(connection, call.tenant, row))
        return webhook

    async def show(call: Call, _asked: Empty) -> Show:
        webhook = await publisher.room.id(call.tenant) if publisher.room else ""
        return Show(**_shown(await how(call.tenant), webhook))

    async def put(call: Call, asked: Put) -> PutDone:
        standing = await how(call.tenant)
        if asked.version not in (None, standing.version):
            raise Conflict("It was changed since; read it again.")
        settings = Settings(**asked.model_dump(exclude={"version"}))
        shape.check(settings)
        secrets, fresh = standing.secrets, ""
        if settings.webhook_url and not secrets:
            made = new_secret()
            secrets, fresh = shape.renewed((), made, call.at_us), made.reveal()
        after = Opened(standing.version + 1, settings, secrets, call.at_us)
        return PutDone(**_shown(after, await write(call, after)), secret=fresh)

    async def renew(call: Call, _asked: Empty) -> Renewed:
        standing = await how(call.tenant)
        if not standing.settings.webhook_url:
            raise Conflict("There is no webhook to sign for.")
        made = new_secret()
        live = [each for each in standing.secrets if each.until_us == 0 or each.until_us > call.at_us]
        after = replace(
            standing, version=standing.version + 1, secrets=shape.renewed(live, made, call.at_us), changed_us=call.at_us
        )  # fmt: skip
        await write(call, after)
        return Renewed(secret=made.reveal())

    async def published(call: Call, asked: Page) -> PublishedPage:
        before = int(asked.cursor) if asked.cursor.isascii() and asked.cursor.isdigit() else None
        opened = await how(call.tenant)
        rows = await audit.database.run(
            lambda connection: store.newest(connection, call.tenant, before=before, limit=asked.limit + 1)
        )
        more = str(rows[asked.limit - 1].size) if len(rows) > asked.limit else ""
        return PublishedPage(checkpoints=[_published(row, opened) for row in rows[: asked.limit]], next=more)

    return [
        _ask("audit.publishing_show", "Show how checkpoints are published", "Witnesses, webhook, mail, and whether anybody may read checkpoints and hash tiles.",
                Empty, Show, show, Route("GET", "/v1/audit/publishing"), permission="audit.publish"),
        _ask("audit.publishing_put", "Change how checkpoints are published", "Replaces the whole of it. Events are never opened to anybody by it.",
                Put, PutDone, put, Route("PUT", "/v1/audit/publishing"), permission="audit.publish", risk=Risk.HIGH, effect=Effect.LOCAL, step_up=True),
        _ask("audit.publishing_secret", "Renew the webhook's secret", "A new secret for what is posted; the one before goes on signing beside it for a day.",
                Empty, Renewed, renew, Route("POST", "/v1/audit/publishing/secret"), permission="audit.publish", risk=Risk.HIGH, effect=Effect.LOCAL, step_up=True),
        *_fetching(publisher),
        _ask("audit.checkpoints", "List published checkpoints", "The newest first, each with who cosigned it.",
                Page, PublishedPage, published, Route("GET", "/v1/audit/checkpoints")),
    ]  # fmt: skip


def _fetching(publisher: Publisher) -> list[Action]:
    """What programs fetch; `tlog` is the face for it."""
    audit = publisher.audit

    async def own_checkpoint(call: Call, asked: OneLog) -> CheckpointFile:
        """The newest published one, with its cosignatures; before the first, the log as it stands."""

        def look(connection: Connection) -> str:
            log = _own(call, asked.log)
            last = store.latest(connection, log)
            return last.note if last else reading.standing(audit, connection, log).checkpoint

        return CheckpointFile(checkpoint=await audit.database.run(look))

    async def own_tile(call: Call, asked: OneTile) -> Bytes:
        def look(connection: Connection) -> bytes:
            log = _own(call, asked.log)
            size = reading.standing(audit, connection, log).size
            return reading.tile(connection, log, TilePath(asked.level, asked.number, asked.width), size)

        return _bytes(await audit.database.run(look))

    async def own_entries(call: Call, asked: OneBundle) -> Bytes:
        def look(connection: Connection) -> bytes:
            log = _own(call, asked.log)
            size = reading.standing(audit, connection, log).size
            return reading.bundle(connection, log, TilePath(None, asked.number, asked.width), size)

        return _bytes(await audit.database.run(look))

    async def open_checkpoint(_call: Call, asked: OneLog) -> CheckpointFile:
        found = await audit.database.run(lambda connection: _opened(connection, asked.log))
        return CheckpointFile(checkpoint=found.note)

    async def open_tile(_call: Call, asked: OneTile) -> Bytes:
        def look(connection: Connection) -> bytes:
            size = _opened(connection, asked.log).size
            path = TilePath(asked.level, asked.number, asked.width)
            return reading.tile(connection, TenantId(asked.log), path, size)

        return _bytes(await audit.database.run(look))

    return [
        _ask("audit.checkpoint_file", "Fetch a log's checkpoint", "The newest published checkpoint of the log, for C2SP tlog clients.",
                OneLog, CheckpointFile, own_checkpoint, recorded=Recorded.COUNTED),
        _ask("audit.tile", "Fetch a tile of a log", "Hashes of the log's tree, for C2SP tlog clients.",
                OneTile, Bytes, own_tile, recorded=Recorded.COUNTED),
        _ask("audit.entries", "Fetch events of a log", "The public envelopes under one tile, for C2SP tlog clients.",
                OneBundle, Bytes, own_entries, recorded=Recorded.BATCHED),
        _ask("audit.open_checkpoint", "Fetch an open log's checkpoint", "The newest published checkpoint of a log that its tenant opened to anybody.",
                OneLog, CheckpointFile, open_checkpoint, recorded=Recorded.COUNTED, public=True),
        _ask("audit.open_tile", "Fetch a tile of an open log", "Hashes under the newest published checkpoint of a log that its tenant opened to anybody.",
                OneTile, Bytes, open_tile, recorded=Recorded.COUNTED, public=True),
    ]  # fmt: skip


def _own(call: Call, log: str) -> TenantId:
    """Raises NotFound for any log but the caller's own."""
    if log != call.tenant:
        raise NotFound
    return call.tenant


def _opened(connection: Connection, log: str) -> CheckpointRow:
    """The newest published checkpoint of an open log. Raises NotFound: a log that is closed, or was never published, does not exist for others."""
    tenant = TenantId(log)
    row = store.how(connection, tenant) if tenant != INSTALL else None
    last = store.latest(connection, tenant) if row and row.open else None
    if last is None:
        raise NotFound
    return last


def _bytes(content: bytes) -> Bytes:
    return Bytes(content=base64.b64encode(content).decode())


def _shown(how: Opened, webhook: str) -> dict[str, Any]:
    made = {"version": how.version, "secret_made": bool(how.secrets), "webhook_id": webhook}
    return {**made, **how.settings.model_dump()}


def _published(row: CheckpointRow, how: Opened) -> Published:
    signed = cosigners(row, how)
    return Published(
        size=row.size,
        root=row.root.hex(),
        at=rfc3339(row.at_us),
        checkpoint=row.note,
        cosigned_by=[Cosigner(name=each.witness.name, at=rfc3339(each.at_s * SECOND_US)) for each in signed],
        enough=len(signed) >= how.settings.quorum,
        sent_at=rfc3339(row.sent_us) if row.sent_us else "",
    )
