"""Every kind of secret, those with a form of their own before those that only a name betrays. What is not in `KINDS` is not looked for."""

from ostiary.detection.secrets import cloud, code, generic, keys, machine, money, talk
from ostiary.detection.secrets.kind import Kind

KINDS: tuple[Kind, ...] = (
    *keys.KINDS,
    *generic.URLS,
    *generic.HEADERS,
    *machine.KINDS,
    *cloud.KINDS,
    *code.KINDS,
    *talk.KINDS,
    *money.KINDS,
    *generic.ASSIGNED,
)
