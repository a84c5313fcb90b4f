"""Long work, cut into steps: the vocabulary that rooms share with the worker.

A room declares a `Kind` in its `jobs.py` and makes the kind's step action with `step(kind, run)`. A job is that action, called through the door again
and again until it says that it is done, as a service on behalf of whoever asked, with the rights they have at that moment. Between two steps the job may
be cancelled, its worker may die and another go on; so a step takes a second or so, and all that it must know is its parameters and the cursor.

A step commits its rows together with its record, once: asked again under the same number it gives the same answer. What it does outside of the database
may be done twice, when a worker dies between the deed and the commit, and must bear it.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from pydantic import Field

from ostiary.actions import Action, Actor, Call, Effect, JsonValue, Masking, Risk, Shape, Write
from ostiary.ids import TenantId
from ostiary.secret import Secret
from ostiary.shapes import Answer, Empty, ModelShape, Params

CURSOR_CHARACTERS_MAX = 8_192
NOTE_CHARACTERS_MAX = 500
COUNT_MAX = 2**53

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
NO_PARAMS = ModelShape(Empty)

Count = Annotated[int, Field(ge=0, le=COUNT_MAX)]
Cursor = Annotated[str, Field(max_length=CURSOR_CHARACTERS_MAX)]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job. Its `permission` is what starting it takes, and each of its steps.

    params: what it is started with; ids and small settings, kept sealed.
    step: the name of its step action.
    every_s: how often each tenant's own service starts it; 0: only when asked.
    scope: another name by which a key's scopes may mean it: the action that starts it.
    startable: whether a person or a key may start it by `job.start`; else only a room does, by `enqueue`.
    """

    name: str
    title: str
    description: str
    permission: str
    step: str
    params: Shape = NO_PARAMS
    every_s: int = 0
    scope: str = ""
    startable: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"kind of job {self.name!r}: lower-case words joined by dots")


class Step(Answer):
    """What a step says: where the next one begins, and how far the work is. `total` 0: not known. `note` is for people, without personal data."""

    cursor: Cursor = ""
    done: bool = False
    count: Count = 0
    total: Count = 0
    note: Annotated[str, Field(max_length=NOTE_CHARACTERS_MAX)] = ""


class Stepping(Params):
    """What a step is asked: `cursor` is what the step before gave, empty at first."""

    job: Annotated[str, Field(max_length=64)]
    cursor: Cursor = ""
    params: dict[str, JsonValue] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Going:
    """Where a job stands when its step runs. `params` is what the kind's shape made of the job's parameters."""

    job: str
    cursor: str
    params: Any


class Enqueue(Protocol):
    """Makes a job of this kind, asked for by this actor (None: the tenant itself), as a row that commits with whatever else is written."""

    def __call__(self, tenant: TenantId, kind: Kind, params: JsonValue = None, *, due_us: int = 0, by: Actor | None = None, slot: str = "") -> Write: ...  # fmt: skip


Announce = Callable[[TenantId, str, Mapping[str, JsonValue]], Write]
"""`announce(tenant, type, data)`: a notice of this type to the tenant's webhooks, as a row that commits with whatever else is written. The types are in
`webhooks/events.py`; `data` is ids and closed words, never what a person wrote or is."""


class RoomWebhook(Protocol):
    """The webhook that a room keeps for itself, beside those that people make: sent, tried again and logged as they are."""

    async def stand(
        self, tenant: TenantId, url: str, types: Sequence[str], secrets: Sequence[tuple[Secret, int]]
    ) -> tuple[str, Write | None]:
        """Have it be at that address, told of these types, signing with these secrets (and until when, 0 for ever; the newest first). No address: there is none.
        Its id, and the rows to write, None where it stands so already. Raises AddressRefused, KeysUnavailable."""

    async def id(self, tenant: TenantId) -> str:
        """Empty where there is none."""


RunStep = Callable[[Call, Going], Awaitable[Step]]


def step(kind: Kind, run: RunStep) -> Action:
    """The action that does one step of a job of this kind. It may change our own rows by `call.write`."""

    async def one(call: Call, asked: Stepping) -> Step:
        return await run(call, Going(asked.job, asked.cursor, kind.params.parse(asked.params)))

    return Action(
        name=kind.step,
        title=f"{kind.title}: a step",
        description=f"One step of a job: {kind.description[:1].lower()}{kind.description[1:]}",
        permission=kind.permission,
        risk=Risk.LOW,
        effect=Effect.LOCAL,
        params=ModelShape(Stepping),
        result=ModelShape(Step),
        run=one,
        masking=Masking.OWN,
        step=True,
    )
