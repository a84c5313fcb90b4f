"""Work that takes longer than a step may: it goes on in this process between the steps of its job, which ask how it is. A worker that dies takes it along, and the next one begins anew."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from ostiary import turns
from ostiary.ids import TenantId
from ostiary.turns import Turns

AT_ONCE = 2
"""Documents that are worked on at a time: each may take some gigabytes."""
STEP_S = 5.0
HELD_S = 600.0
"""A result that nobody asked for is let go."""


@dataclass(frozen=True, slots=True)
class Going:
    """One for the process, on one event loop."""

    step_s: float = STEP_S
    _turns: Turns = field(default_factory=lambda: Turns(AT_ONCE))
    _tasks: dict[tuple[TenantId, str], asyncio.Task[Any]] = field(default_factory=dict)

    async def on(self, tenant: TenantId, job: str, begin: Callable[[], Awaitable[Any]]) -> tuple[bool, Any]:
        """Whether it is done, and what came of it. Raises what it raised. `begin` is called once, for whoever asks first."""
        key = (tenant, job)
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(self._in_turn(tenant, begin))
            task.add_done_callback(lambda done: self._over(key, done))
        async with turns.away():
            done, _ = await asyncio.wait({task}, timeout=self.step_s)
        if not done:
            return False, None
        self._tasks.pop(key, None)
        return True, task.result()

    async def _in_turn(self, tenant: TenantId, begin: Callable[[], Awaitable[Any]]) -> Any:
        async with self._turns.turn(tenant):
            return await begin()

    def _over(self, key: tuple[TenantId, str], task: asyncio.Task[Any]) -> None:
        if not task.cancelled():
            task.exception()  # looked at, so that nobody is told of what the step will raise
        asyncio.get_running_loop().call_later(HELD_S, self._let_go, key, task)

    def _let_go(self, key: tuple[TenantId, str], task: asyncio.Task[Any]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
