"""What can be asked about mails to approvers: who gets them, and where the link in one leads."""

from typing import Annotated

from pydantic import AfterValidator, Field

from ostiary.access.roles import ROLE_NAME
from ostiary.actions import Action, Call, Effect, Masking, Recorded, Risk, Route
from ostiary.clock import Clock
from ostiary.db.database import Database
from ostiary.errors import Conflict
from ostiary.shapes import Answer, Empty, ModelShape, Params
from ostiary.vault.sealing import Vault
from ostiary.webhooks.mailing import links, store
from ostiary.webhooks.mailing.store import MailingRow

READ, MANAGE = "webhook.read", "webhook.manage"
ROLES_MAX = 20


def _role(text: str) -> str:
    if not ROLE_NAME.fullmatch(text):
        raise ValueError("is not a role's name")
    return text


RoleName = Annotated[str, Field(max_length=32), AfterValidator(_role)]


class Show(Answer):
    """`mail`: whether approvers are mailed at all; `roles`: of these only, empty for everybody who may decide. `version` 0: nobody has ever said."""

    version: int
    mail: bool
    roles: list[str]


class Put(Params):
    """The whole of it. `version`, if given, must be the one that stands. A role that may not decide gets no mail, whatever is said here."""

    mail: bool
    roles: Annotated[list[RoleName], Field(max_length=ROLES_MAX)] = Field(default_factory=list)
    version: Annotated[int, Field(ge=0, le=2**31 - 2)] | None = None


class Follow(Params):
    token: Annotated[str, Field(max_length=links.CHARACTERS_MAX)]


class Followed(Answer):
    """`here`: the card is in the tenant that you are in; else switch to `tenant` first."""

    tenant: str
    approval_id: str
    here: bool


def actions(database: Database, vault: Vault, clock: Clock) -> list[Action]:
    """The part of the registry that is about mails."""

    async def show(call: Call, _asked: Empty) -> Show:
        row = await database.run(lambda c: store.mailing(c, call.tenant))
        return Show(version=row.version, mail=row.mail, roles=list(row.roles))

    async def put(call: Call, asked: Put) -> Show:
        standing = await database.run(lambda c: store.mailing(c, call.tenant))
        if asked.version not in (None, standing.version):
            raise Conflict("It was changed since; read it again.")
        row = MailingRow(standing.version + 1, asked.mail, tuple(dict.fromkeys(asked.roles)), call.at_us)
        call.write(lambda c: store.put_mailing(c, call.tenant, row))
        return Show(version=row.version, mail=row.mail, roles=list(row.roles))

    async def follow(call: Call, asked: Follow) -> Followed:
        link = links.read(vault, asked.token, person=call.actor.id, now_us=clock.now_us())
        return Followed(tenant=link.tenant, approval_id=link.approval, here=link.tenant == call.tenant)

    return [
        Action(
            "mailing.show", "Show who is mailed", "Which approvers are mailed that calls wait.", READ,
            Risk.LOW, Effect.NONE, ModelShape(Empty), ModelShape(Show), show,
            route=Route("GET", "/v1/approval-mailing"), masking=Masking.OWN, recorded=Recorded.BATCHED,
        ),
        Action(
            "mailing.put", "Change who is mailed", "Which approvers are mailed that calls wait: by role, or nobody.", MANAGE,
            Risk.MEDIUM, Effect.LOCAL, ModelShape(Put), ModelShape(Show), put,
            route=Route("PUT", "/v1/approval-mailing"), masking=Masking.OWN,
        ),
        Action(
            "mailing.follow", "Follow a mailed link", "Where the link of a mail leads. It decides nothing.", "me.own",
            Risk.LOW, Effect.NONE, ModelShape(Follow), ModelShape(Followed), follow,
            route=Route("POST", "/v1/approval-mailing/follow"), masking=Masking.OWN, recorded=Recorded.BATCHED, keeps_answer=False,
        ),
    ]  # fmt: skip
