"""Where a value came from, as far as known: which answers this actor has seen it in.

Answers leave keyed fingerprints of their values and of the addresses, numbers and words inside their texts; the values themselves are not kept.
The key is drawn for each actor's memory and dies with it. Memory is bounded, expires, and is lost with the process: then nothing is explained.
A value that an agent rewrote (a sum, a translation) is unexplained, and unexplained is not trusted.
"""

import re
import unicodedata
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from hashlib import blake2b
from itertools import islice

from ostiary import ids
from ostiary.actions import Action, Actor, Call, JsonValue
from ostiary.clock import HOUR_US, MINUTE_US, Clock
from ostiary.ids import CallId
from ostiary.shapes import pointer

EXPIRY_US = 4 * HOUR_US
ACTORS_MAX = 1_000
FINGERPRINTS_PER_ACTOR_MAX = 10_000
FINGERPRINTS_MAX = 200_000
FINGERPRINTS_PER_ANSWER_MAX = 4_000
LEAVES_MAX = 2_000
EXPLAINED_MAX = 200
ANSWERS_PER_ACTOR_MAX = 200
SAME_ANSWER_US = MINUTE_US
"""An answer that comes again within this time has left its fingerprints already; so they may expire this much early."""

TEXT_CHARACTERS_MAX = 20_000
WORDS_TOGETHER = 4
SHORT_TEXT_CHARACTERS = 3
IBAN_CHARACTERS_MIN = 15
NUMBER_CHARACTERS_MAX = 30

_WORD = re.compile(r"[^\W_]+(?:[-./@:_+][^\W_]+)*")
_ADDRESS = re.compile(
    r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}|https?://[^\s<>\"']{1,500}"
    r"|\b[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]{2,4}){2,9}\b",
    re.ASCII,
)  # every repetition is bounded or begins at a boundary: linear in the text
_NUMBER = re.compile(r"(?<![\w.,])[-+]?[0-9]+(?:[.,' ][0-9]{3})*(?:[.,][0-9]+)?(?![\w])")
_NUMERIC = re.compile(r"[€$£¥ ]{0,3}[-+]?[0-9][0-9.,' ]{0,40}(?:e[-+]?[0-9]{1,3})?[€$£¥ ]{0,3}", re.ASCII)
_COMPACT = re.compile(r"[\s-]+")

Memory = tuple[str, str, str, str]


class Kind(StrEnum):
    """said: by the person (not known yet: no face hands us what was said). trusted, untrusted: seen in such a field. unexplained: not seen."""

    SAID = "said"
    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Origin:
    """One value of a call's parameters. `source` names the action and the place in its answer, or is empty."""

    name: str
    pointer: str
    value: JsonValue
    kind: Kind
    source: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """One leaf of one answer; the text about it is made when somebody asks."""

    trusted: bool
    action: str
    steps: tuple[str | int, ...]
    call: CallId

    def source(self) -> str:
        return f"{self.action} {pointer(*self.steps)} ({self.call})"


@dataclass(slots=True)
class _Memory:
    """What one actor has seen, oldest first. `answers`: when a whole answer (its fingerprint) last left what it leaves."""

    key: bytes
    used_us: int
    seen: OrderedDict[bytes, tuple[_Seen, int]] = field(default_factory=OrderedDict)
    answers: OrderedDict[bytes, int] = field(default_factory=OrderedDict)

    def has(self, answer: bytes, at_us: int) -> bool:
        """Whether the same answer came a moment ago; if not, it is noted now."""
        noted_us = self.answers.pop(answer, None)
        again = noted_us is not None and at_us - noted_us < SAME_ANSWER_US
        self.answers[answer] = noted_us if again and noted_us is not None else at_us
        if len(self.answers) > ANSWERS_PER_ACTOR_MAX:
            self.answers.popitem(last=False)
        return again

    def shorten(self, at_us: int) -> None:
        """Forget the oldest fingerprint; where that is a fresh one, no answer counts as complete any more."""
        _, (_, left_us) = self.seen.popitem(last=False)
        if at_us - left_us < SAME_ANSWER_US:
            self.answers.clear()


