"""A model out of Apache Ossie's YAML (the format that began as OSI), and back into it.

Core specification: https://github.com/apache/ossie/blob/main/core-spec/spec.md, versions 0.1 and 0.2. What it has no place for (verified questions, words for values) stands in `custom_extensions` of vendor OSTIARY.
"""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from ostiary.semantics.model import (
    ANSI,
    PLACES_MAX,
    Dataset,
    Expression,
    Field,
    Metric,
    Model,
    ModelError,
    Relationship,
    Verified,
)

VERSION = "0.2.0.dev0"
VENDOR = "OSTIARY"
TEXT_CHARACTERS_MAX = 1_000_000
NAMES_MAX = 5_000
_KINDS = {
    "String": "text", "Integer": "number", "Decimal": "number", "Float": "number", "Boolean": "boolean", "Date": "time", "Time": "", "DateTime": "time", "DateTimeTz": "time", "Opaque": ""
}  # fmt: skip
_TYPES = {"text": "String", "number": "Decimal", "boolean": "Boolean", "time": "DateTime"}
DIALECTS = {ANSI: ANSI, "POSTGRESQL": "postgresql", "MYSQL": "mysql", "SQLITE": "sqlite", "DUCKDB": "duckdb"}
"""Dialects that are read; the others of the specification are for other systems, and are passed over."""


def read(text: str) -> Model:
    """Raises ModelError."""
    return from_data(parsed(text))


