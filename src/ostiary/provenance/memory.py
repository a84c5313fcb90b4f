"""What one agent has read, as keyed fingerprints: how an answer is packed into one sealed row, and how the rows of an agent are looked through.

A fingerprint is 12 bytes of BLAKE2b (RFC 7693) under a key of this agent's alone. So nobody tells from the rows what was read, and the same value leaves
another fingerprint with another agent. The values themselves are not kept, and whoever may read them is kept as fingerprints too.
"""

import struct
import zlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from typing import TypeVar

import orjson

from ostiary.clock import MINUTE_US
from ostiary.evidence import EVERYBODY
from ostiary.provenance.marks import Mark, Steps
from ostiary.provenance.values import Seen
from ostiary.shapes import pointer

MARK_BYTES = 12
MARKS_PER_ANSWER_MAX = 4_000
ANSWERS_MAX = 400
MARKS_MAX = 40_000
"""Of one agent. The oldest answers go first; the one that they make room for says so, as the memory has a gap then."""
ROOM_AT_ONCE = 25
"""Where there are too many answers, so many go: their rows are deleted by one statement, and not one with each answer that comes."""
REPEATS_MAX = 200
SAME_ANSWER_US = MINUTE_US
"""An answer that comes again within this time has left its fingerprints already; so they may expire this much early."""
HEADER_BYTES_MAX = 1 << 20
VERSION = 1

