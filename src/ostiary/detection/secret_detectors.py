"""The pattern tier's detectors of secrets, one for each kind. Where spans are equal in score and length, the name decides.

They stand in parts, each an automaton of its own: the states of one over all of them would multiply (470 forms in one: 1 MB of fresh text a second, and
memory without end; in parts: the sum of each). A part's gate is what every match in it contains; where it does not stand, the part is not asked.
"""

from collections.abc import Mapping
from types import MappingProxyType

from ostiary.detection.detector import Detector
from ostiary.detection.secrets import generic, keys
from ostiary.detection.secrets.kind import JOINT, NAMED, WORDS, Kind
from ostiary.detection.secrets.kinds import KINDS

_LABEL = "(?i:(?:"
"""How the pattern of a kind begins that a name betrays."""
_ENDS = r"(?:key|token|secret|pat|auth|passw|pwd|cred|sid|dsn|licen[sc]e|webhook|channel|notify|messaging|cert|id|us\d)"
GATES: Mapping[str, str] = MappingProxyType(
    {
        "named": rf"(?i:(?:{_ENDS}{WORDS}{{0,16}}|mailchimp{WORDS}{{0,40}}|(?:tencent|qcloud|secret){WORDS}{{0,40}}){JOINT})[A-Za-z0-9+/_\-.:|]{{12,}}",
        "prefixed_a": r"[A-Za-z0-9_\-+/.~%:$!|*^#@=]{15,}",
        "prefixed_b": r"[A-Za-z0-9_\-+/.~%:$!|*^#@=]{15,}",
    }
)


def _part(number: int, kind: Kind) -> str:
    if kind in (*keys.KINDS, *generic.URLS, *generic.HEADERS, *generic.ASSIGNED):
        return "general"
    if kind.score == NAMED and kind.pattern.startswith(_LABEL):
        return "named"
    return "prefixed_a" if number % 2 else "prefixed_b"


def _detector(kind: Kind) -> Detector:
    return Detector(kind.title, kind.name, "", kind.pattern, kind.valid, (), kind.score, follows=kind.long)


DETECTORS: tuple[Detector, ...] = tuple(_detector(kind) for kind in KINDS)
PARTS: Mapping[str, str] = MappingProxyType(
    {kind.title: _part(number, kind) for number, kind in enumerate(KINDS)}
)
"""Which part each detector stands in, by its name."""
