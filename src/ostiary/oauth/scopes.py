"""Scopes: what of a person's own rights an agent is given. They only ever narrow, and they reach contracts alone.

    contracts:read    every contract that changes nothing
    contracts         every contract
    invoice.refund    one contract; `invoice.*` all whose names begin so

The list is a space-separated text (RFC 6749 section 3.3).
"""

import re
from collections.abc import Iterable

from ostiary.access.authorise import ALL, READING
from ostiary.errors import OAuthScopeRefused

LEAST = READING
SUPPORTED = (LEAST, ALL)
"""What discovery tells: the names of a tenant's contracts are nobody's business before somebody has signed in."""

SCOPES_MAX = 50
CHARACTERS_MAX = 2000
IGNORED = frozenset({"offline_access"})
"""Asked for by clients that want to come back without a person; ours always may, until the grant is over."""

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\.([a-z][a-z0-9_]*|\*)")


def read(text: str) -> tuple[str, ...]:
    """The scopes asked for, each once, in order. Raises OAuthScopeRefused for what can be no scope of ours."""
    if len(text) > CHARACTERS_MAX:
        raise OAuthScopeRefused("The list of scopes is too long.")
    found = tuple(scope for scope in dict.fromkeys(text.split()) if scope not in IGNORED)
    if len(found) > SCOPES_MAX or not all(scope in SUPPORTED or _NAME.fullmatch(scope) for scope in found):
        raise OAuthScopeRefused("A scope is contracts:read, contracts, or the name of a contract.")
    return found


def asked_or_least(text: str) -> tuple[str, ...]:
    """Who names no scope is offered the least."""
    return read(text) or (LEAST,)


def joined(scopes: Iterable[str]) -> str:
    return " ".join(sorted(scopes))
