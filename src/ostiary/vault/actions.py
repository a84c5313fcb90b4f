"""A tenant's keys, as actions. No key leaves the vault through them."""

import asyncio

from ostiary.actions import Action, Call, Effect, Masking, Recorded, Risk, Route
from ostiary.clock import rfc3339
from ostiary.shapes import Answer, Empty, ModelShape
from ostiary.vault import jobs
from ostiary.vault.jobs import ROTATION, Rotation
from ostiary.vault.roots.adopting import further_roots
from ostiary.vault.sealing import Vault
from ostiary.work import Enqueue


class KeyVersion(Answer):
    """`state` is active (wraps data keys), opening (an older version, which only opens), retired or destroyed (overwritten). `root_key` is the fingerprint
    of the root key that wraps it, `further_root_keys` of those that wrap it as well while the root key is changed."""

    version: int
    state: str
    root_key: str
    further_root_keys: list[str]
    data_keys: int
    created_at: str


class KeyVersions(Answer):
    versions: list[KeyVersion]


def actions(vault: Vault, enqueue: Enqueue) -> list[Action]:
    async def show_versions(call: Call, _params: Empty) -> KeyVersions:
        return await asyncio.to_thread(_versions, vault, call)

    async def rotate(call: Call, params: Rotation) -> KeyVersions:
        call.write(enqueue(call.tenant, ROTATION, params.model_dump(), by=call.actor, slot=ROTATION.name))
        return await asyncio.to_thread(_versions, vault, call)

    return [
        Action(
            name="vault.keys",
            title="List key versions",
            description="The versions of this tenant's key, the newest first, and how many data keys each of them wraps.",
            permission="tenant.manage",
            risk=Risk.LOW,
            effect=Effect.NONE,
            params=ModelShape(Empty),
            result=ModelShape(KeyVersions),
            run=show_versions,
            route=Route("GET", "/v1/vault/keys"),
            recorded=Recorded.BATCHED,
            masking=Masking.OWN,
            sentence="List the versions of the tenant's key",
        ),
        Action(
            name="vault.rotate_tenant",
            title="Rotate the tenant's key",
            description="Start a job that makes a new version of this tenant's key and wraps every data key by it. Sealed content stays as it is and opens as before. One that is waiting will do.",
            permission="tenant.manage",
            risk=Risk.MEDIUM,
            effect=Effect.LOCAL,
            params=ModelShape(Rotation),
            result=ModelShape(KeyVersions),
            run=rotate,
            route=Route("POST", "/v1/vault/keys"),
            masking=Masking.OWN,
            sentence="Rotate the tenant's key",
        ),
        *jobs.steps(vault),
    ]


def _versions(vault: Vault, call: Call) -> KeyVersions:
    further = further_roots(vault.keys, call.tenant)
    return KeyVersions(
        versions=[
            KeyVersion(
                version=row.version,
                state=row.state,
                root_key=row.root,
                further_root_keys=further.get(row.version, []),
                data_keys=count,
                created_at=rfc3339(row.created_us),
            )
            for row, count in vault.versions(call.tenant)
        ]
    )
