"""Parameters and results of built-in actions as pydantic models: strict, nothing unknown, each mistake named by a JSON Pointer.

A room writes `class Find(Params): ...` and `class Found(Answer): ...` and gives the action `ModelShape(Find)` and `ModelShape(Found)`.
"""

from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import JsonSchemaMode
from pydantic_core import ErrorDetails

from ostiary.actions import Action, Call, Effect, Masking, Recorded, Risk, Route
from ostiary.errors import Fault, InvalidParameters

FAULTS_MAX = 20
POINTER_CHARACTERS_MAX = 200
PAGE_ROWS = 50
PAGE_ROWS_MAX = 200
CURSOR_CHARACTERS_MAX = 200
WHOLE_MAX = 2**53


class Params(BaseModel):
    """What is asked. Types are exact (`"1"` is not `1`), unknown fields are mistakes."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class Answer(BaseModel):
    """What is answered; as strict as `Params`."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class Empty(Params):
    """An action that asks for nothing."""


class Nothing(Answer):
    """An action that answers nothing but that it was done."""


class Page(Params):
    """One page of a longer list: hand back the answer's `next` as `cursor`. An empty cursor is the first page."""

    cursor: Annotated[str, Field(max_length=CURSOR_CHARACTERS_MAX)] = ""
    limit: Annotated[int, Field(ge=1, le=PAGE_ROWS_MAX)] = PAGE_ROWS


class ModelShape:
    """A `Shape` over a pydantic model. `parse` takes what `orjson.loads` gives and reads it by the rules of JSON, so that a list may be a
    tuple and a string an enumeration, but nothing is converted."""

    def __init__(self, model: type[BaseModel]) -> None:
        self.model = model

    def schema(self) -> dict[str, Any]:
        """JSON Schema 2020-12. Made when it is first asked for: all of them together would take a fifth of a second of each start."""
        return self._schema

    @cached_property
    def _schema(self) -> dict[str, Any]:
        mode: JsonSchemaMode = "serialization" if issubclass(self.model, Answer) else "validation"
        return self.model.model_json_schema(mode=mode)

    def parse(self, raw: Any) -> Any:
        """The model. Raises InvalidParameters with a fault a mistake (at most `FAULTS_MAX`)."""
        if isinstance(raw, self.model):
            return raw
        try:
            return self._read(raw)
        except ValidationError as error:
            mistakes = error.errors(include_url=False, include_context=False, include_input=False)
            raise InvalidParameters(faults=tuple(map(_fault, mistakes[:FAULTS_MAX]))) from None
        except orjson.JSONEncodeError:
            raise InvalidParameters(faults=(Fault("", "this is not a JSON value"),)) from None

    def _read(self, raw: Any) -> BaseModel:
        try:
            return self.model.model_validate_json(orjson.dumps(raw), strict=True)
        except ValidationError as error:
            if all(
                mistake["type"] != "int_type"
                for mistake in error.errors(include_url=False, include_input=False)
            ):
                raise
        return self.model.model_validate_json(orjson.dumps(_whole(raw)), strict=True)


def own_action(
    name: str, title: str, description: str, params: type[Params], result: type[Answer], run: Callable[[Call, Any], Awaitable[Any]],
    route: Route | None = None, *, permission: str, effect: Effect = Effect.NONE, risk: Risk = Risk.LOW, recorded: Recorded | None = None, sentence: str = "",
    **more: Any,
) -> Action:  # fmt: skip
    """An action whose answers are the tenant's or the operator's own records, so that nothing in them is masked. What changes something is recorded durably,
    what only looks in batches, unless `recorded` says otherwise. `more`: further fields of `Action`."""
    durable = Recorded.BATCHED if effect is Effect.NONE else Recorded.DURABLE
    return Action(
        name, title, description, permission, risk, effect, ModelShape(params), ModelShape(result), run, route=route, masking=Masking.OWN,
        recorded=recorded or durable, sentence=sentence or title, **more,
    )  # fmt: skip


def _whole(value: Any) -> Any:
    """With 45.0 read as 45: to JSON Schema that is an integer (2020-12 section 4.2.3), as JavaScript and some others write it."""
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return (
        int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= WHOLE_MAX else value
    )


def _fault(mistake: ErrorDetails) -> Fault:
    return Fault(pointer(*mistake["loc"]), mistake["msg"])


def pointer(*steps: str | int) -> str:
    """A JSON Pointer (RFC 6901 section 3): `("a/b", 0)` -> `/a~1b/0`. It is cut at `POINTER_CHARACTERS_MAX`."""
    text = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
    return text[:POINTER_CHARACTERS_MAX]
