"""What a check of a contract file found, for people and for programs."""

from dataclasses import dataclass

from ostiary.actions import JsonValue
from ostiary.contracts.contract import Contract
from ostiary.contracts.source import Mistake
from ostiary.errors import Fault


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found. `contracts` is empty unless `ok`; advice does not stop a file."""

    filename: str
    contracts: tuple[Contract, ...]
    mistakes: tuple[Mistake, ...]
    advice: tuple[Mistake, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.mistakes

    def text(self) -> str:
        """For a terminal: `file:line:column: sentence`, a line each, then one line that sums up."""
        lines = [
            f"{self.filename}:{found.mark.line}:{found.mark.column}: {found.detail}"
            for found in self.mistakes
        ]
        lines += [
            f"{self.filename}:{found.mark.line}:{found.mark.column}: advice: {found.detail}"
            for found in self.advice
        ]
        count = len(self.mistakes)
        agreed = f"{len(self.contracts)} action{'' if len(self.contracts) == 1 else 's'}"
        lines.append(
            f"{self.filename}: {agreed}, no mistakes"
            if self.ok
            else f"{self.filename}: {count} mistake{'' if count == 1 else 's'}"
        )
        return "\n".join(lines)

    def json(self) -> dict[str, JsonValue]:
        """For a program."""
        return {
            "file": self.filename,
            "ok": self.ok,
            "actions": [contract.name for contract in self.contracts],
            "mistakes": [_mistake_json(found) for found in self.mistakes],
            "advice": [_mistake_json(found) for found in self.advice],
        }

    def faults(self) -> tuple[Fault, ...]:
        """The mistakes as a problem document carries them."""
        return tuple(
            Fault(found.pointer, f"line {found.mark.line}, column {found.mark.column}: {found.detail}")
            for found in self.mistakes
        )


def _mistake_json(found: Mistake) -> dict[str, JsonValue]:
    return {
        "line": found.mark.line,
        "column": found.mark.column,
        "pointer": found.pointer,
        "detail": found.detail,
    }
