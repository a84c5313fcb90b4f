"""What can be asked of jobs: the kinds there are, start one, see how it stands, cancel it, try again.

Whoever may do what a kind does may start, see and steer its jobs; nobody else is told that they exist.
"""

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import Connection

from ostiary.actions import Action, Actor, Call, Effect, JsonValue, Masking, Recorded, Risk, Route
from ostiary.clock import Clock, rfc3339
from ostiary.errors import Conflict, Forbidden, NotFound
from ostiary.jobs import estimate, store
from ostiary.jobs.kinds import Kinds, refusal
from ostiary.jobs.queue import Queue
from ostiary.jobs.store import JobRow, State
from ostiary.shapes import Answer, Empty, ModelShape, Page, Params
from ostiary.work import Kind

STARTED_MAX = 50
"""How many jobs of one kind may wait or run for a tenant before no more are started: whoever asks in a loop fills neither the queue nor the disk."""

JobId = Annotated[str, Field(max_length=64, pattern=r"^[!-~]+$", description="A job's id, job_...")]
KindName = Annotated[str, Field(max_length=64, pattern=r"^[!-~]+$", description="A kind of job: `job.kinds` lists them")]  # fmt: skip


class ListJobs(Page):
    """`state` and `kind` narrow; the newest come first."""

    state: Literal["any", "queued", "running", "done", "failed", "cancelled"] = "any"
    kind: Annotated[str, Field(max_length=64)] = ""


class OneJob(Params):
    job_id: JobId


class StartJob(Params):
    """`params` as the kind says."""

    kind: KindName
    params: dict[str, JsonValue] = Field(default_factory=dict)


class _StartShape(ModelShape):
    """With what each kind takes written into the schema, so that a client knows before it asks."""

    def __init__(self, kinds: Kinds) -> None:
        super().__init__(StartJob)
        self._kinds = kinds

    @cached_property
    def _schema(self) -> dict[str, Any]:
        kinds = [kind for kind in self._kinds.all().values() if kind.startable]
        return {**StartJob.model_json_schema(), "oneOf": [_started(kind) for kind in kinds]}


def _started(kind: Kind) -> dict[str, JsonValue]:
    params = kind.params.schema()
    if "$defs" in params:
        raise ValueError(
            f"the parameters of {kind.name} are plain: a schema with parts of its own has no place in job.start's"
        )
    required = ["kind", "params"] if params.get("required") else ["kind"]
    return {
        "title": kind.title,
        "required": required,
        "properties": {"kind": {"const": kind.name}, "params": params},
    }


class JobView(Answer):
    """How a job stands. `percent` and `left_s` are null where nobody can know. `code` says why the last try failed; a queued job with a code is tried
    again at `due_at`. `by_id` is empty where the tenant itself asked, on its schedule."""

    id: str
    kind: str
    title: str
    state: str
    code: str
    count: int
    total: int
    percent: int | None
    left_s: int | None
    steps: int
    tries: int
    note: str
    cancelling: bool
    by_kind: str
    by_id: str
    created_at: str
    due_at: str
    started_at: str | None
    changed_at: str
    ended_at: str | None
    params: dict[str, JsonValue] = Field(default_factory=dict)


class Jobs(Answer):
    jobs: list[JobView]
    next: str


class KindView(Answer):
    """A kind of job. `startable`: by `job.start`; others are started by what they belong to. `every_s` 0: only when asked."""

    name: str
    title: str
    description: str
    permission: str
    every_s: int
    startable: bool
    params: dict[str, JsonValue]


class KindList(Answer):
    kinds: list[KindView]


