"""The pattern tier's detectors of secrets, one for each kind. Where spans are equal in score and length, the name decides."""

from ostiary.detection.detector import Detector
from ostiary.detection.secrets.kind import Kind
from ostiary.detection.secrets.kinds import KINDS


def _detector(kind: Kind) -> Detector:
    return Detector(kind.title, kind.name, "", kind.pattern, kind.valid, (), kind.score, follows=kind.long)


DETECTORS: tuple[Detector, ...] = tuple(_detector(kind) for kind in KINDS)
