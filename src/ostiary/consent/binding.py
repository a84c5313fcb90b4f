"""What a yes is bound to, so that nothing can be exchanged between the question and the deed.

The binding is a keyed hash over everything that somebody relied on who said yes: tenant, actor and subject, the person behind, action and contract hash, canonical
parameters, the request that was shown, the whole card (the sentence, each value's mark and source, who has to agree), the terms of the question (rule, risk, session,
expiry, nonce, ...), the version of the rules and the hash of the tenant's policy. It is made when the question is asked and made again, from what is about to run,
before it runs: one bit that differs, and nothing runs.
"""

from collections.abc import Mapping

import orjson

from ostiary.actions import Action, Actor, JsonValue
from ostiary.consent import policy
from ostiary.ids import TenantId
from ostiary.vault.sealing import Vault


def canonical(value: JsonValue) -> bytes:
    """One byte string for one JSON value: sorted keys, no spaces."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def fingerprint(vault: Vault, tenant: TenantId, action: str, params: JsonValue) -> bytes:
    """A keyed hash of the content of a call: two calls with the same one ask for the same thing."""
    return vault.mac(tenant, "call.fingerprint", canonical([action, params]))


def sinks(vault: Vault, tenant: TenantId, action: Action, params: JsonValue) -> bytes:
    """A keyed hash of the values that decide where the effect goes; of all parameters if the contract labels none."""
    chosen = {name: params.get(name) for name in action.sinks} if action.sinks else params
    return vault.mac(tenant, "call.sinks", canonical([action.name, chosen]))


def key_index(vault: Vault, tenant: TenantId, actor_id: str, key: str) -> bytes:
    """The blind index of a caller's idempotency key."""
    return vault.mac(tenant, "call.key", canonical([actor_id, key]))


def vouch(
    vault: Vault, tenant: TenantId, *, approval: str, binding: bytes, terms: Mapping[str, JsonValue], by: str, at_us: int
) -> bytes:  # fmt: skip
    """A keyed hash over a yes and the terms that it is found by again: whoever can write to the database, but has no keys, cannot say it, nor make it count
    for something else."""
    said = canonical(["approved", approval, binding.hex(), dict(terms), by, at_us])
    return vault.mac(tenant, "approval.decision", said)


def bind(
    vault: Vault,
    *,
    actor: Actor,
    action: Action,
    params: JsonValue,
    request: JsonValue,
    card: JsonValue,
    terms: Mapping[str, JsonValue],
    rules: str,
) -> bytes:
    """The 32 bytes that an approval carries. `request`: what would be sent, made anew. `card`: as it is kept. `terms`: of the approval's row. `rules`: the
    hash of the tenant's policy that holds."""
    whole = {
        "tenant": actor.tenant,
        "actor": [actor.kind, actor.id, actor.acts_for],
        "subject": actor.subject,
        "action": action.name,
        "contract": action.hash,
        "params": params,
        "request": request,
        "card": card,
        "terms": dict(terms),
        "engine": policy.VERSION,
        "rules": rules,
    }
    return vault.mac(actor.tenant, "approval", canonical(whole))


BEFORE = "consent/1"
"""How the release before binds. What it held, and what was approved there, goes on here; nothing new is bound so."""


def bind_before(
    vault: Vault, *, actor: Actor, action: Action, params: JsonValue, request: JsonValue, expires_us: int, nonce: str
) -> bytes:  # fmt: skip
    """The binding of a question that the release before asked."""
    whole = {
        "tenant": actor.tenant,
        "actor": [actor.kind, actor.id],
        "subject": actor.subject,
        "action": action.name,
        "contract": action.hash,
        "params": params,
        "request": request,
        "policy": BEFORE,
        "expires": expires_us,
        "nonce": nonce,
    }
    return vault.mac(actor.tenant, "approval", canonical(whole))


def vouch_before(
    vault: Vault, tenant: TenantId, *, approval: str, binding: bytes, by: str, at_us: int
) -> bytes:
    """A yes that was said to the release before."""
    said = canonical(["approved", approval, binding.hex(), by, at_us])
    return vault.mac(tenant, "approval.decision", said)
