"""The pattern tier's detectors of secrets, one for each kind. Where spans are equal in score and length, the name decides.

They stand in three parts, each an automaton of its own: by a prefix, by the name before them, and by what stands around them. The states of one over all of them would multiply.
"""

from collections.abc import Mapping
from types import MappingProxyType

from ostiary.detection.detector import Detector
from ostiary.detection.secrets import generic, keys
from ostiary.detection.secrets.kind import NAMED, Kind
from ostiary.detection.secrets.kinds import KINDS

_LABEL = "(?i:(?:"
"""How the pattern of a kind begins that a name betrays."""


def _part(kind: Kind) -> str:
    if kind in (*keys.KINDS, *generic.URLS, *generic.HEADERS, *generic.ASSIGNED):
        return "general"
    if kind.score == NAMED and kind.pattern.startswith(_LABEL):
        return "named"
    return "prefixed"


def _detector(kind: Kind) -> Detector:
    return Detector(kind.title, kind.name, "", kind.pattern, kind.valid, (), kind.score, follows=kind.long)


DETECTORS: tuple[Detector, ...] = tuple(_detector(kind) for kind in KINDS)
PARTS: Mapping[str, str] = MappingProxyType({kind.title: _part(kind) for kind in KINDS})
"""Which part each detector stands in, by its name."""
