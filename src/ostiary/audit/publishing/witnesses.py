"""Asking a witness to cosign (C2SP tlog-witness). What it answers counts only after its cosignature was verified with the key that the tenant named.

A witness that has seen a larger tree than ours, or one that ours does not extend, is the alarm that witnesses are for: the log was rolled back or forked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ostiary import log
from ostiary.audit._c2sp_cosignature import (
    SIZE_TYPE,
    Submission,
    SubmissionInvalid,
    attached,
    read_size,
    submission,
)
from ostiary.audit._c2sp_note import NoteInvalid, VerifierKey
from ostiary.errors import LogInconsistent, OstiaryError
from ostiary.net.address import Egress, parse_url
from ostiary.net.http import Answer, Bounds, Client, Request

BOUNDS = Bounds(connect_timeout_s=3, timeout_s=5, answer_bytes_max=16 << 10, connections_max=1)
OK, CONFLICT, UNPROCESSABLE = 200, 409, 422

Prove = Callable[[int], Awaitable[list[bytes]]]
"""The consistency proof from the tree of that size to the checkpoint's."""

_LOG = log.get("audit")


@dataclass(frozen=True, slots=True)
class Witness:
    """One to be asked. `seen` is the size of the last checkpoint of ours that we know it cosigned, 0 for none."""

    url: str
    key: VerifierKey
    seen: int


async def gather(
    note: str, size: int, witnesses: Sequence[Witness], prove: Prove, allowed: Egress
) -> dict[str, str]:
    """The signature lines that were got, by the witness's key; all are asked at once, one that does not answer is left out.

    Raises LogInconsistent where a witness knows of a larger tree, or of one that this does not extend.
    """
    answers = await asyncio.gather(
        *(_ask(note, size, witness, prove, allowed) for witness in witnesses), return_exceptions=True
    )
    lines: dict[str, str] = {}
    conflict: LogInconsistent | None = None
    for witness, answer in zip(witnesses, answers, strict=True):
        if isinstance(answer, str):
            lines[witness.key.text()] = answer
        elif isinstance(answer, LogInconsistent):
            _LOG.error("checkpoint.witness_disagrees", witness=witness.key.name, size=size)
            conflict = answer
        elif isinstance(answer, OstiaryError | NoteInvalid | SubmissionInvalid):
            code = answer.code if isinstance(answer, OstiaryError) else "answer.invalid"
            _LOG.warning("checkpoint.not_cosigned", witness=witness.key.name, size=size, code=code)
        elif isinstance(answer, BaseException):
            raise answer
    if conflict:
        raise conflict
    return lines


async def _ask(note: str, size: int, witness: Witness, prove: Prove, allowed: Egress) -> str:
    endpoint = parse_url(witness.url)
    client = Client(endpoint, allowed, BOUNDS)
    try:
        target = endpoint.path + "/add-checkpoint"
        answer = await _submit(client, target, note, witness.seen, await prove(witness.seen))
        if answer.status == CONFLICT:
            seen = _seen(answer)
            if seen > size:
                raise LogInconsistent("A witness has cosigned a larger tree of this log.")
            answer = await _submit(client, target, note, seen, await prove(seen))
    finally:
        await client.close()
    if answer.status == UNPROCESSABLE:
        raise LogInconsistent("A witness has cosigned a tree that this log does not extend.")
    if answer.status != OK:
        raise NoteInvalid(f"the witness answered {answer.status}")
    return attached(note, answer.body.decode(errors="replace"), witness.key).removeprefix(note)


async def _submit(client: Client, target: str, note: str, old: int, proof: list[bytes]) -> Answer:
    body = submission(Submission(old, tuple(proof), note))
    return await client.send(Request("POST", target, {"content-type": "text/plain; charset=utf-8"}, body))


def _seen(answer: Answer) -> int:
    if answer.headers.get("content-type", "").split(";")[0].strip() != SIZE_TYPE:
        raise NoteInvalid("the witness's conflict does not say which size it has seen")
    return read_size(answer.body.decode(errors="replace").removesuffix("\n"))
