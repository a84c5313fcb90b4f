"""Redacting text that arrives in pieces: the same result for every way of cutting it, and never more held back than must be.

Defined by the text alone. A piece's end means nothing: the text is looked at where its length is a multiple of STEP, and what is decided there depends on no more than
LOOK_BEHIND characters before what is held and the held text itself. So `feed` in one piece, in two or in single characters gives one result, and that result *is* the
redaction of the whole (`whole`). It is also what `apply.redacted` gives over `detect` of the whole text wherever a finding and all that it depends on lie within LOOK_BEHIND
characters before and LOOK_AHEAD after it, and its words are no longer than HELD_MAX; detectors of ours reach 60 before and 20 after.

What is held. Text leaves at a cut: after white space, a quotation mark, an angle bracket or an ideograph, at least LOOK_AHEAD characters before the end of what has come, and never
within a finding, a word, or a row of digit groups. In ordinary prose (words of at most WORD characters) at most HELD_IDLE_MAX = 64 characters are held where no digit stands, and NUMBER_OPEN + STEP after a word with one. A longer word, or a row of digit
groups (to NUMBERS_MAX), is held to its end; a finding is held to its end and up to a quarter more of it. Nothing is held longer than HELD_MAX plus STEP: a finding that goes on beyond that
is replaced by `[category]` (or as `replace` and `remove` say) and swallowed as it flows; a word in which nothing was found leaves but for its last LOOK_OPEN characters.

Private key blocks (RFC 7468, PuTTY) are swallowed as they flow where the plan replaces or removes them, from their opening line on, until their closing line, or plain prose. Other operators need the whole
value: the block is then held to its end.

Fails closed: an error of the detector or an operator ends the stream with StreamFailed; what was held is dropped, and every later call fails.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ostiary.detection.categories import family_of
from ostiary.detection.finding import Finding
from ostiary.detection.folding import fold
from ostiary.redaction.apply import Stretch, replacement, stretches
from ostiary.redaction.operators import Surroundings, Unfit
from ostiary.redaction.plan import NAMED, Plan

STEP = 16
STEP_SWALLOWING = 64
"""While a stretch is swallowed nothing waits to leave, so its end is looked for less often."""
LOOK_AHEAD = 32
LOOK_BEHIND = 256
WORD = 16
HELD_IDLE_MAX = LOOK_AHEAD + STEP + WORD
NUMBER_OPEN = 72
"""A word with a digit waits so long for what may follow it: the longest IBAN in groups has 39 characters, most addresses fewer than 60."""
NUMBERS_MAX = 128
HELD_MAX = 8192
LOOK_OPEN = 1024
PROSE_MAX = 192
"""Three words and what came since the last look: what is further back was judged before, when its line could be seen whole."""
TAIL = 512
"""What a swallowed block's end may need: its closing line, and the start of the line that is being read."""

Find = Callable[[str], Sequence[Finding]]
"""The findings of one text: `lambda text: detect([text], rules)[0]`."""


class StreamFailed(RuntimeError):
    """The stream was ended because a detector or an operator failed; what was held is not shown."""


