"""The decision of a witness (C2SP tlog-witness, `add-checkpoint`): cosign what extends the last tree that it cosigned, and nothing else, ever."""

import hashlib
from dataclasses import dataclass

from ostiary.audit._c2sp_cosignature import SIZE_TYPE, Submission, SubmissionInvalid, cosign, read_submission
from ostiary.audit._c2sp_note import Checkpoint, NoteInvalid, check_signatures, read_note, signature_line
from ostiary.audit._rfc6962 import EMPTY, extends
from ostiary.witness.state import Identity, Seen, State

PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered over HTTP."""

    status: int
    body: str
    kind: str = PLAIN


def add_checkpoint(state: State, witness: Identity, body: bytes, now_s: int) -> Reply:
    """One submission. What it answers with 200 is on the disk."""
    try:
        asked = read_submission(body)
        checkpoint, signatures = read_note(asked.note)
    except (SubmissionInvalid, NoteInvalid) as error:
        return Reply(400, f"{error}\n")
    keys = state.trusted(checkpoint.origin)
    if not keys:
        return Reply(404, "this witness does not watch that log\n")
    try:
        signed = [key for key in keys if check_signatures(checkpoint, signatures, key)]
    except NoteInvalid as error:
        return Reply(403, f"{error}\n")
    if not signed:
        return Reply(403, "the checkpoint is not signed by a key that is trusted for this log\n")
    if asked.old > checkpoint.size:
        return Reply(400, "the old size is larger than the checkpoint's\n")
    by_log = "".join(
        signature_line(key, signature[4:])
        for key in signed
        for name, signature in signatures
        if (name, signature[:4]) == (key.name, key.key_id())
    )
    with state.moving():
        last = state.seen(checkpoint.origin)
        if asked.old != last.size:
            return Reply(409, f"{last.size}\n", SIZE_TYPE)
        if not is_consistent(last, checkpoint, asked):
            return Reply(422, "the checkpoint is not shown to extend the last one that was cosigned\n")
        mine = cosign(checkpoint, witness.key, witness.verifier, now_s)
        note = f"{checkpoint.text()}\n{by_log}{mine}"
        state.keep(checkpoint.origin, Seen(checkpoint.size, checkpoint.root, note, now_s))
    return Reply(200, mine)


def is_consistent(last: Seen, checkpoint: Checkpoint, asked: Submission) -> bool:
    """Whether the checkpoint's tree begins with the last one that was cosigned, as the proof shows."""
    if checkpoint.size == 0 and checkpoint.root != EMPTY:
        return False
    if last.size == 0:
        return not asked.proof
    return extends(last.size, checkpoint.size, last.root, checkpoint.root, asked.proof)


def latest(state: State, origin_hash: str) -> Reply:
    """The last checkpoint that was cosigned, for monitors, by the SHA-256 (hex) of the log's name."""
    for origin in state.origins():
        if hashlib.sha256(origin.encode()).hexdigest() == origin_hash:
            return Reply(200, state.seen(origin).note)
    return Reply(404, "this witness has not cosigned a checkpoint of that log\n")
