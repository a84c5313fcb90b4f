"""Turning a tenant's keys as a job: a second's worth of keys a step, so that it shows its progress, may be cancelled, and goes on after a crash.

A cursor is `version|after|count|total`. The first step only chooses the version, so a step that is done twice makes no second one; every other one makes the
version if it does not stand yet. Whatever else turns the keys meanwhile is fine: keys are wrapped by the newest version there is.
"""

import asyncio
from dataclasses import dataclass, replace

from ostiary.actions import Action, Call
from ostiary.clock import SECOND_US
from ostiary.ids import TenantId
from ostiary.shapes import ModelShape, Params
from ostiary.vault import turning
from ostiary.vault.sealing import Vault
from ostiary.vault.store import OPENING
from ostiary.work import Going, Kind, Step, step

STEP_US = SECOND_US


class Rotation(Params):
    """`data_keys`: new data keys seal from now on, too. `retire`: destroy the older versions of the tenant's key at the end; copies of the key store from
    before then open only with the root key and that version, which nobody has any more but they."""

    data_keys: bool = False
    retire: bool = False


ROTATION = Kind(
    name="vault.rotation",
    title="Rotate the tenant's keys",
    description="Makes a new version of the tenant's key and wraps every data key by it. What is sealed stays as it is, and opens at any moment.",
    permission="tenant.manage",
    step="vault.rotation_step",
    scope="vault.rotate_tenant",
    params=ModelShape(Rotation),
)


@dataclass(frozen=True, slots=True)
class _Cursor:
    version: int
    after: str = ""
    count: int = 0
    total: int = 0

    def __str__(self) -> str:
        return f"{self.version}|{self.after}|{self.count}|{self.total}"


def steps(vault: Vault) -> list[Action]:
    """The step actions of this room."""

    async def rotate(call: Call, going: Going) -> Step:
        return await asyncio.to_thread(_step, vault, call.tenant, going)

    return [step(ROTATION, rotate)]


def _step(vault: Vault, tenant: TenantId, going: Going) -> Step:
    if not going.cursor:
        return _first(vault, tenant)
    version, after, count, total = going.cursor.split("|")
    cursor = _Cursor(int(version), after, int(count), int(total))
    turning.rotate(vault.keys, tenant, to=cursor.version)
    done, cursor = _rewrapped(vault, tenant, cursor)
    if not done:
        return Step(cursor=str(cursor), count=cursor.count, total=max(cursor.total, cursor.count))
    wanted: Rotation = going.params
    if wanted.data_keys:
        turning.turn_data_keys(vault.keys, tenant)
    retired = _retire(vault, tenant) if wanted.retire else 0
    note = f"version {cursor.version}" + (f", {retired} retired" if retired else "")
    return Step(cursor=str(cursor), done=True, count=cursor.count, total=cursor.count, note=note)


def _first(vault: Vault, tenant: TenantId) -> Step:
    standing = vault.versions(tenant)
    version, total = (standing[0][0].version if standing else 0) + 1, sum(count for _, count in standing)
    return Step(cursor=str(_Cursor(version, total=total)), total=total, note=f"version {version}")


def _rewrapped(vault: Vault, tenant: TenantId, cursor: _Cursor) -> tuple[bool, _Cursor]:
    """Wrap anew for STEP_US; whether nothing is left."""
    until_us = vault.keys.clock.monotonic_us() + STEP_US
    while True:
        batch = turning.rewrap(vault.keys, tenant, after=cursor.after)
        cursor = replace(cursor, after=batch.last, count=cursor.count + batch.count)
        if not batch.last and not turning.left(vault.keys, tenant):
            return True, cursor
        if vault.keys.clock.monotonic_us() >= until_us:
            return False, cursor


def _retire(vault: Vault, tenant: TenantId) -> int:
    """Destroy the versions that only open; nothing is wrapped by them now."""
    older = [row.version for row, _ in vault.versions(tenant) if row.state == OPENING]
    for version in older:
        turning.retire(vault.keys, tenant, version)
    return len(older)