def parsed(text: str) -> Any:
    """What stands in a YAML. Raises ModelError."""
    if len(text) > TEXT_CHARACTERS_MAX:
        raise ModelError([("", f"at most {TEXT_CHARACTERS_MAX:,} characters")])
    try:
        if any(isinstance(each, yaml.AliasEvent) for each in yaml.parse(text, Loader=_LOADER)):
            raise yaml.YAMLError("aliases are not read: a few lines of them become gigabytes")
        return yaml.load(text, Loader=_LOADER)  # noqa: S506 - it is a safe one
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ModelError([("", f"this is no YAML{where}")]) from None


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast where there is a libyaml."""


def from_data(given: Any) -> Model:
    """Raises ModelError."""
    reading = _Reading()
    model = reading.model(given)
    if reading.faults:
        raise ModelError(reading.faults)
    return model


class _Reading:
    """Collects what is wrong, and goes on."""

    def __init__(self) -> None:
        self.faults: list[tuple[str, str]] = []

    def wrong(self, place: str, said: str) -> None:
        self.faults.append((place, said))

    def known(self, given: Mapping[str, Any], place: str, names: str) -> None:
        """A name that is written otherwise would say nothing."""
        for name in given:
            if name not in {*names.split(), "custom_extensions", "ai_context"}:
                self.wrong(f"{place}/{name}", "there is nothing of that name here")

    def model(self, given: Any) -> Model:
        if isinstance(given, dict):
            self.known(given, "", "version semantic_model dialects vendors")
        models = self.rows(given, "semantic_model", "") if isinstance(given, dict) else []
        if len(models) != 1:
            self.wrong("/semantic_model", "one model")
            return Model("", ())
        whole, place = models[0]
        self.known(whole, place, "name description datasets relationships metrics")
        own = self.own(whole, place)
        made = Model(
            name=self.name(whole, place),
            datasets=tuple(self.dataset(each, at) for each, at in self.rows(whole, "datasets", place)),
            relationships=tuple(self.relationship(each, at) for each, at in self.rows(whole, "relationships", place)),
            metrics=tuple(self.metric(each, at) for each, at in self.rows(whole, "metrics", place)),
            verified=tuple(self.verified(each, at) for each, at in self.rows(own, "verified", f"{place}/custom_extensions")),
            description=self.text(whole, "description", place),
            instructions=_context(whole).get("instructions", ""),
        )  # fmt: skip
        if not made.datasets:
            self.wrong(f"{place}/datasets", "one or more")
        self.joined(made, place)
        return made

    def joined(self, model: Model, place: str) -> None:
        """That names are there once, and lead somewhere."""
        for what in ("datasets", "relationships", "metrics"):
            self.once([each.name for each in getattr(model, what)], f"{place}/{what}")
        for number, dataset in enumerate(model.datasets):
            self.once([each.name for each in dataset.fields], f"{place}/datasets/{number}/fields")
        for number, each in enumerate(model.relationships):
            at = f"{place}/relationships/{number}"
            for side in (each.many, each.one):
                if side and model.dataset(side) is None:
                    self.wrong(at, f"there is no dataset {side}")
            if len(each.many_columns) != len(each.one_columns) or not each.many_columns:
                self.wrong(at, "as many columns on one side as on the other, one or more")

    def once(self, names: list[str], place: str) -> None:
        if len(names) > NAMES_MAX:
            self.wrong(place, f"at most {NAMES_MAX:,}")
        seen: set[str] = set()
        for number, name in enumerate(names):
            if name in seen and name:
                self.wrong(f"{place}/{number}/name", f"{name} is there already")
            seen.add(name)

    def dataset(self, given: Any, place: str) -> Dataset:
        self.known(given, place, "name source primary_key unique_keys description fields")
        return Dataset(
            name=self.name(given, place),
            source=self.text(given, "source", place, needed=True),
            fields=tuple(self.field(each, at) for each, at in self.rows(given, "fields", place)),
            key=self.words(given, "primary_key", place),
            synonyms=self.synonyms(given, place),
            description=self.text(given, "description", place),
        )

    def field(self, given: Any, place: str) -> Field:
        self.known(given, place, "name expression dimension label description datatype")
        time = given.get("dimension") if isinstance(given.get("dimension"), dict) else {}
        kind = _KINDS.get(str(given.get("datatype", "")), "")
        if time.get("is_time") is not None:
            kind = "time" if time["is_time"] else ("" if kind == "time" else kind)
        values = self.own(given, place).get("values", {})
        return Field(
            name=self.name(given, place),
            expression=self.expression(given, place),
            kind=kind,
            synonyms=self.synonyms(given, place),
            description=self.text(given, "description", place),
            values={str(name): str(value) for name, value in values.items()}
            if isinstance(values, dict)
            else {},
        )

    def relationship(self, given: Any, place: str) -> Relationship:
        self.known(given, place, "name from to from_columns to_columns")
        return Relationship(
            name=self.name(given, place),
            many=self.text(given, "from", place, needed=True),
            one=self.text(given, "to", place, needed=True),
            many_columns=self.words(given, "from_columns", place),
            one_columns=self.words(given, "to_columns", place),
        )

    def metric(self, given: Any, place: str) -> Metric:
        self.known(given, place, "name expression description datatype")
        return Metric(
            name=self.name(given, place),
            expression=self.expression(given, place),
            synonyms=self.synonyms(given, place),
            description=self.text(given, "description", place),
        )

    def verified(self, given: Any, place: str) -> Verified:
        found = Verified(
            self.text(given, "question", place, needed=True), self.text(given, "sql", place, needed=True)
        )
        if len(set(found.places)) != len(found.places) or len(found.places) > PLACES_MAX or not all(map(str.isidentifier, found.places)):  # fmt: skip
            self.wrong(f"{place}/question", f"at most {PLACES_MAX} places, each with a name of its own, such as {{region}}")  # fmt: skip
        return found

    # Pieces.

    def rows(self, given: Mapping[str, Any], name: str, place: str) -> list[tuple[dict[str, Any], str]]:
        found = given.get(name) or []
        if not isinstance(found, list):
            self.wrong(f"{place}/{name}", "a list")
            return []
        for number, each in enumerate(found):
            if not isinstance(each, dict):
                self.wrong(f"{place}/{name}/{number}", "an object")
        return [(each, f"{place}/{name}/{number}") for number, each in enumerate(found) if isinstance(each, dict)]  # fmt: skip

    def text(self, given: Mapping[str, Any], name: str, place: str, *, needed: bool = False) -> str:
        found = given.get(name, "")
        if not isinstance(found, str) or (needed and not found.strip()):
            self.wrong(f"{place}/{name}", "a text")
            return ""
        return found

    def name(self, given: Mapping[str, Any], place: str) -> str:
        return self.text(given, "name", place, needed=True)

    def words(self, given: Mapping[str, Any], name: str, place: str) -> tuple[str, ...]:
        found = given.get(name) or []
        if not isinstance(found, list) or any(not isinstance(each, str) for each in found):
            self.wrong(f"{place}/{name}", "a list of names")
            return ()
        return tuple(found)

    def synonyms(self, given: Mapping[str, Any], place: str) -> tuple[str, ...]:
        return self.words(_context(given), "synonyms", f"{place}/ai_context")

    def expression(self, given: Mapping[str, Any], place: str) -> Expression:
        found = given.get("expression")
        if isinstance(found, str):  # as some tools write it
            found = {"dialects": [{"dialect": ANSI, "expression": found}]}
        by: dict[str, str] = {}
        if isinstance(found, dict):
            for each, at in self.rows(found, "dialects", f"{place}/expression"):
                dialect = DIALECTS.get(str(each.get("dialect", ANSI)).upper())
                said = self.text(each, "expression", at, needed=True)
                if dialect and said:
                    by[dialect] = said
        if not by:
            self.wrong(f"{place}/expression", "an expression in ANSI_SQL, or in the SQL of a database that can be asked")  # fmt: skip
            by[ANSI] = "NULL"
        return Expression(by)

    def own(self, given: Mapping[str, Any], place: str) -> dict[str, Any]:
        """What stands in our extension."""
        for each, at in self.rows(given, "custom_extensions", place):
            if each.get("vendor_name") != VENDOR:
                continue
            try:
                found = json.loads(each.get("data", ""))
            except (TypeError, ValueError, RecursionError):
                found = None
            if isinstance(found, dict):
                return found
            self.wrong(f"{at}/data", "an object of JSON, as a text")
        return {}


def _context(given: Mapping[str, Any]) -> dict[str, Any]:
    found = given.get("ai_context")
    return found if isinstance(found, dict) else {"instructions": found} if isinstance(found, str) else {}


def write(model: Model) -> str:
    """The model as YAML of version 0.2 of the specification."""
    whole: dict[str, Any] = {"name": model.name, **_said(model), "datasets": [_dataset(each) for each in model.datasets]}  # fmt: skip
    if model.instructions:
        whole["ai_context"] = {"instructions": model.instructions}
    if model.relationships:
        whole["relationships"] = [
            {"name": each.name, "from": each.many, "to": each.one, "from_columns": list(each.many_columns), "to_columns": list(each.one_columns)}
            for each in model.relationships
        ]  # fmt: skip
    if model.metrics:
        whole["metrics"] = [
            {"name": each.name, "expression": _expression(each.expression), **_said(each), **_words(each.synonyms)}
            for each in model.metrics
        ]  # fmt: skip
    if model.verified:
        whole |= _own({"verified": [{"question": each.question, "sql": each.statement} for each in model.verified]})  # fmt: skip
    return str(yaml.safe_dump({"version": VERSION, "semantic_model": [whole]}, sort_keys=False, allow_unicode=True, width=120))  # fmt: skip


def _dataset(dataset: Dataset) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "source": dataset.source,
        **({"primary_key": list(dataset.key)} if dataset.key else {}),
        **_said(dataset),
        **_words(dataset.synonyms),
        **({"fields": [_field(each) for each in dataset.fields]} if dataset.fields else {}),
    }


def _field(each: Field) -> dict[str, Any]:
    return {
        "name": each.name,
        "expression": _expression(each.expression),
        **({"dimension": {"is_time": True}} if each.kind == "time" else {}),
        **_said(each),
        **({"datatype": _TYPES[each.kind]} if each.kind else {}),
        **_words(each.synonyms),
        **(_own({"values": dict(each.values)}) if each.values else {}),
    }


def _said(each: Any) -> dict[str, Any]:
    return {"description": each.description} if each.description else {}


def _words(synonyms: tuple[str, ...]) -> dict[str, Any]:
    return {"ai_context": {"synonyms": list(synonyms)}} if synonyms else {}


def _expression(expression: Expression) -> dict[str, Any]:
    names = {ours: theirs for theirs, ours in DIALECTS.items()}
    return {"dialects": [{"dialect": names[dialect], "expression": said} for dialect, said in expression.by_dialect.items()]}  # fmt: skip


def _own(data: dict[str, Any]) -> dict[str, Any]:
    return {"custom_extensions": [{"vendor_name": VENDOR, "data": json.dumps(data, ensure_ascii=False)}]}
