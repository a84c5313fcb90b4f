"""What this room works with: places opened and sealed, runs begun, what they found put back together."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

import ostiary
from ostiary import ids
from ostiary.actions import Actor, Call, JsonValue
from ostiary.clock import HOUR_US
from ostiary.db.database import Database
from ostiary.detection.rules import RuleSet
from ostiary.discovery import store
from ostiary.discovery.looking import Looker
from ostiary.discovery.places import Grounds, credentials_of
from ostiary.discovery.settings import EXPOSURE, read_settings, title_of
from ostiary.discovery.storage import Credentials
from ostiary.discovery.store import ItemRow, PlaceRow, RunRow
from ostiary.errors import Conflict, NotFound
from ostiary.ids import SubjectId, TenantId
from ostiary.jobs import store as job_rows
from ostiary.jobs.queue import SERVICE, Queue
from ostiary.jobs.store import JobRow, State
from ostiary.privacy.plans.plans import Plans
from ostiary.privacy.plans.store import RULES
from ostiary.scanning.inventory import Tally
from ostiary.scanning.look import Looked
from ostiary.vault.sealing import Place, Vault
from ostiary.work import Announce, Kind

PURPOSE = "discovery"
PLACES_MAX = 100
GROUPS_MAX = 300
"""Folders or tables that a run sums by name."""
GOING, PAUSED, DONE, CANCELLED, FAILED = "going", "paused", "done", "cancelled", "failed"
STANDING = (GOING, PAUSED)
"""States of a run that has not ended."""
NOTHING = bytes(32)


@dataclass(frozen=True, slots=True)
class Known:
    """A place, opened out of its row."""

    row: PlaceRow
    settings: Any
    credentials: Credentials | None


Standing = tuple[RunRow, str, JobRow | None]
"""A run, the state that it really is in, and its job where that works on it."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """One for the process. `kind`: of the job that a run is."""

    database: Database
    vault: Vault
    jobs: Queue
    plans: Plans
    grounds: Grounds
    announce: Announce
    kind: Kind
    looker: Looker = field(default_factory=Looker)

    # Places.

    async def place(self, tenant: TenantId, name: str) -> Known:
        """Raises NotFound, SealBroken, RowForged."""
        row = await self.database.run(lambda c: store.find_place(c, tenant, name))
        if row is None:
            raise NotFound
        return await asyncio.to_thread(self.known, tenant, row)

    def known(self, tenant: TenantId, row: PlaceRow) -> Known:
        settings = read_settings(self.vault.open_json(_place(tenant, "settings", row.name), row.settings))
        said = self.vault.open_json(_place(tenant, "secret", row.name), row.secret) if row.secret else None
        return Known(row, settings, credentials_of(said))

    def sealed_settings(self, tenant: TenantId, name: str, settings: Any) -> bytes:
        said = settings.model_dump(mode="json")
        return self.vault.seal_json(_place(tenant, "settings", name), said, purpose=PURPOSE)

    def sealed_secret(self, tenant: TenantId, name: str, said: JsonValue) -> bytes:
        return self.vault.seal_json(_place(tenant, "secret", name), said, purpose=PURPOSE)

    async def rules(self, tenant: TenantId, name: str) -> tuple[RuleSet, str]:
        """What is looked for, and a word that changes with it. Raises RedactionInvalid where the rule set is gone."""
        rules = await self.plans.rules(tenant, name)
        written = (await self.plans.show(tenant, RULES, name))[0].hash if name else ""
        return rules, hashlib.sha256(f"{ostiary.__version__}\n{written}".encode()).hexdigest()

    # Runs.

    async def begin(self, call: Call, known: Known, by: Actor | None) -> RunRow:
        """A run of this place, as rows that commit with the call. Raises Conflict where one is under way."""
        tenant, place = call.tenant, known.row.name
        await self.vault.prepare(tenant, PURPOSE, [SubjectId("")])
        await self.jobs.prepare(tenant, by.id if by else SERVICE)
        stale = await self._dead(tenant, place)
        run = ids.new("run")
        job = self.jobs.row(self.kind, {"run": run}, by, tenant, due_us=call.at_us)
        tally = Tally(title_of(known.settings), known.settings.kind, exposure=EXPOSURE[known.settings.exposure], groups_max=GROUPS_MAX)  # fmt: skip
        row = RunRow(
            id=run, place=place, state=GOING, phase="look", job=job.id, steps=0, cursor=None, totals=self.sealed_totals(tenant, run, tally), expected=0, items=0,
            looked=0, unchanged=0, not_looked=0, gone=0, findings=0, risk=0, begun_us=call.at_us, begun_by=by.id if by else "", changed_us=call.at_us,
            ended_us=None,
        )  # fmt: skip
        every_us = known.row.every_h * HOUR_US

        def rows(connection: Connection) -> None:
            if stale:
                ended = {"state": FAILED, "ended_us": call.at_us, "changed_us": call.at_us}
                store.move_run(connection, tenant, stale, ended, states=(GOING,))
            store.add_run(connection, tenant, row, going=STANDING)
            if every_us:
                due = {"next_us": call.at_us + every_us}
                store.change_place(connection, tenant, place, due, version=known.row.version)
            self.jobs.add(job)(connection)

        call.write(rows)
        return row

    async def _dead(self, tenant: TenantId, place: str) -> str:
        """The run of the place whose job has ended without it; empty: there is none."""
        found = await self.database.run(lambda c: store.runs(c, tenant, place, limit=1))
        if found and found[0].state == GOING and (await self.standing(tenant, found))[0][1] in (FAILED, CANCELLED):  # fmt: skip
            return found[0].id
        return ""

    async def go_on(self, call: Call, row: RunRow) -> str:
        """Another job for a run that was paused, or whose job failed; its id."""
        await self.jobs.prepare(call.tenant, call.actor.id)
        job = self.jobs.row(self.kind, {"run": row.id}, call.actor, call.tenant, due_us=call.at_us)
        changes = {"state": GOING, "job": job.id, "changed_us": call.at_us}

        def rows(connection: Connection) -> None:
            store.move_run(connection, call.tenant, row.id, changes, states=STANDING, steps=row.steps, job=row.job)  # fmt: skip
            self.jobs.add(job)(connection)

        call.write(rows)
        return job.id

    async def run(self, tenant: TenantId, run: str) -> RunRow:
        """Raises NotFound."""
        row = await self.database.run(lambda c: store.find_run(c, tenant, run))
        if row is None:
            raise NotFound
        return row

    async def standing(self, tenant: TenantId, rows: Sequence[RunRow]) -> list[Standing]:
        """Each run with the state that it really is in, and its job where that still works on it: a run whose job has failed or was cancelled goes on no more."""

        def look(connection: Connection) -> list[Standing]:
            found: list[Standing] = []
            for row in rows:
                job = job_rows.find_job(connection, tenant, row.job) if row.state == GOING else None
                state = row.state
                if row.state == GOING:
                    over = {State.FAILED: FAILED, State.CANCELLED: CANCELLED}
                    state = over.get(job.state, GOING) if job else FAILED
                found.append((row, state, job))
            return found

        return await self.database.run(look)

    # What was found.

    def sealed_totals(self, tenant: TenantId, run: str, tally: Tally) -> bytes:
        return self.vault.seal_json(Place(tenant, "discovery_run", "totals", run), tally.to_data(), purpose=PURPOSE)  # fmt: skip

    def totals(self, tenant: TenantId, row: RunRow) -> Tally:
        return Tally.of_data(self.vault.open_json(Place(tenant, "discovery_run", "totals", row.id), row.totals))  # fmt: skip

    def sealed_cursor(self, tenant: TenantId, run: str, key: str) -> bytes:
        return self.vault.seal_json(Place(tenant, "discovery_run", "cursor", run), key, purpose=PURPOSE)

    def cursor(self, tenant: TenantId, row: RunRow) -> str:
        if row.cursor is None:
            return ""
        return str(self.vault.open_json(Place(tenant, "discovery_run", "cursor", row.id), row.cursor))

    def item_of(self, tenant: TenantId, place: str, key: str) -> bytes:
        """How an item is known: its name may be a person's."""
        return self.vault.mac(tenant, PURPOSE, f"item\0{place}\0{key}".encode("utf-8", "surrogatepass"))

    def stamp_of(self, tenant: TenantId, rules: str, version: str) -> bytes:
        return self.vault.mac(tenant, PURPOSE, f"stamp\0{rules}\0{version}".encode()) if version else NOTHING

    def content_key(self, tenant: TenantId) -> bytes:
        return self.vault.mac(tenant, PURPOSE, b"content")

    def item_row(
        self, tenant: TenantId, place: str, run: str, looked: Looked, *, stamp: bytes, at_us: int
    ) -> ItemRow:
        item = self.item_of(tenant, place, looked.key)
        what = [looked.key, dict(looked.counts), dict(looked.distinct), looked.share, looked.rows, looked.values]  # fmt: skip
        sealed = self.vault.seal_json(_item(tenant, place, item), what, purpose=PURPOSE)
        content = bytes.fromhex(looked.digest) if looked.digest else NOTHING
        return ItemRow(
            place, item, run, at_us, looked.state, looked.code, stamp, content, looked.size, sum(looked.counts.values()), sealed, None
        )  # fmt: skip

    def looked(self, tenant: TenantId, row: ItemRow) -> Looked:
        """What was known of an item when it was looked at."""
        key, counts, distinct, share, rows, values = self.vault.open_json(_item(tenant, row.place, row.item), row.what)  # fmt: skip
        return Looked(key, "", row.size, "", row.state, counts, distinct, share, row.code, rows, values)


def _place(tenant: TenantId, column: str, name: str) -> Place:
    return Place(tenant, "discovery_place", column, name)


def _item(tenant: TenantId, place: str, item: bytes) -> Place:
    return Place(tenant, "discovery_item", "what", f"{place}/{item.hex()}")


def must_stand(state: str, *wanted: str) -> None:
    """Raises Conflict."""
    if state not in wanted:
        raise Conflict(f"This run is {state}.")