class _Desk:
    """The functions behind the actions."""

    def __init__(self, queue: Queue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock

    async def kinds(self, call: Call, _asked: Empty) -> KindList:
        return KindList(kinds=[_kind(kind) for kind in self._queue.kinds.of(call.actor)])

    async def start(self, call: Call, asked: StartJob) -> JobView:
        kind = self._queue.kinds.get(asked.kind)
        if error := refusal(call.actor, kind):
            raise error
        if not kind.startable:
            raise Forbidden("A job of this kind is started by what it belongs to.")
        kind.params.parse(asked.params)
        await self._queue.prepare(call.tenant, call.actor.id)
        row = self._queue.row(kind, asked.params, call.actor, call.tenant, due_us=call.at_us)

        def rows(connection: Connection) -> None:
            if store.count_under_way(connection, call.tenant, kind.name) >= STARTED_MAX:
                raise Conflict(f"{STARTED_MAX} jobs of this kind wait or run already.")
            self._queue.add(row)(connection)

        call.write(rows)
        return self._view(row)

    async def list(self, call: Call, asked: ListJobs) -> Jobs:
        known = [kind.name for kind in self._queue.kinds.of(call.actor)]
        kinds = [name for name in known if asked.kind in ("", name)]
        states = [] if asked.state == "any" else [asked.state]
        rows = await self._queue.database.run(
            lambda c: store.list_jobs(
                c, call.tenant, states=states, kinds=kinds, before=asked.cursor, limit=asked.limit + 1
            )
        )
        shown = rows[: asked.limit]
        more = shown[-1].id if len(rows) > asked.limit else ""
        return Jobs(jobs=[self._view(row) for row in shown], next=more)

    async def show(self, call: Call, asked: OneJob) -> JobView:
        row = await self._found(call.actor, asked.job_id)
        return self._view(row).model_copy(update={"params": self._queue.params_of(row)})

    async def cancel(self, call: Call, asked: OneJob) -> JobView:
        row = await self._found(call.actor, asked.job_id)
        if self._queue.is_over(row):
            raise Conflict("This job is over.")
        call.write(self._queue.cancel(row))
        changes: dict[str, JsonValue] = {"cancelling": True}
        if row.state is State.QUEUED:
            changes |= {"state": State.CANCELLED.value, "ended_at": rfc3339(call.at_us)}
        return self._view(row).model_copy(update=changes)

    async def retry(self, call: Call, asked: OneJob) -> JobView:
        row = await self._found(call.actor, asked.job_id)
        if row.state not in (State.FAILED, State.CANCELLED):
            raise Conflict("Only a job that failed or was cancelled is tried again.")
        call.write(self._queue.retry(row))
        changes = {"state": State.QUEUED.value, "code": "", "tries": 0, "cancelling": False, "ended_at": None}
        return self._view(row).model_copy(update=changes)

    async def _found(self, actor: Actor, job: str) -> JobRow:
        """The job. Raises NotFound also where the actor may not do what its kind does: that a job exists is told to nobody else."""
        row = await self._queue.database.run(lambda c: store.find_job(c, actor.tenant, job))
        kind = self._queue.kinds.all().get(row.kind) if row else None
        if row is None or kind is None or refusal(actor, kind):
            raise NotFound
        return row

    def _view(self, row: JobRow) -> JobView:
        took_us = (row.ended_us or self._clock.now_us()) - (row.started_us or self._clock.now_us())
        running = row.state in (State.QUEUED, State.RUNNING)
        left_us = estimate.left_us(count=row.count, total=row.total, took_us=took_us) if running else None
        return JobView(
            id=row.id,
            kind=row.kind,
            title=self._queue.kinds.get(row.kind).title,
            state=row.state.value,
            code=row.code,
            count=row.count,
            total=row.total,
            percent=estimate.percent(count=row.count, total=row.total),
            left_s=None if left_us is None else left_us // 1_000_000,
            steps=row.step,
            tries=row.tries,
            note=self._queue.reached(row).note,
            cancelling=row.cancelling and running,
            by_kind=row.requested_kind,
            by_id="" if row.requested_kind == "service" else row.requested_by,
            created_at=rfc3339(row.created_us),
            due_at=rfc3339(row.due_us),
            started_at=rfc3339(row.started_us) if row.started_us else None,
            changed_at=rfc3339(row.changed_us),
            ended_at=rfc3339(row.ended_us) if row.ended_us else None,
        )


def _kind(kind: Kind) -> KindView:
    return KindView(
        name=kind.name,
        title=kind.title,
        description=kind.description,
        permission=kind.permission,
        every_s=kind.every_s,
        startable=kind.startable,
        params=kind.params.schema(),
    )


def actions(queue: Queue, clock: Clock) -> list[Action]:
    """The jobs room's part of the registry. `me.own`: everyone may ask; what they are told and may do is what the kind's permission says."""
    desk = _Desk(queue, clock)
    return [
        Action(
            "job.kinds", "List kinds of jobs", "The kinds of jobs that you may start and see.", "me.own",
            Risk.LOW, Effect.NONE, ModelShape(Empty), ModelShape(KindList), desk.kinds,
            route=Route("GET", "/v1/job-kinds"), masking=Masking.OWN, recorded=Recorded.BATCHED,
        ),
        Action(
            "job.list", "List jobs", "Jobs of the kinds that you may start, the newest first.", "me.own",
            Risk.LOW, Effect.NONE, ModelShape(ListJobs), ModelShape(Jobs), desk.list,
            route=Route("GET", "/v1/jobs"), masking=Masking.OWN, recorded=Recorded.BATCHED, keeps_answer=False,
        ),
        Action(
            "job.start", "Start a job", "Start a job. It takes the permission of its kind, also while it runs.", "me.own",
            Risk.LOW, Effect.LOCAL, _StartShape(queue.kinds), ModelShape(JobView), desk.start,
            route=Route("POST", "/v1/jobs", 201), masking=Masking.OWN,
        ),
        Action(
            "job.show", "Show a job", "How a job stands: progress, estimate, and why it failed.", "me.own",
            Risk.LOW, Effect.NONE, ModelShape(OneJob), ModelShape(JobView), desk.show,
            route=Route("GET", "/v1/jobs/{job_id}"), masking=Masking.OWN, recorded=Recorded.BATCHED, keeps_answer=False,
        ),
        Action(
            "job.cancel", "Cancel a job", "A job that waits is cancelled at once, a running one between two steps. What it has done stays done.", "me.own",
            Risk.LOW, Effect.LOCAL, ModelShape(OneJob), ModelShape(JobView), desk.cancel,
            route=Route("POST", "/v1/jobs/{job_id}/cancel"), masking=Masking.OWN,
        ),
        Action(
            "job.retry", "Try a job again", "A job that failed or was cancelled goes on from where it was.", "me.own",
            Risk.LOW, Effect.LOCAL, ModelShape(OneJob), ModelShape(JobView), desk.retry,
            route=Route("POST", "/v1/jobs/{job_id}/retry"), masking=Masking.OWN,
        ),
    ]  # fmt: skip
