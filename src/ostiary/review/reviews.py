"""A tenant's reviews: their rows, their sealed files, and what was decided in them. Nothing here decides; everything that leaves the process's memory is sealed."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ostiary.actions import Call
from ostiary.blobs.storage import Blobs
from ostiary.clock import Clock
from ostiary.db.database import Database
from ostiary.detection.rules import DEFAULT
from ostiary.errors import Conflict, DocumentStopped, NotFound
from ostiary.ids import SubjectId, TenantId
from ostiary.jobs import store as job_rows
from ostiary.jobs.queue import Queue
from ostiary.jobs.store import JobRow, State
from ostiary.privacy.plans.document import PlanFile
from ostiary.privacy.plans.plans import Plans, Ready
from ostiary.redaction.plan import Plan
from ostiary.review import deciding, paper, store
from ostiary.review.deciding import DECISIONS_MAX, Decision, Mark
from ostiary.review.paper import Paper
from ostiary.review.store import DecisionRow, ReviewRow
from ostiary.vault.files import open_file, put_file
from ostiary.vault.sealing import Place, Vault
from ostiary.work import Kind

PURPOSE = "document"
PREFIX = "doc-"
"""How the names of all files of this room begin, so that what nobody speaks of any more can be found."""
REVIEWS_MAX = 2_000
PAPER_BYTES_MAX = 512 * 1024 * 1024
FULL = f"There are {REVIEWS_MAX:,} documents under review: remove some first."
WORKING = {"reading": "failed", "exporting": "open"}
"""The states in which a job works on a review, and what it is in when the job ended without a word."""
BUSY = "It is being read or exported: wait until that is done."


@dataclass(frozen=True)
class Reviewed:
    """A review as it stands: its row, what is sealed about it, the document, what was decided (oldest first), and every finding."""

    row: ReviewRow
    about: Mapping[str, Any]
    paper: Paper
    decisions: tuple[Decision, ...]
    marks: Mapping[str, Mark]

    @property
    def version(self) -> int:
        """The number of the last decision."""
        return self.decisions[-1].number if self.decisions else 0

    @cached_property
    def alike(self) -> Mapping[str, int]:
        """How many findings have each value."""
        return Counter(mark.like for mark in self.marks.values())


@dataclass(frozen=True, slots=True)
class Reviews:
    """One for the process."""

    database: Database
    vault: Vault
    blobs: Blobs
    clock: Clock
    plans: Plans
    queue: Queue

    async def row(self, tenant: TenantId, review: str) -> ReviewRow:
        """Raises NotFound."""
        found = await self.database.run(lambda c: store.find_review(c, tenant, review))
        if found is None:
            raise NotFound
        return await self.standing(tenant, found)

    async def standing(self, tenant: TenantId, row: ReviewRow) -> ReviewRow:
        """The row as it really stands: one whose job failed or was cancelled is not being read or exported any more, and says so from then on. Raises NotFound."""
        if row.state not in WORKING:
            return row
        job = str(self.about(tenant, row).get("job", ""))
        found = await self.database.run(lambda c: job_rows.find_job(c, tenant, job))
        if found is not None and found.state not in (State.FAILED, State.CANCELLED):
            return row
        code = found.code if found is not None and found.code else DocumentStopped.code
        changes = {"state": WORKING[row.state], "code": code, "changed_us": self.clock.now_us()}
        with suppress(Conflict):
            await self.database.change(
                lambda c: store.move_review(
                    c, tenant, row.id, expected=(row.state,), changes=changes, about=row.about
                )
            )
        after = await self.database.run(lambda c: store.find_review(c, tenant, row.id))
        if after is None:
            raise NotFound
        return after

    def job(self, call: Call, kind: Kind, review: str, export: int = 0) -> JobRow:
        """A job that is to work on a review, by whom the call is; `about` keeps its id, so that its end is seen."""
        params = {"document": review, "export": export}
        return self.queue.row(kind, params, call.actor, call.tenant, due_us=self.clock.now_us())

    def about(self, tenant: TenantId, row: ReviewRow) -> dict[str, Any]:
        """What is sealed about a review: name, language, size and so on. Raises SealBroken."""
        opened: dict[str, Any] = self.vault.open_json(_about_place(tenant, row.id), row.about)
        return opened

    async def sealed(self, tenant: TenantId, review: str, about: Mapping[str, Any]) -> bytes:
        await self.vault.prepare(tenant, PURPOSE, [SubjectId("")])
        return self.vault.seal_json(_about_place(tenant, review), dict(about), purpose=PURPOSE)

    async def whole(self, tenant: TenantId, review: str) -> Reviewed:
        """Raises NotFound; Conflict where it was not read, or not yet."""
        row = await self.row(tenant, review)
        if row.state in ("reading", "failed"):
            raise Conflict("There is nothing to see yet: it is being read." if row.state == "reading" else "It could not be read.")  # fmt: skip
        read = await asyncio.to_thread(self._paper, tenant, review)
        decisions = await self.decisions(tenant, review)
        return Reviewed(row, self.about(tenant, row), read, decisions, deciding.marks(read, decisions))

    async def decisions(self, tenant: TenantId, review: str) -> tuple[Decision, ...]:
        rows = await self.database.run(lambda c: store.decisions(c, tenant, review))
        return tuple(self._decision(tenant, row) for row in rows)

    async def decide(self, call: Call, found: Reviewed, decision: Decision) -> None:
        """A further decision, committed with the call. Raises Conflict where another came in between, or there are too many."""
        if decision.number > DECISIONS_MAX:
            raise Conflict(f"{DECISIONS_MAX:,} decisions were made in this document: no more are kept.")
        if found.row.state != "open":
            raise Conflict(BUSY)
        tenant, review = call.tenant, found.row.id
        await self.vault.prepare(tenant, PURPOSE, [SubjectId("")])
        said = self.vault.seal_json(
            _said_place(tenant, review, decision.number), decision.said(), purpose=PURPOSE
        )
        row = DecisionRow(review, decision.number, decision.by, decision.at_us, said)
        call.write(lambda connection: store.add_decision(connection, tenant, row))

    async def plan(self, tenant: TenantId, name: str) -> Ready:
        """The plan that a document goes by; without a name: everything of ours, each value replaced by its kind. Raises NotFound, RedactionInvalid."""
        if name:
            return await self.plans.ready(tenant, name)
        return Ready(PlanFile(Plan()), DEFAULT, 0)

    def put(self, tenant: TenantId, name: str, content: bytes, *, bytes_max: int) -> None:
        """A sealed file, in place of one that a worker that died left behind. In this thread."""
        self.blobs.delete(tenant, name)
        put_file(self.vault, self.blobs, tenant, name, [content], purpose=PURPOSE, bytes_max=bytes_max)

    def get(self, tenant: TenantId, name: str) -> bytes:
        """A sealed file, whole. Raises NotFound, SealBroken. In this thread."""
        return b"".join(open_file(self.vault, self.blobs, tenant, name))

    def forget(self, tenant: TenantId, row: ReviewRow, pages: int) -> None:
        """Remove every file of a review. In this thread."""
        names = [
            *(page_name(row.id, at) for at in range(1, pages + 1)),
            row.source,
            paper_name(row.id),
            *(name for at in range(1, row.exports + 1) for name in (output_name(row.id, at), record_name(row.id, at))),
        ]  # fmt: skip
        for name in names:
            self.blobs.delete(tenant, name)

    def _paper(self, tenant: TenantId, review: str) -> Paper:
        return paper.unpacked(self.get(tenant, paper_name(review)))

    def _decision(self, tenant: TenantId, row: DecisionRow) -> Decision:
        said = self.vault.open_json(_said_place(tenant, row.review, row.number), row.said)
        return deciding.decision_of(row.number, row.actor, row.at_us, said)


def source_name(upload: str) -> str:
    return f"{PREFIX}{upload}"


def paper_name(review: str) -> str:
    return f"{PREFIX}{review}-read"


def page_name(review: str, page: int) -> str:
    return f"{PREFIX}{review}-page-{page}"


def output_name(review: str, export: int) -> str:
    return f"{PREFIX}{review}-out-{export}"


def record_name(review: str, export: int) -> str:
    return f"{PREFIX}{review}-record-{export}"


def _about_place(tenant: TenantId, review: str) -> Place:
    return Place(tenant, "document_review", "about", review)


def _said_place(tenant: TenantId, review: str, number: int) -> Place:
    return Place(tenant, "document_decision", "said", f"{review}/{number}")
