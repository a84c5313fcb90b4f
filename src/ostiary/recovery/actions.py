"""What the commands `backup`, `drill` and `restore` tell, and the list of it for the operator."""

from functools import partial
from typing import Annotated

from pydantic import Field

from ostiary import ids, metrics
from ostiary.actions import Action, Call, Effect, Masking, Risk, Route
from ostiary.clock import SECOND_US, rfc3339
from ostiary.db.database import Database
from ostiary.ids import INSTALL
from ostiary.recovery import store
from ostiary.recovery.store import BackupRow
from ostiary.shapes import Answer, ModelShape, Nothing, Params

PERMISSION = "install.manage"
_Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
LISTED_MAX = 200


class Told(Params):
    """What a command did. Times are in microseconds."""

    backup: Annotated[str, Field(max_length=64, pattern=r"^[!-~]*$")]
    taken_us: _Count
    bytes: _Count = 0
    rows: _Count = 0
    events: _Count = 0
    files: _Count = 0
    events_lost: _Count = 0
    lost_us: _Count = 0
    ready_us: _Count = 0


class Listed(Params):
    limit: Annotated[int, Field(ge=1, le=LISTED_MAX)] = 50


class BackupView(Answer):
    """`lost_s` (RPO): how much time a disaster would have cost at that moment. `ready_s` (RTO): how long it took until the application was ready."""

    kind: str
    backup: str
    at: str
    taken_at: str
    bytes: int
    lost_s: float
    ready_s: float


class Backups(Answer):
    backups: list[BackupView]


def actions(database: Database) -> list[Action]:
    return [
        *(
            Action(
                name, title, description, PERMISSION, Risk.LOW, Effect.LOCAL, ModelShape(Told), ModelShape(Nothing),
                partial(_note, kind), masking=Masking.OWN, step=True,
            )
            for kind, name, title, description in (
                ("taken", "backup.taken", "Backup taken", "A backup was written, whole; it is not yet proven."),
                ("verified", "backup.verified", "Backup verified", "The application ran on the restored copy, every log was counted anew, and sealed values opened."),
                ("failed", "backup.failed", "Drill failed", "A backup could not be verified: it must not be relied upon."),
                ("restored", "backup.restored", "Backup restored", "This installation goes on from a backup."),
            )
        ),
        Action(
            "backup.list", "Backups", "Which backups were taken, verified and restored, the newest first.", PERMISSION, Risk.LOW,
            Effect.NONE, ModelShape(Listed), ModelShape(Backups), partial(_list, database), masking=Masking.OWN,
            route=Route("GET", "/v1/backups"),
        ),
    ]  # fmt: skip


async def _note(kind: str, call: Call, params: Told) -> Nothing:
    row = BackupRow(
        ids.new("bkn"),
        kind,
        params.backup,
        call.at_us,
        params.taken_us,
        params.bytes,
        params.lost_us,
        params.ready_us,
    )
    call.counts.update(rows=params.rows, events=params.events, files=params.files)
    call.write(lambda connection: store.add(connection, INSTALL, row))
    return Nothing()


async def _list(database: Database, _call: Call, params: Listed) -> Backups:
    rows = await database.run(lambda connection: store.newest(connection, INSTALL, params.limit))
    return Backups(backups=[_view(row) for row in rows])


def _view(row: BackupRow) -> BackupView:
    return BackupView(
        kind=row.kind,
        backup=row.backup,
        at=rfc3339(row.at_us),
        taken_at=rfc3339(row.taken_us),
        bytes=row.bytes,
        lost_s=row.lost_us / SECOND_US,
        ready_s=row.ready_us / SECOND_US,
    )


async def measure(database: Database) -> None:
    """Say to the metrics when a backup was last taken, and last verified. Raises StoreUnavailable."""
    found = await database.run(lambda connection: store.newest(connection, INSTALL, LISTED_MAX))
    for row in reversed(found):
        if row.kind == "taken":
            metrics.BACKUP_AT.set(row.at_us / SECOND_US)
            metrics.BACKUP_BYTES.set(row.bytes)
        elif row.kind in ("verified", "failed"):
            metrics.DRILL_AT.set(row.at_us / SECOND_US)
            metrics.DRILL_GOOD.set(row.kind == "verified")
