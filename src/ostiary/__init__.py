"""Ostiary: a self-hosted gateway between AI (and people) and a company's data.

Everyone who wants to read or change that data comes through one door (`ostiary.door`), which knows who asks, what was
agreed, who must consent and what must be hidden, and which leaves proof behind. Read `docs/the-door.md` first.

For programs: `from ostiary import detect` finds what is sensitive in texts. What is offered so is imported when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ostiary.detection.engine import detect as detect
    from ostiary.detection.finding import Finding as Finding
    from ostiary.detection.rules import Custom as Custom
    from ostiary.detection.rules import Dictionary as Dictionary
    from ostiary.detection.rules import RuleSet as RuleSet

__version__ = "0.3.0"

_OFFERED = {
    "detect": "ostiary.detection.engine",
    "Finding": "ostiary.detection.finding",
    "RuleSet": "ostiary.detection.rules",
    "Custom": "ostiary.detection.rules",
    "Dictionary": "ostiary.detection.rules",
}
__all__ = ["Custom", "Dictionary", "Finding", "RuleSet", "__version__", "detect"]


def __getattr__(name: str) -> Any:
    module = _OFFERED.get(name)
    if module is None:
        raise AttributeError(f"module 'ostiary' has no attribute {name!r}")
    return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return sorted(__all__)