@dataclass(slots=True)
class StreamRedactor:
    """`feed` takes pieces and gives what may leave; `close` gives the rest. `counts`: what was replaced, by category."""

    find: Find
    plan: Plan
    around: Surroundings = field(default_factory=Surroundings)
    counts: dict[str, int] = field(default_factory=dict)
    _text: str = field(default="", repr=False)
    """What is held, after the characters before it that are still looked at."""
    _base: int = 0
    """Where `_text` begins in the whole."""
    _held: int = 0
    """Where what is held begins in the whole."""
    _seen: int = 0
    """Up to where cuts were looked for."""
    _seen_soft: int = 0
    _cut: int = 0
    _next: int = 0
    """Not looked at before the whole has this length."""
    _swallowing: str = ""
    """"" or how what is dropped ends: "key" (at its closing line), "body" (at what is no base 64), "word"."""
    _state: str = "open"

    def feed(self, piece: str) -> str:
        """What may leave now. StreamFailed after an error, ValueError after `close`."""
        self._ready()
        out: list[str] = []
        position = 0
        while position < len(piece):
            length = self._base + len(self._text)
            taken = min(STEP - length % STEP, len(piece) - position)
            self._text += piece[position : position + taken]
            position += taken
            if (length + taken) % (STEP_SWALLOWING if self._swallowing else STEP) == 0:
                out.append(self._guarded(final=False))
        return "".join(out)

    def close(self) -> str:
        """The rest. StreamFailed after an error."""
        self._ready()
        out = self._guarded(final=True)
        self._state, self._text = "closed", ""
        return out

    @property
    def held(self) -> int:
        """How many characters are held back."""
        return self._base + len(self._text) - self._held

    def _ready(self) -> None:
        if self._state == "failed":
            raise StreamFailed
        if self._state == "closed":
            raise ValueError("the stream is closed")

    def _guarded(self, *, final: bool) -> str:
        try:
            return self._step(final=final)
        except Unfit as unfit:
            self._failed()
            raise StreamFailed(str(unfit)) from None
        except Exception:  # noqa: BLE001 (fails closed: whatever went wrong in a detector, nothing of the text leaves, not even in a traceback)
            self._failed()
            raise StreamFailed from None

    def _failed(self) -> None:
        self._state, self._text = "failed", ""
        self._base = self._held = 0

    def _step(self, *, final: bool) -> str:
        """What leaves now that the text has come so far."""
        out: list[str] = []
        while True:
            if self._swallowing and not self._swallowed(final=final):
                break
            length = self._base + len(self._text)
            if not final:
                self._look_for_cuts(length)
                forced = length - self._held >= HELD_MAX
                if not forced and (length < self._next or self._cut <= self._held):
                    break
            out.append(self._looked_at(length, final=final))
            if not (self._swallowing and self._held < self._base + len(self._text)):
                break
        return "".join(out)

    def _look_for_cuts(self, length: int) -> None:
        self._seen, self._cut = self._cut_between(self._seen, length - LOOK_AHEAD, self._cut, soft=False)
        self._seen_soft, self._cut = self._cut_between(
            self._seen_soft, length - NUMBERS_MAX, self._cut, soft=True
        )

    def _cut_between(self, seen: int, high: int, cut: int, *, soft: bool) -> tuple[int, int]:
        """(how far was looked, the last cut in reach). `soft`: between digit groups too."""
        low = max(seen, self._held)
        pattern = _SOFT_CUT if soft else _CUT
        if high <= low:
            return seen, cut
        for match in pattern.finditer(
            self._text, low - self._base, min(high - self._base + 1, len(self._text))
        ):
            place = self._base + match.end()
            if low < place <= high:
                cut = max(cut, place)
        return high, cut

    def _looked_at(self, length: int, *, final: bool) -> str:
        """One look: what leaves, by the findings in what is held and a little before it."""
        base, text = self._base, self._text
        found = [
            stretch
            for stretch in stretches(text, self.find(text), self.around)
            if base + stretch.end > self._held
        ]
        cut = length if final else self._cut if self._cut > self._held else length - LOOK_OPEN
        if not final and length - self._held < HELD_MAX:
            cut = min(cut, self._number_begun(length, cut))
        opened = [] if final else [base + place for place in _openings(text)]
        forced = not final and length - self._held >= HELD_MAX
        out: list[str] = []
        for stretch in found:
            start, end = base + stretch.start, base + stretch.end
            if start >= cut:
                break
            if _is_key(stretch) and any(start <= place < end for place in opened):
                if forced or self._flows(stretch):
                    return "".join((*out, *self._swallow(stretch, "key")))
                end = length
            if end > cut:
                if forced and start <= self._held:
                    return "".join((*out, *self._swallow(stretch, "body" if _is_key(stretch) else "word")))
                cut = max(start, self._held)
                break
            out += self._replaced(stretch)
        said = base + _last_prose(text) if opened else 0
        waiting = [place for place in opened if place >= self._held and place > said]
        if waiting and forced and waiting[0] == self._held:
            key = Finding(waiting[0] - base, len(text), "private_key", "", 0.5, "opening line of a key")
            return "".join((*out, *self._swallow(Stretch(key.start, key.end, key), "key")))
        cut = min([cut, *waiting])
        out.append(text[max(self._held, base) - base : max(cut, self._held) - base])
        self._release(max(cut, self._held))
        self._next = length + max(STEP, (length - self._held) // 4)
        return "".join(out)

    def _number_begun(self, length: int, cut: int) -> int:
        """Where a word with a digit begins that may be the start of something longer (an IBAN in groups, an address), else `cut`."""
        low = max(self._held, length - NUMBER_OPEN + 1) - self._base
        begun = _NUMBER_WORD.search(self._text, low, max(low, cut - self._base))
        return self._base + begun.start() if begun else cut

    def _replaced(self, stretch: Stretch) -> Iterable[str]:
        """What stands before the stretch and is held, and what replaces it (the part of it that has not left yet)."""
        start = max(self._base + stretch.start, self._held)
        before = self._text[self._held - self._base : start - self._base]
        raw = self._text[start - self._base : stretch.end]
        new, operator = replacement(raw, stretch.finding, self.plan, self.around)
        self._count(stretch.finding, operator)
        self._held = self._base + stretch.end
        return before, new

    def _count(self, finding: Finding, operator: str) -> None:
        if operator not in ("kept", "keep"):
            category = str(finding.category)
            self.counts[category] = self.counts.get(category, 0) + 1

    def _flows(self, stretch: Stretch) -> bool:
        category = str(stretch.finding.category)
        return self.plan.operator(category, str(family_of(category))).name in ("replace", "remove")

    def _swallow(self, stretch: Stretch, what: str) -> Iterable[str]:
        """Replace a stretch whose end has not come, and drop what follows of it."""
        plan = self.plan if self._flows(stretch) else Plan((), NAMED)
        start = max(self._base + stretch.start, self._held)
        before = self._text[self._held - self._base : start - self._base]
        new, operator = replacement("-", stretch.finding, plan, Surroundings())
        self._count(stretch.finding, operator)
        self._release(start)
        self._base, self._text = start, self._text[start - self._base :]
        self._swallowing = what
        return before, new

    def _release(self, place: int) -> None:
        """All before `place` has left; what is still looked at stays."""
        self._held = place
        kept = max(self._base, place - LOOK_BEHIND)
        self._text = self._text[kept - self._base :]
        self._base = kept

    def _swallowed(self, *, final: bool) -> bool:
        """Drop what has come of the stretch; whether it has ended."""
        text = self._text
        end = _end_of_key(text, final=final) if self._swallowing == "key" else _end_of(self._swallowing, text)
        length = self._base + len(text)
        if end is None:
            kept = TAIL if self._swallowing == "key" else 0
            self._text = text[max(0, len(text) - kept) :]
            self._base = length - len(self._text)
            self._held = length
            return False
        self._text, self._swallowing = text[end:], ""
        self._base += end
        self._held = self._seen = self._seen_soft = self._cut = self._base
        self._next = 0
        return True


def whole(text: str, find: Find, plan: Plan, around: Surroundings | None = None) -> str:
    """What a StreamRedactor gives for the text, however it is cut. StreamFailed."""
    stream = StreamRedactor(find, plan, around or Surroundings())
    return stream.feed(text) + stream.close()


_WIDE = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff01-\uff0f\u3001-\u3011"
_SOFT_CUT = re.compile(rf"[\s\"<>{_WIDE}]")
_CUT = re.compile(rf"(?<![\d).]{{1}})\s|\s(?![\d(+])|[\"<>{_WIDE}]")
"""Where text may leave: not between two groups of digits. At the end of what has come nothing is known of the next character, so cuts are LOOK_AHEAD away from it."""

_NUMBER_WORD = re.compile(r"(?<!\S)\S*?\d")

_KEY_OPENS = re.compile(rb"-{4,5} ?BEGIN [A-Za-z0-9 ]{0,60}(?:-|$)|PuTTY-User-Key-File-")
_KEY_CLOSES = re.compile(rb"-{4,5} ?END [A-Za-z0-9 ]{0,60}-{4,5}|Private-MAC: [0-9a-f]{40,64}(?![0-9a-f])")
_PROSE = re.compile(
    rb"(?<![A-Za-z0-9+/=\-])[A-Za-z\xe9][a-z\xe9']{0,19},? [a-z\xe9][a-z\xe9']{0,19},? [a-z\xe9][a-z\xe9']{0,19}[ .,;:!?]|\xa4{6}"
)
_HEADER = re.compile(rb"(?:^|\n|\\n)[A-Za-z][A-Za-z\-]{1,30}: [^\n\\]*$")


def _is_key(stretch: Stretch) -> bool:
    return family_of(str(stretch.finding.category)) == "private_key"


def _openings(text: str) -> list[int]:
    """Where private key blocks seem to begin whose closing line has not come."""
    folded = fold(text)
    if b"BEGIN " not in folded.data and b"PuTTY-" not in folded.data:
        return []
    closed = [match.start() for match in _KEY_CLOSES.finditer(folded.data)]
    return [
        folded.span(match.start(), match.end())[0]
        for match in _KEY_OPENS.finditer(folded.data)
        if not closed or closed[-1] < match.start()
    ]


def _last_prose(text: str) -> int:
    """Where prose last stands; -1 for nowhere. After the opening line of a key it shows that keys are spoken of, and none stands here."""
    folded, last = fold(text), -1
    for prose in _PROSE.finditer(folded.data):
        if _HEADER.search(folded.data, max(0, prose.start() - TAIL), prose.start()) is None:
            last = folded.span(prose.start(), prose.end())[0]
    return last


_NO_BODY = re.compile(r"[^A-Za-z0-9+/=\s\\]")


def _end_of(what: str, text: str) -> int | None:
    found = (_NO_BODY if what == "body" else _SOFT_CUT).search(text)
    return found.start() if found else None


def _end_of_key(text: str, *, final: bool) -> int | None:
    """Where a swallowed block ends: after its closing line, or before prose that is no header of it (RFC 1421's `Name: value`)."""
    folded = fold(text)
    data = folded.data
    closing = _KEY_CLOSES.search(data)
    if closing is not None and (final or closing.end() < len(data)):
        return folded.span(0, closing.end())[1]
    for prose in _PROSE.finditer(data, max(0, len(data) - PROSE_MAX)):
        if _HEADER.search(data, max(0, prose.start() - TAIL), prose.start()) is None and closing is None:
            return folded.span(prose.start(), prose.end())[0]
    return None
