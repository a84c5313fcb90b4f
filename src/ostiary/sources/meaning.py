"""What a source's tables mean, as somebody put it: read, held against what the database has, and as far as whoever asks may see."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from ostiary.errors import Conflict, Fault, LibraryMissing, SourceInvalid
from ostiary.guard.catalogue import Catalogue, Table
from ostiary.semantics import dbt, ossie
from ostiary.semantics.model import Model, ModelError, Verified
from ostiary.semantics.plan import By, Measured, Plan

FAULTS_MAX = 50
_MODEL = "/semantic_model/0"


@dataclass(frozen=True, slots=True)
class Meaning:
    """`version` 0 and no text: nobody has put one. `text`: YAML of Apache Ossie."""

    version: int = 0
    text: str = ""
    made_us: int = 0
    _whole: list[Model] = field(default_factory=list, compare=False, repr=False)

    def seen(self, tables: Sequence[Table], seen: Sequence[Table], dialect: str) -> Model | None:
        """The model as far as `seen` goes of a source's tables; None where there is none. Raises Conflict, LibraryMissing."""
        if not self.version:
            return None
        narrowed = _narrowed()
        if not self._whole:
            try:  # by all tables first: a name that several have stays nobody's, whoever asks
                self._whole.append(narrowed(ossie.read(self.text), tables, dialect)[0])
            except ModelError:
                raise Conflict("The semantic model of this source cannot be read any more: put it anew.") from None  # fmt: skip
        return narrowed(self._whole[0], seen, dialect)[0]

    def lost(self, tables: Sequence[Table], dialect: str) -> list[Fault]:
        """What of it the database does not have any more. Raises LibraryMissing."""
        if not self.version:
            return []
        try:
            return _faults(_narrowed()(ossie.read(self.text), tables, dialect)[1])
        except ModelError as error:
            return _faults(error.faults, "")


def read(text: str) -> tuple[str, Model, list[str]]:
    """A model that somebody gives, as Apache Ossie's YAML: theirs, to the letter, where it is that already. Besides what was left out of dbt's, by name. Raises SourceInvalid."""
    try:
        given = ossie.parsed(text)
        if not dbt.speaks(given):
            return text, ossie.from_data(given), []
        model, left = dbt.from_data(given)
        return ossie.write(model), model, list(left)
    except ModelError as error:
        raise SourceInvalid("Nothing was changed.", faults=tuple(_faults(error.faults, ""))) from None


def check(model: Model, tables: Sequence[Table], dialect: str, today: date) -> None:
    """That everything of it can be asked of these tables by somebody who may read all of them. Raises SourceInvalid, LibraryMissing."""
    narrowed = _narrowed()
    left, lost = narrowed(model, tables, dialect)
    found = _faults(lost) or _unrunnable(left, tables, dialect, today)
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
    try:
        from ostiary.semantics.narrowed import narrowed  # noqa: PLC0415 - libraries of an extra
    except ModuleNotFoundError:
        raise LibraryMissing("Asking databases needs more libraries: pip install 'ostiary[ask]'.") from None
    return narrowed


def _faults(found: Sequence[tuple[str, str]], within: str = _MODEL) -> list[Fault]:
    return [Fault(within + place, said) for place, said in found][:FAULTS_MAX]


def day(at_us: int) -> date:
    return datetime.fromtimestamp(at_us / 1e6, UTC).date()
