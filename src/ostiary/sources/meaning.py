"""What a source's tables mean, as somebody put it: read, held against what the database has, and as far as whoever asks may see."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from ostiary.engines.libraries import needed
from ostiary.errors import Conflict, Fault, SourceInvalid
from ostiary.guard.catalogue import Catalogue, Table
from ostiary.semantics import dbt, ossie
from ostiary.semantics.model import Model, ModelError, Verified
from ostiary.semantics.plan import By, Measured, Plan

FAULTS_MAX = 50
_MODEL = "/semantic_model/0"


@dataclass(frozen=True)
class Meaning:
    """`version` 0 and no text: nobody has put one. `text`: YAML of Apache Ossie."""

    version: int = 0
    text: str = ""
    made_us: int = 0

    @cached_property
    def model(self) -> Model:
        """Raises ModelError where it was put under other rules."""
        return ossie.read(self.text)

    def seen(self, tables: Sequence[Table], seen: Sequence[Table], dialect: str) -> Model | None:
        """The model as far as `seen` goes of a source's tables; None where there is none. Raises Conflict, LibraryMissing."""
        if not self.version:
            return None
        narrowed = _narrowed()
        try:  # by all tables first: a name that several have stays nobody's, whoever asks
            whole, _ = narrowed(self.model, tables, dialect)
        except ModelError:
            raise Conflict("The semantic model of this source cannot be read any more: put it anew.") from None  # fmt: skip
        return narrowed(whole, seen, dialect)[0]


@dataclass(frozen=True, slots=True)
class Read:
    """A model as it was given: Apache Ossie's YAML, theirs to the letter where it is that already. `left`: what was left out of dbt's, by name."""

    text: str
    model: Model
    left: tuple[str, ...] = ()


def read(text: str) -> Read:
    """Raises SourceInvalid."""
    try:
        given = ossie.parsed(text)
        if not dbt.speaks(given):
            return Read(text, ossie.from_data(given))
        model, left = dbt.from_data(given)
        return Read(ossie.write(model), model, tuple(left))
    except ModelError as error:
        raise SourceInvalid("Nothing was changed.", faults=tuple(_faults(error.faults, ""))) from None


def lost(model: Model, tables: Sequence[Table], dialect: str) -> list[Fault]:
    """What of it the database does not have. Raises LibraryMissing."""
    return _faults(_narrowed()(model, tables, dialect)[1])


def check(model: Model, tables: Sequence[Table], dialect: str, today: date) -> None:
    """That everything of it can be asked of these tables by somebody who may read all of them. Raises SourceInvalid, LibraryMissing."""
    left, missing = _narrowed()(model, tables, dialect)
    found = _faults(missing) or _unrunnable(left, tables, dialect, today)
    if found:
        raise SourceInvalid("Nothing was changed.", faults=tuple(found[:FAULTS_MAX]))


def _unrunnable(model: Model, tables: Sequence[Table], dialect: str, today: date) -> list[Fault]:
    """What cannot be made into SQL, or would not be let through."""
    from ostiary.guard.governed import governed  # noqa: PLC0415 - libraries of an extra
    from ostiary.semantics.sql import Untold, Writer  # noqa: PLC0415

    catalogue, writer, found = Catalogue.holding(list(tables)), Writer(model, dialect), []
    for place, made in _everything(model, dialect):
        try:
            statement = writer.write(made, today) if isinstance(made, Plan) else _filled(made, dialect)
        except (ModelError, Untold) as error:
            found.append(Fault(_MODEL + place, str(error).removeprefix("(all): ")))
            continue
        verdict = governed(statement, dialect, catalogue, {})
        if not verdict.allowed:
            found.append(Fault(_MODEL + place, verdict.why))
    return found


def _everything(model: Model, dialect: str) -> list[tuple[str, Plan | Verified]]:
    """By place: what each metric, each field that is more than a column, and each verified question asks for."""
    found: list[tuple[str, Plan | Verified]] = [(f"/metrics/{at}", Plan((Measured(metric=each.name),))) for at, each in enumerate(model.metrics)]  # fmt: skip
    for at, dataset in enumerate(model.datasets):
        found += [
            (f"/datasets/{at}/fields/{which}", Plan(by=(By(dataset.name, each.name),)))
            for which, each in enumerate(dataset.fields)
            if not each.expression.of(dialect).strip('"').isidentifier()
        ]
    return [*found, *((f"/verified/{at}", each) for at, each in enumerate(model.verified))]


def _filled(verified: Verified, dialect: str) -> str:
    from ostiary.semantics.sql import filled  # noqa: PLC0415

    return filled(verified.statement, dict.fromkeys(verified.places, "1"), dialect)


def _narrowed() -> Callable[[Model, Iterable[Table], str], tuple[Model, list[tuple[str, str]]]]:
    with needed():
        from ostiary.semantics.narrowed import narrowed  # noqa: PLC0415 - libraries of an extra
    return narrowed


def _faults(found: Sequence[tuple[str, str]], within: str = _MODEL) -> list[Fault]:
    return [Fault(within + place, said) for place, said in found][:FAULTS_MAX]
