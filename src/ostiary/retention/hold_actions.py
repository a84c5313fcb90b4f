"""Legal holds, as actions: place, release, list. A hold stops every purge, erasure and the tenant's end from the moment it is recorded."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from ostiary import ids
from ostiary.actions import Action, Call, Effect, JsonValue, Risk, Route
from ostiary.clock import rfc3339
from ostiary.errors import Conflict, Fault, InvalidParameters, NotFound
from ostiary.ids import SubjectId, TenantId
from ostiary.retention import store
from ostiary.retention.hold import Scope
from ostiary.retention.services import PURPOSE, Retention, words_place
from ostiary.retention.store import HoldRow
from ostiary.shapes import Answer, Page, Params, own_action

PERMISSION = "retention.manage"
INSTANT_US_MAX = 253_402_300_799_000_000

Instant = Annotated[int, Field(ge=0, le=INSTANT_US_MAX, description="Microseconds since 1970, UTC")]
Subject = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$", description="The subject's id, as the contracts label it")]  # fmt: skip
Pattern = Annotated[str, Field(max_length=200, pattern=r"^([a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*(\.\*)?)?$")]


class HoldPlace(Params):
    """What `scope` names has to be given, and nothing else: `subject`; `action` (a name, or a prefix that ends in `.*`); or `since_us` and `until_us`."""

    scope: Scope
    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    subject: Subject = ""
    action: Pattern = ""
    since_us: Instant = 0
    until_us: Instant = 0


class HoldNamed(Params):
    hold_id: Annotated[str, Field(max_length=64)]


class HoldList(Page):
    standing: bool = True


class HoldShown(Answer):
    """`subject` is what was placed, opened; `began_before` are erasures of it that had begun when the hold was placed: it does not stop those."""

    id: str
    scope: Scope
    subject: str
    action: str
    since_at: str
    until_at: str
    reason: str
    placed_at: str
    placed_by: str
    released_at: str
    released_by: str
    began_before: list[str] = Field(default_factory=list)


class Holds(Answer):
    holds: list[HoldShown]
    next: str


def actions(retention: Retention) -> list[Action]:
    async def place(call: Call, asked: HoldPlace) -> HoldShown:
        _check(asked)
        tenant = call.tenant
        await retention.vault.prepare(tenant, PURPOSE, [])
        row = _row(retention, call, asked)

        def look(connection: Connection) -> tuple[int, list[str]]:
            begun = store.unfinished(connection, tenant, subject=row.subject) if row.subject else []
            turn = store.look_at_gate(connection, tenant).turn
            return turn, [each.id for each in begun if each.state == "destroying"]

        turn, begun = await retention.database.run(look)

        def rows(connection: Connection) -> None:
            store.pass_gate(connection, tenant, turn)
            if len(store.holds(connection, tenant)) >= store.HOLDS_MAX:
                raise Conflict(f"{store.HOLDS_MAX} holds stand at most.")
            store.add_hold(connection, tenant, row)
            store.move_gate(connection, tenant, {"turn": turn + 1})

        call.write(rows)
        return _shown(retention, tenant, row, begun)

    async def release(call: Call, asked: HoldNamed) -> HoldShown:
        tenant = call.tenant

        def rows(connection: Connection) -> None:
            gate = store.gate(connection, tenant)
            store.release_hold(connection, tenant, asked.hold_id, at_us=call.at_us, by=call.actor.id)
            store.move_gate(connection, tenant, {"turn": gate.turn + 1, "next": 0})

        row = await retention.database.run(lambda c: store.find_hold(c, tenant, asked.hold_id))
        if row is None:
            raise NotFound
        if row.released_us is not None:
            raise Conflict("This hold is released already.")
        call.write(rows)
        return _shown(retention, tenant, row, [])

    async def show(call: Call, asked: HoldList) -> Holds:
        rows = await retention.database.run(
            lambda c: store.list_holds(
                c, call.tenant, standing=asked.standing, before=asked.cursor, limit=asked.limit + 1
            )
        )
        shown = [_shown(retention, call.tenant, row, []) for row in rows[: asked.limit]]
        return Holds(holds=shown, next=rows[asked.limit - 1].id if len(rows) > asked.limit else "")

    look = partial(own_action, permission=PERMISSION, subject_of=_subject_of)
    change = partial(look, effect=Effect.LOCAL)
    return [
        look("hold.list", "List legal holds", "What must not be purged, erased or destroyed, and why.", HoldList, Holds, show,
                Route("GET", "/v1/holds")),
        change("hold.place", "Place a legal hold", "From now on nothing that the hold stands on is purged, erased or destroyed.", HoldPlace, HoldShown, place,
                Route("POST", "/v1/holds", 201), risk=Risk.MEDIUM),
        change("hold.release", "Release a legal hold", "What the hold stood on may go again, by the rules of retention.", HoldNamed, HoldShown, release,
                Route("POST", "/v1/holds/{hold_id}/release"), risk=Risk.HIGH, step_up=True),
    ]  # fmt: skip


def _subject_of(params: Mapping[str, JsonValue]) -> tuple[SubjectId, ...]:
    """Who is held is not left in the record of it, once they are erased."""
    return (SubjectId(str(params["subject"])),) if params.get("subject") else ()


def _check(asked: HoldPlace) -> None:
    """Raises InvalidParameters unless what the scope names is given, and nothing else."""
    given = {
        Scope.SUBJECT: bool(asked.subject),
        Scope.ACTION: bool(asked.action),
        Scope.TIME: asked.since_us < asked.until_us,
    }
    faults = [
        Fault(f"/{scope.value if scope is not Scope.TIME else 'until_us'}", _expected(scope, asked.scope))
        for scope, there in given.items()
        if there != (scope is asked.scope)
    ]
    if asked.scope is not Scope.TIME and (asked.since_us or asked.until_us) and not given[Scope.TIME]:
        faults.append(Fault("/since_us", _expected(Scope.TIME, asked.scope)))
    if faults:
        raise InvalidParameters(faults=tuple(faults))


def _expected(field: Scope, scope: Scope) -> str:
    return f"needed for the scope {scope.value}" if field is scope else f"not for the scope {scope.value}"


def _row(retention: Retention, call: Call, asked: HoldPlace) -> HoldRow:
    tenant, hold = call.tenant, ids.new("hol")
    whom = retention.whom(tenant, SubjectId(asked.subject)) if asked.subject else None
    words = {"reason": asked.reason, "subject": asked.subject}
    return HoldRow(
        id=hold,
        scope=asked.scope,
        subject=whom.pseudonym if whom else "",
        subject_index=whom.index if whom else None,
        action=asked.action,
        since_us=asked.since_us,
        until_us=asked.until_us,
        words=retention.vault.seal_json(words_place(tenant, "legal_hold", hold), words, purpose=PURPOSE),
        placed_us=call.at_us,
        placed_by=call.actor.id,
        released_us=None,
        released_by=None,
    )


def _shown(retention: Retention, tenant: TenantId, row: HoldRow, begun: list[str]) -> HoldShown:
    words = retention.vault.open_json(words_place(tenant, "legal_hold", row.id), row.words)
    return HoldShown(
        id=row.id,
        scope=Scope(row.scope),
        subject=words["subject"],
        action=row.action,
        since_at=rfc3339(row.since_us) if row.scope == Scope.TIME else "",
        until_at=rfc3339(row.until_us) if row.scope == Scope.TIME else "",
        reason=words["reason"],
        placed_at=rfc3339(row.placed_us),
        placed_by=row.placed_by,
        released_at=rfc3339(row.released_us) if row.released_us else "",
        released_by=row.released_by or "",
        began_before=begun,
    )
