"""The one decision: may this actor call this action? Pure, and `Refused` is what you get by forgetting.

The order is fixed, so that an answer never says more than it must: surface, who asks at all, permission, the contract's roles, the key's scopes.
What belongs to another tenant was not found before this is asked (404 before 403).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ostiary.access.roles import OWN
from ostiary.actions import Action, Actor, ActorKind, Effect, Surface
from ostiary.errors import Forbidden, NotAuthenticated, OstiaryError, OutOfScope, WrongSurface

ALL = "contracts"
READING = "contracts:read"
"""Scopes that no action can be named after: every contract, and every contract that changes nothing and carries nothing outward."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Go on."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Stop; `error` is what the caller is told."""

    error: OstiaryError


ALLOWED = Allowed()


def authorise(actor: Actor, action: Action) -> Allowed | Refused:
    """Whether `actor` may call `action` at all; consent is asked later."""
    if actor.surface not in action.surfaces:
        return Refused(WrongSurface())
    if action.public:
        return ALLOWED
    if actor.kind is ActorKind.ANONYMOUS:
        return Refused(NotAuthenticated())
    if action.permission not in actor.permissions:
        return Refused(Forbidden())
    # The roles of a contract are the staff's. A customer surface is granted by the contract's surfaces and the key's list.
    if action.roles and actor.surface is Surface.ADMIN and not action.roles & actor.roles:
        return Refused(Forbidden())
    # Scopes narrow what a key may do, not whether it may ask what became of what it did.
    if actor.scopes is not None and action.permission not in OWN and not _within_scopes(actor.scopes, action):
        return Refused(OutOfScope(scope=action.name))
    return ALLOWED


def _within_scopes(scopes: frozenset[str], action: Action) -> bool:
    if action.contract and (
        ALL in scopes or (READING in scopes and action.effect is Effect.NONE and not action.egress)
    ):
        return True
    if action.handshake and any(_beside(pattern, action.name) for pattern in scopes):
        return True
    return covers(scopes, action.name, action.scope)


def _beside(pattern: str, name: str) -> bool:
    """Whether a scope reaches something that has the name's prefix; each contract may be one that has."""
    return pattern in (ALL, READING) or pattern.startswith(name.rpartition(".")[0] + ".")


def covers(scopes: Iterable[str], name: str, scope: str = "") -> bool:
    """Whether one of the scopes is the action's name or scope, or a prefix of it: `invoice.*` covers `invoice.refund`."""
    return any(_fits(pattern, name) or (scope != "" and _fits(pattern, scope)) for pattern in scopes)


def within(inner: Iterable[str], outer: frozenset[str] | None) -> bool:
    """Whether every pattern of `inner` is covered by `outer`; None covers all."""
    return outer is None or all(covers(outer, pattern) for pattern in inner)


def _fits(pattern: str, name: str) -> bool:
    if pattern.endswith(".*"):
        return name.startswith(pattern[:-1])
    return pattern == name
