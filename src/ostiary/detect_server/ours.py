"""`POST /v1/detect`: `{"texts": [...], "rules": {...}, "explain": false}` gives `{"findings": [[...], ...]}`, one list a text, in their order."""

from typing import Any

from ostiary.detection.engine import detect
from ostiary.detection.finding import Finding
from ostiary.detection.rules import DEFAULT, BadRules, RuleSet
from ostiary.errors import Fault, InvalidParameters

TEXTS_MAX = 10_000
_KNOWN = frozenset({"texts", "rules", "explain"})


def answer(body: Any) -> dict[str, Any]:
    """Raises InvalidParameters, which names what is wrong and repeats no text."""
    if not isinstance(body, dict):
        raise InvalidParameters(faults=(Fault("", "an object"),))
    unknown = sorted(set(body) - _KNOWN)
    if unknown:
        raise InvalidParameters(faults=(Fault("", f"only {', '.join(sorted(_KNOWN))}"),))
    texts = body.get("texts")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InvalidParameters(faults=(Fault("/texts", "a list of strings"),))
    if len(texts) > TEXTS_MAX:
        raise InvalidParameters(faults=(Fault("/texts", f"at most {TEXTS_MAX} texts"),))
    explain = body.get("explain", False)
    if not isinstance(explain, bool):
        raise InvalidParameters(faults=(Fault("/explain", "true or false"),))
    found = detect(texts, _rules(body.get("rules")))
    return {"findings": [[_row(finding, explain=explain) for finding in findings] for findings in found]}


def _rules(given: Any) -> RuleSet:
    if given is None:
        return DEFAULT
    if not isinstance(given, dict):
        raise InvalidParameters(faults=(Fault("/rules", "an object"),))
    try:
        return RuleSet.from_dict(given)
    except BadRules as error:
        raise InvalidParameters(faults=(Fault("/rules", str(error)),)) from None


def _row(finding: Finding, *, explain: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "start": finding.start,
        "end": finding.end,
        "category": finding.category,
        "country": finding.country,
        "score": finding.score,
    }
    return {**row, "why": finding.why} if explain else row
