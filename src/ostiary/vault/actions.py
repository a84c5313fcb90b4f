"""A tenant's key versions, as actions. No key leaves the vault through them."""

import asyncio

from ostiary.actions import Action, Call, Effect, Masking, Recorded, Risk, Route
from ostiary.clock import rfc3339
from ostiary.shapes import Answer, Empty, ModelShape
from ostiary.vault.sealing import Vault


class KeyVersion(Answer):
    """`state` is active (wraps data keys) or opening (an older version, which only opens)."""

    version: int
    state: str
    root_key: str
    data_keys: int
    created_at: str


class KeyVersions(Answer):
    versions: list[KeyVersion]


def actions(vault: Vault) -> list[Action]:
    async def show_versions(call: Call, _params: Empty) -> KeyVersions:
        return await asyncio.to_thread(_versions, vault, call)

    async def rotate(call: Call, _params: Empty) -> KeyVersions:
        await vault.rotate_tenant(call.tenant)
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
            description="Make a new version of this tenant's key and wrap every data key under it. Sealed content stays as it is and opens as before.",
            permission="tenant.manage",
            risk=Risk.MEDIUM,
            effect=Effect.OUTSIDE,  # the key store is a database of its own: it cannot commit with the record
            params=ModelShape(Empty),
            result=ModelShape(KeyVersions),
            run=rotate,
            route=Route("POST", "/v1/vault/keys"),
            masking=Masking.OWN,
            sentence="Rotate the tenant's key",
        ),
    ]


def _versions(vault: Vault, call: Call) -> KeyVersions:
    return KeyVersions(
        versions=[
            KeyVersion(
                version=row.version,
                state=row.state,
                root_key=row.root,
                data_keys=count,
                created_at=rfc3339(row.created_us),
            )
            for row, count in vault.versions(call.tenant)
        ]
    )
