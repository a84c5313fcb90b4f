"""Names for things, and the only place that draws random numbers.

An id is `<kind>_<32 hex digits>`, the digits being a UUIDv7 (RFC 9562 section 5.7): ids of one kind sort by the time they were
made. Ids are not secret. Secrets come from `token`, which draws from the operating system's generator.
"""

import re
import secrets
from typing import NewType

import uuid_utils

TenantId = NewType("TenantId", str)
PersonId = NewType("PersonId", str)
CallId = NewType("CallId", str)
SubjectId = NewType("SubjectId", str)
"""Whom sealed content is about: the key that is destroyed when this subject is erased. Never an email address or a name."""

NO_SUBJECT = SubjectId("")
NO_TENANT = TenantId("")

INSTALL = TenantId("install")
"""The installation itself: it has a log and keys of its own, as a tenant has, and holds no tenant's data."""


def install_of(tenant: TenantId) -> TenantId:
    """What INSTALL is to the cell of a pinned tenant: an installation's rows and keys that are this tenant's alone."""
    return TenantId("own_" + digits_of(tenant))


def digits_of(tenant: TenantId) -> str:
    """A tenant's id without its kind: what its cell is called."""
    return tenant.partition("_")[2]


BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID = re.compile(r"[a-z]{3}_[0-9a-f]{32}")


def new(kind: str) -> str:
    """A fresh id of a three-letter kind: ten (tenant), per, key, ses, cal, apr, evt, ctr, con."""
    return f"{kind}_{uuid_utils.uuid7().hex}"


def is_id(text: str, kind: str) -> bool:
    """Whether `text` has the shape of an id of this kind."""
    return text.startswith(kind + "_") and _ID.fullmatch(text) is not None


def token(length: int = 43) -> str:
    """`length` random base62 characters; 43 carry 256 bits."""
    return "".join(secrets.choice(BASE62) for _ in range(length))


def random_bytes(count: int) -> bytes:
    """`count` random bytes for keys, salts and nonces."""
    return secrets.token_bytes(count)


def digits(length: int) -> str:
    """`length` random decimal digits, for codes that a person types."""
    return f"{secrets.randbelow(10**length):0{length}d}"
