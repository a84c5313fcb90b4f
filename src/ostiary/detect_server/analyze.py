"""Presidio's `POST /analyze`: the same request, the same answer, our findings.

Expressions of ad-hoc recognisers are RE2: one with look-around or back references is refused, not left out. `language` says what the text may be in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.asgi.service import BadRequest
from ostiary.detect_server.entities import categories_of, entity_of
from ostiary.detection.detectors import DETECTORS
from ostiary.detection.engine import detect
from ostiary.detection.finding import Finding
from ostiary.detection.rules import LANGUAGES, BadRules, Custom, Dictionary, RuleSet

TEXTS_MAX = 10_000
SUPPORTED = tuple(sorted(LANGUAGES))
_NOT_NAME = re.compile(r"[^a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class AdHoc:
    """The recognisers that came with the request, as patterns and dictionaries; `entities` leads from their categories to the names they asked for."""

    patterns: tuple[Custom, ...]
    dictionaries: tuple[Dictionary, ...]
    entities: Mapping[str, str]


def answer(body: Any) -> list[Any]:
    """The findings of `text`, or of each where it is a list. Raises BadRequest."""
    if not isinstance(body, dict):
        raise BadRequest("The request is no JSON object")
    text = body.get("text")
    texts = _texts(text if isinstance(text, list) else [text])
    language = body.get("language")
    if not isinstance(language, str) or not language:
        raise BadRequest("No language provided")
    ad_hoc = _ad_hoc(body.get("ad_hoc_recognizers"))
    try:
        found = detect(texts, _rules(body, ad_hoc))
    except BadRules as error:
        raise BadRequest(str(error)) from None
    explain = body.get("return_decision_process") is True
    asked = frozenset(_strings(body, "entities"))
    rows = [
        [
            _row(finding, ad_hoc, explain=explain)
            for finding in findings
            if not asked or _entity(finding, ad_hoc) in asked
        ]
        for findings in found
    ]
    return rows if isinstance(text, list) else rows[0]


def _texts(given: list[Any]) -> list[str]:
    texts = [each for each in given if isinstance(each, str) and each]
    if not texts or len(texts) != len(given) or len(texts) > TEXTS_MAX:
        raise BadRequest("No text provided")
    return texts


def _rules(body: Mapping[str, Any], ad_hoc: AdHoc) -> RuleSet:
    """Raises BadRules and BadRequest."""
    threshold = body.get("score_threshold") or 0.0
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise BadRequest("score_threshold is no number")
    allowed = _strings(body, "allow_list")
    exact = body.get("allow_list_match", "exact") == "exact"
    language = str(body["language"]).lower()[:2]
    return RuleSet(
        categories=_wanted(_strings(body, "entities"), ad_hoc),
        threshold=max(0.0, float(threshold)) if threshold else RuleSet().threshold,
        allow=frozenset(allowed if exact else ()),
        allow_patterns=() if exact else tuple(f"(?:{each})" for each in allowed),
        patterns=ad_hoc.patterns,
        dictionaries=ad_hoc.dictionaries,
        languages=frozenset({language} & LANGUAGES),
    )


def _wanted(entities: list[str], ad_hoc: AdHoc) -> frozenset[str] | None:
    """The categories of the entities that were asked for; all where none was. Raises BadRequest where none of them is known, as Presidio does."""
    if not entities:
        return None
    ours = {name for entity in entities for name in categories_of(entity)}
    theirs = {category for category, entity in ad_hoc.entities.items() if entity in entities}
    if not ours | theirs:
        raise BadRequest("No matching recognizers were found to serve the request.")
    return frozenset(ours | theirs)


def _ad_hoc(given: Any) -> AdHoc:
    """Raises BadRequest."""
    patterns: list[Custom] = []
    dictionaries: list[Dictionary] = []
    entities: dict[str, str] = {}
    for each in given or []:
        try:
            entity, name = str(each["supported_entity"]), str(each.get("name") or each["supported_entity"])
            category = "ad_hoc_" + (_NOT_NAME.sub("_", entity.lower()).strip("_")[:50] or "entity")
            entities[category] = entity
            context = tuple(str(word).lower() for word in each.get("context") or ())
            for pattern in each.get("patterns") or ():
                score = float(pattern.get("score", 0.5)) or 0.01
                patterns.append(
                    Custom(
                        f"{name}: {pattern.get('name', 'pattern')}"[:100],
                        category,
                        str(pattern["regex"]),
                        score=score,
                        context=context,
                    )
                )
            if deny := each.get("deny_list"):
                score = float(each.get("deny_list_score", 1.0))
                dictionaries.append(Dictionary(name[:100], category, tuple(map(str, deny)), score=score))
        except BadRules as error:
            raise BadRequest(str(error)) from None
        except (KeyError, TypeError, AttributeError, ValueError):
            raise BadRequest("An ad-hoc recognizer lacks a part or has one of the wrong form") from None
    return AdHoc(tuple(patterns), tuple(dictionaries), entities)


def _strings(body: Mapping[str, Any], name: str) -> list[str]:
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadRequest(f"{name} is no list of strings")
    return value


def _entity(finding: Finding, ad_hoc: AdHoc) -> str:
    return ad_hoc.entities.get(finding.category) or entity_of(finding.category)


def _row(finding: Finding, ad_hoc: AdHoc, *, explain: bool) -> dict[str, Any]:
    name = finding.why.removesuffix(", context")
    row: dict[str, Any] = {
        "analysis_explanation": None,
        "start": finding.start,
        "end": finding.end,
        "score": finding.score,
        "entity_type": _entity(finding, ad_hoc),
    }
    row["recognition_metadata"] = {"recognizer_identifier": name, "recognizer_name": name}
    if explain:
        row["analysis_explanation"] = {
            "recognizer": name,
            "pattern_name": name,
            "pattern": None,
            "original_score": finding.score,
            "score": finding.score,
            "textual_explanation": finding.why,
            "validation_result": None,
        }
    return row


def recognizers() -> list[str]:
    return sorted({detector.name for detector in DETECTORS})
