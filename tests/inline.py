"""Jobs in the test's own process and time: the worker's rounds as they are, and runs without DBOS, which loads slowly and is one a process."""

import asyncio
from concurrent.futures import Future
from typing import Any

from ostiary.worker.worker import Worker

ROUNDS_MAX = 200


class Inline:
    """What `ostiary.jobs.workflows.Workflows` is to the worker. A run that was begun before is gone on with."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._loop = asyncio.get_running_loop()
        self.begun: list[Future[None]] = []

    def begin(self, tenant: str, job: str, run: int) -> bool:
        self.begun.append(asyncio.run_coroutine_threadsafe(self._run(tenant, job, run), self._loop))
        return True

    async def _run(self, tenant: Any, job: str, run: int) -> None:
        while await self._worker._slice(tenant, job, run) == "more":
            pass

    def tidy(self, before: str) -> int:
        return 0

    def stop(self) -> None:
        pass


async def work(worker: Worker) -> None:
    """Rounds until one finds nothing to do."""
    runs = Inline(worker)
    worker._workflows = runs  # type: ignore[assignment]
    for _ in range(ROUNDS_MAX):
        await worker.round()
        if not runs.begun:
            worker._workflows = None
            return
        begun, runs.begun = runs.begun, []
        await asyncio.gather(*map(asyncio.wrap_future, begun))
    raise AssertionError("the jobs do not end")
