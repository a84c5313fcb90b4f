"""What can be asked of the shield: to stop an agent, an action, a tenant's programs or everything, and to let it go on."""

from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import Connection

from ostiary import ids
from ostiary.actions import Action, Actor, Call, Effect, Masking, Recorded, Risk, Route, Trace
from ostiary.clock import Clock, rfc3339
from ostiary.db.database import Database
from ostiary.errors import Fault, Forbidden, InvalidParameters, NotFound
from ostiary.ids import INSTALL, TenantId
from ostiary.shapes import Answer, Empty, ModelShape, Nothing, Params
from ostiary.shield import store
from ostiary.shield.stops import ALWAYS
from ostiary.shield.store import StopRow
from ostiary.vault.sealing import Place, Vault

PURPOSE = "stop"
PERMISSION = "stop.manage"
OPERATOR = "install.manage"

Kind = Literal["key", "action", "programs", "everything"]


class Stop(Params):
    """`target`: the key's id or the action's name; empty for programs (all keys of the tenant) and everything (all keys of all tenants)."""

    kind: Kind
    target: Annotated[str, Field(max_length=200)] = ""
    reason: Annotated[str, Field(min_length=1, max_length=1000)]


class Resume(Params):
    stop_id: Annotated[str, Field(pattern=r"^stp_[0-9a-f]{32}$")]


class Stopped(Answer):
    """One thing that is stopped. `reason` is empty where it is the operator's."""

    stop_id: str
    kind: str
    target: str
    reason: str
    by: str
    at: str


class StoppedList(Answer):
    stops: list[Stopped]


class Switch:
    """The functions behind the actions."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    async def stop(self, call: Call, asked: Stop) -> Stopped:
        """It counts in every process within a second. What is under way outside goes on to its end."""
        if (asked.kind in ("key", "action")) != bool(asked.target):
            raise InvalidParameters(
                faults=(Fault("/target", "a key and an action are named, the rest is not"),)
            )
        if asked.kind == "action" and asked.target.startswith(ALWAYS):
            raise InvalidParameters(faults=(Fault("/target", "what lets others go on is not stopped"),))
        home = _home(call.actor, asked.kind)
        await self._vault.prepare(home, PURPOSE, [])
        stop_id = ids.new("stp")
        words = {"reason": asked.reason}
        row = StopRow(
            home, stop_id, asked.kind, asked.target, self._vault.seal_json(_place(home, stop_id), words, purpose=PURPOSE),
            call.actor.id, call.at_us,
        )  # fmt: skip
        call.write(lambda connection: store.add_stop(connection, home, row))
        _told(call, home, "shield.stop")
        return self._shown(call.actor, row)

    async def resume(self, call: Call, asked: Resume) -> Nothing:
        def look(connection: Connection) -> StopRow | None:
            return store.find_stop(connection, call.tenant, asked.stop_id) or store.find_stop(
                connection, INSTALL, asked.stop_id
            )

        row = await self._database.run(look)
        if row is None or (row.tenant == INSTALL and OPERATOR not in call.actor.permissions):
            raise NotFound
        call.write(lambda connection: store.remove_stop(connection, row.tenant, row.id))
        _told(call, row.tenant, "shield.resume")
        return Nothing()

    async def listed(self, call: Call, _asked: Empty) -> StoppedList:
        rows = await self._database.run(
            lambda connection: (
                [*store.stops(connection, INSTALL), *store.stops(connection, call.tenant)]
                if call.tenant != INSTALL
                else store.stops(connection, INSTALL)
            )
        )
        return StoppedList(stops=[self._shown(call.actor, row) for row in rows])

    def _shown(self, actor: Actor, row: StopRow) -> Stopped:
        foreign = row.tenant == INSTALL and OPERATOR not in actor.permissions
        opened = {} if foreign else self._vault.open_json(_place(row.tenant, row.id), row.reason)
        return Stopped(
            stop_id=row.id, kind=row.kind, target=row.target, reason=opened.get("reason", ""), by="" if foreign else row.by,
            at=rfc3339(row.at_us),
        )  # fmt: skip


def _told(call: Call, home: TenantId, action: str) -> None:
    """What the operator stops for everybody stands in the installation's own log, too."""
    if home == INSTALL and call.tenant != INSTALL:
        call.traces.append(Trace(call.id, action, "ran", tenant=INSTALL, person=call.actor.id))


def _home(actor: Actor, kind: str) -> TenantId:
    """Whose log and keys hold the stop. Raises Forbidden."""
    if kind != "everything":
        return actor.tenant
    if OPERATOR not in actor.permissions:
        raise Forbidden("Only the operator of the installation stops everything.")
    return INSTALL


def _place(tenant: TenantId, stop: str) -> Place:
    return Place(tenant, "stop", "reason", stop)


def actions(switch: Switch) -> list[Action]:
    """The room's part of the registry."""
    return [
        Action(
            "shield.stop", "Stop", "Stop an agent (its key), an action, all programs and agents of the tenant, or (the operator) everything but people. It counts in every process within a second.",
            PERMISSION, Risk.LOW, Effect.LOCAL, ModelShape(Stop), ModelShape(Stopped), switch.stop,
            route=Route("POST", "/v1/stops"), masking=Masking.OWN, sentence="Stop {kind} {target}",
        ),
        Action(
            "shield.resume", "Let go on", "Take a stop back. Calls that were approved and waited go on, where their time is not over.",
            PERMISSION, Risk.MEDIUM, Effect.LOCAL, ModelShape(Resume), ModelShape(Nothing), switch.resume,
            route=Route("DELETE", "/v1/stops/{stop_id}"), masking=Masking.OWN, sentence="Let {stop_id} go on",
        ),
        Action(
            "shield.stops", "List stops", "What is stopped at this moment, since when, by whom and why.",
            PERMISSION, Risk.LOW, Effect.NONE, ModelShape(Empty), ModelShape(StoppedList), switch.listed,
            route=Route("GET", "/v1/stops"), masking=Masking.OWN, recorded=Recorded.BATCHED,
        ),
    ]  # fmt: skip
