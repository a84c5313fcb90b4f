"""Fingerprints go when their time is over, and the oldest of a tenant that holds too many give their content up."""

from sqlalchemy import Connection

from ostiary.actions import Action, Call
from ostiary.clock import Clock
from ostiary.db.database import Database
from ostiary.provenance.marked import store
from ostiary.work import Going, Kind, Step, step

TIDY_EVERY_S = 3600
ROWS_A_STEP = 1_000
BYTES_PER_TENANT_MAX = 256 * 1024 * 1024
MARKS_PER_TENANT_MAX = 500_000

TIDY = Kind(
    name="provenance.tidy",
    title="Forget what agents have read",
    description="Removes fingerprints of what agents have read and written, when their time is over.",
    permission="intent.manage",
    step="provenance.tidy_step",
    every_s=TIDY_EVERY_S,
    startable=False,
)


def steps(database: Database, clock: Clock) -> list[Action]:
    """The step action of this room."""

    async def tidy(call: Call, going: Going) -> Step:
        now_us = clock.now_us()

        def look(connection: Connection) -> tuple[list[str], list[bytes], list[str], list[bytes]]:
            seen, marks = store.expired(connection, call.tenant, now_us=now_us, limit=ROWS_A_STEP)
            surplus, oldest = store.surplus(
                connection,
                call.tenant,
                bytes_max=BYTES_PER_TENANT_MAX,
                marks_max=MARKS_PER_TENANT_MAX,
                limit=ROWS_A_STEP,
            )
            return seen, marks, surplus, oldest

        seen, marks, surplus, oldest = await database.run(look)
        marks = list(dict.fromkeys((*marks, *oldest)))
        call.write(lambda connection: store.remove(connection, call.tenant, seen, marks))
        # A row that gives its content up stays until its time is over: whoever loads it learns that something is missing.
        call.write(lambda connection: store.empty(connection, call.tenant, surplus))
        count = int(going.cursor or 0) + len(seen) + len(marks) + len(surplus)
        done = max(len(seen), len(marks), len(surplus)) < ROWS_A_STEP
        return Step(cursor=str(count), done=done, count=count, total=count if done else 0)

    return [step(TIDY, tidy)]