_TRUSTED, _WHOLE = 1, 2
_MARK = struct.Struct(f">{MARK_BYTES}sHB")
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one answer left. `places`: where in it; `readers`: for each place who may read what stands there, None where nothing limits it.
    `marks`: (fingerprint, number of the place, bits). `cut`: it held more than is kept."""

    id: str
    call: str
    action: str
    session: str
    at_us: int
    expires_us: int
    tainted: bool
    cut: bool
    places: tuple[str, ...]
    readers: tuple[frozenset[str] | None, ...]
    marks: tuple[tuple[bytes, int, int], ...]

    def source(self, place: int) -> str:
        return f"{self.action} {self.places[place]} ({self.call})"


def fingerprint(key: bytes, form: str) -> bytes:
    return blake2b(form.encode("utf-8", "surrogatepass"), key=key, digest_size=MARK_BYTES).digest()


@dataclass(slots=True)
class Left:
    """The fingerprints of one answer, before they are packed."""

    places: tuple[str, ...]
    readers: tuple[frozenset[str] | None, ...]
    marks: tuple[tuple[bytes, int, int], ...]
    tainted: bool
    cut: bool


def left_by(key: bytes, marks: Iterable[Mark]) -> Left:
    """Fingerprints of what an answer leaves. The same form twice keeps one mark for what is trusted, and one for what is not."""
    places: dict[tuple[Steps, frozenset[str] | None], int] = {}
    kept: dict[tuple[str, int], tuple[int, int]] = {}
    tainted, count = False, 0
    for mark in islice(marks, MARKS_PER_ANSWER_MAX):
        count += 1
        trusted = _TRUSTED if mark.trusted else 0
        tainted = tainted or not trusted
        name = (mark.form, trusted)
        before = kept.get(name)
        if before is None or (mark.whole and not before[1] & _WHOLE):
            place = places.setdefault((mark.steps, mark.readers), len(places))
            kept[name] = (place, trusted | (_WHOLE if mark.whole else 0))
    return Left(
        tuple(pointer(*steps) for steps, _ in places),
        tuple(
            None if readers is None else frozenset(_reader(key, each) for each in readers)
            for _, readers in places
        ),
        tuple((fingerprint(key, form), *at) for (form, _), at in kept.items()),
        tainted,
        count == MARKS_PER_ANSWER_MAX,
    )


def packed(left: Left) -> bytes:
    """One string of bytes, to be sealed."""
    header = {
        "v": VERSION,
        "cut": left.cut,
        "tainted": left.tainted,
        "places": left.places,
        "readers": [None if each is None else sorted(each) for each in left.readers],
    }
    text = zlib.compress(orjson.dumps(header), 1)
    return _LENGTH.pack(len(text)) + text + b"".join(_MARK.pack(*mark) for mark in left.marks)


def unpacked(content: bytes) -> Left:
    """The reverse. Raises ValueError for what this version cannot read."""
    try:
        (length,) = _LENGTH.unpack_from(content)
        text = zlib.decompressobj().decompress(
            content[_LENGTH.size : _LENGTH.size + length], HEADER_BYTES_MAX
        )
        header = orjson.loads(text)
        left = Left(
            tuple(header["places"]),
            tuple(None if each is None else frozenset(each) for each in header["readers"]),
            tuple(_MARK.iter_unpack(content[_LENGTH.size + length :])),
            header["tainted"],
            header["cut"],
        )
    except (KeyError, ValueError, struct.error, zlib.error) as error:
        raise ValueError("not a memory as this release packs it") from error
    if header["v"] != VERSION or any(place >= len(left.places) for _, place, _ in left.marks):
        raise ValueError("a memory of another version")
    return left


def _reader(key: bytes, form: str) -> str:
    return EVERYBODY if form == EVERYBODY else fingerprint(key, "r:" + form).hex()


_At = tuple[Answer, int, int]
_Name = TypeVar("_Name")


def _let_go(places: dict[_Name, _At], name: _Name, answer: str) -> None:
    at = places.get(name)
    if at is not None and at[0].id == answer:
        del places[name]


@dataclass(slots=True)
class Memory:
    """All that one agent has read and that has not expired, newest last. Trusted places count in their own session only, untrusted ones in all."""

    key: bytes
    answers: OrderedDict[str, Answer] = field(default_factory=OrderedDict)
    trusted: dict[tuple[str, bytes], _At] = field(default_factory=dict)
    untrusted: dict[bytes, _At] = field(default_factory=dict)
    recent: OrderedDict[bytes, int] = field(default_factory=OrderedDict)
    """When a whole answer (its fingerprint) last left what it leaves."""
    held: int = 0
    """The marks of all answers."""

    @property
    def size(self) -> int:
        return len(self.trusted) + len(self.untrusted)

    def repeats(self, answer: bytes, at_us: int) -> bool:
        """Whether the same answer left what it leaves a moment ago."""
        noted_us = self.recent.get(answer)
        if noted_us is None or not 0 <= at_us - noted_us < SAME_ANSWER_US:
            return False
        self.recent.move_to_end(answer)
        return True

    def note(self, answer: bytes, at_us: int) -> None:
        """It has left it now."""
        self.recent[answer] = at_us
        self.recent.move_to_end(answer)
        if len(self.recent) > REPEATS_MAX:
            self.recent.popitem(last=False)

    def make_room(self, marks: int) -> list[str]:
        """Where one with so many marks does not fit, forget the oldest answers: their ids."""
        if self.held + marks <= MARKS_MAX and len(self.answers) < ANSWERS_MAX:
            return []
        keep = len(self.answers) - ROOM_AT_ONCE if len(self.answers) >= ANSWERS_MAX else ANSWERS_MAX - 1
        held, gone = self.held, list[str]()
        for answer in self.answers.values():
            if held + marks <= MARKS_MAX and len(self.answers) - len(gone) <= keep:
                break
            gone.append(answer.id)
            held -= len(answer.marks)
        self.drop(gone)
        if gone:
            self.recent.clear()  # what they left is gone, so no answer counts as left any more
        return gone

    def add(self, answer: Answer) -> None:
        self.drop((answer.id,))  # of a row that is read twice
        self.answers[answer.id] = answer
        self.held += len(answer.marks)
        for mark, place, bits in answer.marks:
            at = (answer, place, bits)
            if bits & _TRUSTED:
                self.trusted[answer.session, mark] = at
            else:
                before = self.untrusted.get(mark)
                if before is None or bits & _WHOLE or not before[2] & _WHOLE:
                    self.untrusted[mark] = at

    def drop(self, ids: Iterable[str]) -> None:
        """Forget these answers."""
        for gone in ids:
            answer = self.answers.pop(gone, None)
            if answer is None:
                continue
            self.held -= len(answer.marks)
            for mark, _, bits in answer.marks:
                if bits & _TRUSTED:
                    _let_go(self.trusted, (answer.session, mark), gone)
                else:
                    _let_go(self.untrusted, mark, gone)

    def expire(self, now_us: int) -> None:
        self.drop([each.id for each in self.answers.values() if each.expires_us <= now_us])

    def is_clean(self, since_us: int, session: str) -> bool:
        """Whether nothing untrusted was read since then, or in this session whatever the clock of the process there said, and nothing may be missing."""
        later = (
            each
            for each in self.answers.values()
            if each.at_us >= since_us or (session and each.session == session)
        )
        return not any(each.tainted or each.cut for each in later)


@dataclass(frozen=True, slots=True)
class View:
    """A memory as one session sees it (`values.Memory`)."""

    memory: Memory
    session: str
    clean: bool

    def look(self, form: str) -> Seen | None:
        """Where a form was seen."""
        mark = fingerprint(self.memory.key, form)
        good = self.memory.trusted.get((self.session, mark))
        bad = self.memory.untrusted.get(mark)
        best = good or bad
        if best is None:
            return None
        answer, place, bits = best
        return Seen(
            trusted=good is not None,
            untrusted=bad is not None,
            whole=bool(bits & _WHOLE),
            readers=_meeting([at[0].readers[at[1]] for at in (good, bad) if at]),
            source=answer.source(place),
        )

    def reader(self, form: str) -> str:
        """How a reader's canonical form stands in `Seen.readers`."""
        return _reader(self.memory.key, form)


def _meeting(each: list[frozenset[str] | None]) -> frozenset[str] | None:
    """Who may read both."""
    limits = [readers for readers in each if readers is not None and EVERYBODY not in readers]
    if limits:
        return frozenset.intersection(*limits)
    known = [readers for readers in each if readers is not None]
    return known[0] if known else None