class Provenance:
    """`remember` after each answer, `explain` before a person is asked. Both are synchronous and touch nothing but memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._memories: OrderedDict[Memory, _Memory] = OrderedDict()
        self._total = 0

    def remember(self, actor: Actor, call: Call, action: Action, result: JsonValue) -> None:
        """Keep fingerprints of what `actor` got as the answer of `action`."""
        memory = self._memory(actor)
        at_us = memory.used_us = self._clock.monotonic_us()
        if memory.has(_fingerprint(memory.key, f"a:{action.name} {action.hash} {result!r}"), at_us):
            return
        for form, seen in islice(_forms_of_answer(action, call, result), FINGERPRINTS_PER_ANSWER_MAX):
            mark = _fingerprint(memory.key, form)
            before = memory.seen.pop(mark, None)
            self._total -= before is not None
            trusted_before = before is not None and before[0].trusted and at_us - before[1] < EXPIRY_US
            memory.seen[mark] = (before[0] if before and trusted_before else seen, at_us)
            self._total += 1
            if len(memory.seen) > FINGERPRINTS_PER_ACTOR_MAX:
                memory.shorten(at_us)
                self._total -= 1
        self._shrink()

    def explain(self, actor: Actor, params: JsonValue) -> list[Origin]:
        """Each value of the parameters and where this actor has seen it; at most `EXPLAINED_MAX`, and a last row that says how many more there are."""
        memory = self._memories.get(_name(actor))
        leaves = _leaves(params, ())
        explained = [
            Origin(str(steps[0]) if steps else "", pointer(*steps), value, *self._origin(memory, value))
            for steps, value in islice(leaves, EXPLAINED_MAX)
        ]
        if more := sum(1 for _ in leaves):
            told = f"and {more} more value{'s' if more > 1 else ''}, in the exact request"
            explained.append(Origin(explained[-1].name, "", told, Kind.UNEXPLAINED, ""))
        return explained

    def forget(self, actor: Actor) -> None:
        """Drop what this actor has seen: the session ended."""
        memory = self._memories.pop(_name(actor), None)
        self._total -= len(memory.seen) if memory else 0

    def _origin(self, memory: _Memory | None, value: JsonValue) -> tuple[Kind, str]:
        if memory is None:
            return Kind.UNEXPLAINED, ""
        whole = [seen for form in _forms(value) if (seen := self._look(memory, form))]
        inside = (
            []
            if whole
            else [
                seen for form in _addresses(value) if (seen := self._look(memory, form)) and not seen.trusted
            ]
        )
        found = sorted(whole, key=lambda seen: not seen.trusted) or inside
        if not found:
            return Kind.UNEXPLAINED, ""
        return (Kind.TRUSTED if found[0].trusted else Kind.UNTRUSTED), found[0].source()

    def _look(self, memory: _Memory, form: str) -> _Seen | None:
        kept = memory.seen.get(_fingerprint(memory.key, form))
        if kept is None or self._clock.monotonic_us() - kept[1] >= EXPIRY_US:
            return None
        return kept[0]

    def _memory(self, actor: Actor) -> _Memory:
        name = _name(actor)
        memory = self._memories.get(name)
        if memory is None:
            memory = self._memories[name] = _Memory(ids.random_bytes(32), 0)
        self._memories.move_to_end(name)
        return memory

    def _shrink(self) -> None:
        """Actors that asked longest ago go first, and all that have expired."""
        now_us = self._clock.monotonic_us()
        while self._memories:
            name, oldest = next(iter(self._memories.items()))
            over = self._total > FINGERPRINTS_MAX or len(self._memories) > ACTORS_MAX
            if not over and now_us - oldest.used_us < EXPIRY_US:
                return
            del self._memories[name]
            self._total -= len(oldest.seen)


def _name(actor: Actor) -> Memory:
    return actor.tenant, actor.kind, actor.id, actor.session


def _fingerprint(key: bytes, form: str) -> bytes:
    return blake2b(form.encode("utf-8", "surrogatepass"), key=key, digest_size=12).digest()


def _forms_of_answer(action: Action, call: Call, result: JsonValue) -> Iterator[tuple[str, _Seen]]:
    """Whole values first, so that a long text does not push them out; then what stands inside texts that are not trusted."""
    texts: list[tuple[str, _Seen]] = []
    for steps, value in islice(_leaves(result, ()), LEAVES_MAX):
        seen = _Seen(_is_trusted(action.trusted_fields, steps), action.name, steps, call.id)
        for form in _forms(value):
            yield form, seen
        if isinstance(value, str) and not seen.trusted:
            texts.append((value, seen))
    for text, seen in texts:
        for form in _inside(text):
            yield form, seen


def _is_trusted(fields: frozenset[str], steps: tuple[str | int, ...]) -> bool:
    """A field is named by its key (the nearest above the value), or by a pointer in which `*` is any step."""
    if not fields:
        return False
    nearest = next((step for step in reversed(steps) if isinstance(step, str)), "")
    return nearest in fields or any(_matches(field, steps) for field in fields if field.startswith("/"))


def _matches(path: str, steps: tuple[str | int, ...]) -> bool:
    wanted = [token.replace("~1", "/").replace("~0", "~") for token in path.split("/")[1:]]
    return len(wanted) == len(steps) and all(
        want in ("*", str(step)) for want, step in zip(wanted, steps, strict=True)
    )


def _leaves(
    value: JsonValue, steps: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], JsonValue]]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _leaves(child, (*steps, key))
    elif isinstance(value, list | tuple):
        for index, child in enumerate(value):
            yield from _leaves(child, (*steps, index))
    else:
        yield steps, value


def _forms(value: JsonValue) -> Iterable[str]:
    """The canonical forms of one whole value; none for what is the same everywhere (true, false, null, empty)."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | float):
        yield from _number(str(value))
        return
    text = _plain(str(value)[:TEXT_CHARACTERS_MAX])
    if text:
        yield "t:" + text
        yield from _compact(text)
        yield from _number(text)


