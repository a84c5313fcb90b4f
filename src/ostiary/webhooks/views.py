"""What is asked of webhooks, and what is answered: the shapes."""

from typing import Annotated, Literal

import orjson
from pydantic import Field

from ostiary.actions import JsonValue
from ostiary.clock import rfc3339
from ostiary.net.webhook import public_key
from ostiary.shapes import Answer, Page, Params
from ostiary.vault.sealing import Vault
from ostiary.webhooks import endpoint as noun
from ostiary.webhooks.events import Catalogue
from ostiary.webhooks.store import AttemptRow, Counted, DeliveryRow, EndpointRow, State

INSTANT_US_MAX = 253_402_300_799_000_000
OVERLAP_S = 86_400
OVERLAP_S_MAX = 7 * 86_400
NOTHING = Counted(0, 0, 0, 0)

EndpointId = Annotated[str, Field(pattern=r"^whk_[0-9a-f]{32}$", description="A webhook's id, whk_...")]
DeliveryId = Annotated[str, Field(pattern=r"^dlv_[0-9a-f]{32}$", description="A delivery's id, dlv_...")]


class OneEndpoint(Params):
    endpoint_id: EndpointId


class Put(Params):
    """What is not given stays. `version`, if given, must be the one that stands. `paused`: it is told nothing until it is let go on. An endpoint that was
    switched off goes on with `paused` false."""

    endpoint_id: EndpointId
    url: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    types: Annotated[list[noun.Pattern], Field(min_length=1, max_length=noun.TYPES_MAX)] | None = None
    format: noun.Format | None = None
    description: Annotated[str, Field(max_length=noun.DESCRIPTION_CHARACTERS_MAX)] | None = None
    paused: bool | None = None
    version: Annotated[int, Field(ge=1, le=2**31 - 2)] | None = None


class Rotate(OneEndpoint):
    """`overlap_s`: for how long notices are signed with the secret before, too; 0: not at all. `signing`: how they are signed from now on, as before if it is
    not given."""

    overlap_s: Annotated[int, Field(ge=0, le=OVERLAP_S_MAX)] = OVERLAP_S
    signing: noun.Signing | None = None


class ReplayRange(OneEndpoint):
    """Deliveries put in from `since_us` on and before `until_us` (0: until now). `only_failed`: the dead letters; else those that were taken too."""

    since_us: Annotated[int, Field(ge=0, le=INSTANT_US_MAX, description="Microseconds since 1970, UTC")] = 0
    until_us: Annotated[int, Field(ge=0, le=INSTANT_US_MAX, description="Microseconds since 1970, UTC")] = 0
    only_failed: bool = True


class ListDeliveries(Page):
    endpoint_id: EndpointId
    state: Literal["any", "waiting", "done", "dead"] = "any"


class OnePublic(OneEndpoint):
    """`log`: whose webhook it is, as in each of its notices (`tenant`), or `install`."""

    log: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]


class OneDelivery(Params):
    delivery_id: DeliveryId


class TypeView(Answer):
    """A type of notice. `permission`: what one must hold to subscribe to it."""

    name: str
    title: str
    description: str
    permission: str


class Types(Answer):
    types: list[TypeView]


class PublicKey(Answer):
    """`key` (whpk_...) verifies the signatures that begin with v1a. `until` is null for the present one."""

    key: str
    until: str | None


class PublicKeys(Answer):
    """The newest first. None where notices are signed with a secret."""

    keys: list[PublicKey]


class EndpointView(Answer):
    """A webhook. `url` leaves out what may be a key. `state`: active, paused or disabled; then `reason` is `gone` (it answered 410) or `failing`.
    `failing_since`: it has taken nothing since then. `signs_until`: when each older secret or key ends that still signs. `room`: whose it is where it is kept
    by a part of the gateway, such as `publishing`: its address and secret are changed there."""

    id: str
    version: int
    url: str
    format: str
    types: list[str]
    description: str
    state: str
    reason: str
    failing_since: str | None
    signing: str
    public_keys: list[PublicKey]
    signs_until: list[str]
    room: str
    waiting: int
    dead: int
    done: int
    last_done_at: str | None
    created_at: str
    changed_at: str


