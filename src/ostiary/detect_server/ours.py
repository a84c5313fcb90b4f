"""`POST /v1/detect`: `{"texts": [...], "rules": {...}, "explain": false}` gives `{"findings": [[...], ...]}`, one list a text, in their order.

Rules may ask for the operator's model provider (`provider`, `described`); the answer then says in `provider` whether it was `used` or is `away`. It is waited for outside of the turns
that detection has: whoever does not ask for it does not wait for it.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from ostiary.asgi.service import Later
from ostiary.detection.engine import detect
from ostiary.detection.finding import Finding
from ostiary.detection.provider import Asking, Provider, ProviderAway, asking_of
from ostiary.detection.rules import DEFAULT, BadRules, RuleSet
from ostiary.errors import Fault, InvalidParameters, ProviderUnavailable

TEXTS_MAX = 10_000
_KNOWN = frozenset({"texts", "rules", "explain"})
NO_PROVIDER = "No model provider is set up for this service: its operator sets OSTIARY_DETECT_MODEL_URL."


def answer(body: Any, provider: Provider | None = None) -> dict[str, Any] | Later:
    """The answer, or what is still to be asked for it. Raises InvalidParameters, which names what is wrong and repeats no text."""
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
    rules, asking = _rules(body.get("rules"))
    if asking is not None and asking.required and provider is None:
        raise InvalidParameters(faults=(Fault("/rules/provider", NO_PROVIDER),))
    found = detect(texts, rules)
    if asking is None:
        return _answer(found, explain=explain)
    if provider is None:
        return {**_answer(found, explain=explain), "provider": "away"}
    return Later(partial(_asked, provider, texts, found, rules, asking, explain=explain))


def _asked(
    provider: Provider, texts: list[str], found: Sequence[Sequence[Finding]], rules: RuleSet, asking: Asking, *, explain: bool
) -> dict[str, Any]:  # fmt: skip
    """Raises ProviderUnavailable where the rules require it: nobody takes less than was meant for all."""
    try:
        more = provider.look(texts, found, rules, asking)
    except ProviderAway as away:
        if asking.required:
            raise ProviderUnavailable(str(away)) from None
        return {**_answer(found, explain=explain), "provider": "away"}
    both = [
        sorted([*first, *second], key=lambda each: each.start)
        for first, second in zip(found, more, strict=True)
    ]
    return {**_answer(both, explain=explain), "provider": "used"}


def _answer(found: Sequence[Sequence[Finding]], *, explain: bool) -> dict[str, Any]:
    return {"findings": [[_row(finding, explain=explain) for finding in findings] for findings in found]}


def _rules(given: Any) -> tuple[RuleSet, Asking | None]:
    if given is None:
        return DEFAULT, None
    if not isinstance(given, dict):
        raise InvalidParameters(faults=(Fault("/rules", "an object"),))
    own = {name: value for name, value in given.items() if name not in ("provider", "described")}
    try:
        return RuleSet.from_dict(own), asking_of(given.get("provider", ""), given.get("described", []))
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