def _plain(text: str) -> str:
    """Case, width, spaces and what does not show do not make a difference."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return " ".join(text.casefold().split())


def _compact(text: str) -> Iterator[str]:
    """IBANs, cards, phone numbers and ids without their spaces and dashes; only of what has letters, digits, spaces and dashes."""
    compact = text.replace(" ", "").replace("-", "")
    bare = compact.removeprefix("+")
    if len(compact) > SHORT_TEXT_CHARACTERS and bare.isalnum() and not bare.isalpha():
        yield "c:" + compact


def _number(text: str) -> Iterator[str]:
    """`1,234.50`, `1.234,50` and `1234.5` are one number; where a separator could be either, both readings count."""
    if not _NUMERIC.fullmatch(text):
        return
    bare = text.strip("€$£¥ ").replace(" ", "").replace("'", "")
    if bare.isdigit() and len(bare) < NUMBER_CHARACTERS_MAX:
        yield f"n:{int(bare)}"
        return
    for decimal, thousands in ((".", ","), (",", ".")):
        try:
            number = Decimal(bare.replace(thousands, "").replace(decimal, "."))
        except InvalidOperation:
            continue
        if number.is_finite() and -NUMBER_CHARACTERS_MAX < number.adjusted() < NUMBER_CHARACTERS_MAX:
            yield f"n:{number.normalize():f}"


def _addresses(value: JsonValue) -> Iterator[str]:
    """The e-mail addresses, URLs and account numbers inside a text: what says where something goes."""
    if not isinstance(value, str):
        return
    for match in _ADDRESS.finditer(value[:TEXT_CHARACTERS_MAX]):
        found = match.group().rstrip(".,;:!?)")
        yield from _forms(found)
        groups = _COMPACT.split(found)
        for count in range(2, len(groups)):  # a spaced IBAN runs into the next words: each length it may have
            if sum(map(len, groups[:count])) >= IBAN_CHARACTERS_MIN:
                yield from _forms("".join(groups[:count]))


def _inside(text: str) -> Iterator[str]:
    """What may be taken out of a text: addresses, numbers, words and up to `WORDS_TOGETHER` words that stand together."""
    text = text[:TEXT_CHARACTERS_MAX]
    yield from _addresses(text)
    for match in _NUMBER.finditer(text):
        yield from _number(match.group())
    words = _WORD.findall(_plain(text))
    for index, word in enumerate(words):
        if len(word) > SHORT_TEXT_CHARACTERS or any(map(str.isdigit, word)):
            yield "t:" + word
            yield from _compact(word)
        for count in range(2, WORDS_TOGETHER + 1):
            if index + count <= len(words):
                yield "t:" + " ".join(words[index : index + count])