class EndpointList(Answer):
    webhooks: list[EndpointView]


class Made(Answer):
    """`secret` (whsec_...) is shown this once; empty where a key signs, whose public half is in `webhook`."""

    webhook: EndpointView
    secret: str


class Renewed(Answer):
    """`secret` is shown this once, empty where a key signs; `public_key` is empty where a secret does. What signed before signs beside it until then."""

    secret: str
    public_key: str
    overlap_until: str | None


class DeliveryView(Answer):
    """How a notice got to a webhook. `message` is the id that it was sent under each time (webhook-id). `status`: of the last answer, 0 for none; `code`: why
    the last try failed. `next_at`: when it is tried again."""

    id: str
    endpoint: str
    message: str
    type: str
    state: str
    tries: int
    attempts: int
    status: int
    code: str
    took_ms: int
    created_at: str
    changed_at: str
    next_at: str | None


class Deliveries(Answer):
    deliveries: list[DeliveryView]
    next: str


class AttemptView(Answer):
    number: int
    at: str
    status: int
    code: str
    took_ms: int


class DeliveryShown(Answer):
    """`body`: what is posted; `tried`: each try, the newest first."""

    delivery: DeliveryView
    body: JsonValue
    tried: list[AttemptView]


class Replayed(Answer):
    """How many are sent again."""

    count: int


def types(catalogue: Catalogue) -> Types:
    return Types(
        types=[
            TypeView(name=each.name, title=each.title, description=each.description, permission=catalogue.permission(each))
            for each in catalogue.types
        ]
    )  # fmt: skip


def public_keys(opened: noun.Opened, now_us: int) -> list[PublicKey]:
    return [
        PublicKey(key=key, until=_at(each.until_us))
        for each in opened.secrets
        if (each.until_us == 0 or each.until_us > now_us) and (key := public_key(each.secret))
    ]


def endpoint(vault: Vault, row: EndpointRow, counted: Counted, now_us: int) -> EndpointView:
    """Raises SealBroken, KeysUnavailable."""
    opened = noun.opened(vault, row)
    return EndpointView(
        id=row.id,
        version=row.version,
        url=noun.shown(opened.url, row.format),
        format=row.format,
        types=list(row.patterns),
        description=opened.description,
        state=row.state.value,
        reason=row.reason,
        failing_since=_at(row.failing_us),
        signing=opened.signing,
        public_keys=public_keys(opened, now_us),
        room=row.room,
        signs_until=[rfc3339(each.until_us) for each in opened.secrets if each.until_us > now_us],
        waiting=counted.waiting,
        dead=counted.dead,
        done=counted.done,
        last_done_at=_at(counted.last_us),
        created_at=rfc3339(row.created_us),
        changed_at=rfc3339(row.changed_us),
    )


def delivery(row: DeliveryRow) -> DeliveryView:
    return DeliveryView(
        id=row.id,
        endpoint=row.endpoint,
        message=row.message,
        type=row.type,
        state=row.state.value,
        tries=row.tries,
        attempts=row.attempts,
        status=row.status,
        code=row.code,
        took_ms=row.took_us // 1000,
        created_at=rfc3339(row.created_us),
        changed_at=rfc3339(row.changed_us),
        next_at=rfc3339(row.due_us) if row.state is State.WAITING else None,
    )


def attempt(row: AttemptRow) -> AttemptView:
    return AttemptView(
        number=row.number,
        at=rfc3339(row.at_us),
        status=row.status,
        code=row.code,
        took_ms=row.took_us // 1000,
    )


def body(content: bytes) -> JsonValue:
    return orjson.loads(content)


def given(asked: Put) -> dict[str, JsonValue]:
    """What of the settings is to change."""
    named = {name: getattr(asked, name) for name in ("url", "types", "format", "description")}
    return {name: value for name, value in named.items() if value is not None}


def _at(at_us: int) -> str | None:
    return rfc3339(at_us) if at_us else None
