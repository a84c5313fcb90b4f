"""How good findings are: F1 where the class is right and the overlap at least half (intersection over union), and what share of the gold's characters any
finding covers. Overlaps among findings are resolved by score; only classes that the gold set has are counted.

`python -m training.score --set wnut17_train_dev` scores this package's `detect` on what was held out; `--findings FILE` scores lines
`{"id","findings":[{"start","end","category","score"}]}` of any tool instead (Presidio's names of entities are known), `--all` on the whole set.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from training.data import is_held_out, records

OVERLAP_MIN = 0.5
ANY = "MASK"
"""A gold class that every finding answers to."""

_CLASSES = {
    "PERSON": "person PER PERSON PERSON_NAME researcher writer musicalartist politician scientist",
    "ORG": "organisation ORG ORGANIZATION ORGANIZATION_NAME group corporation university band politicalparty",
    "LOC": "location address postcode LOC LOCATION LOCATION_NAME GPE STREET_ADDRESS country ZIP_CODE POSTAL_CODE",
    "DATE": "date date_of_birth DATE DATE_TIME DATE_OF_BIRTH TIMESTAMP",
    "EMAIL": "email EMAIL EMAIL_ADDRESS",
    "PHONE": "phone PHONE PHONE_NUMBER",
    "CARD": "card CREDIT_CARD CREDIT_CARD_NUMBER",
    "SSN": "us_ssn US_SSN SOCIAL_SECURITY_NUMBER",
    "IBAN": "iban IBAN IBAN_CODE",
    "IP": "ip_address IP_ADDRESS",
    "URL": "url URL DOMAIN_NAME",
    "AGE": "age AGE",
    "NATIONALITY": "nationality NRP NATIONALITY ETHNICITY",
    "USERNAME": "username USERNAME SOCIAL_MEDIA_HANDLE",
    ANY: "MASK",
}
CLASS_OF = {name: kind for kind, names in _CLASSES.items() for name in names.split()}
COUNTED = frozenset("PERSON ORG LOC DATE EMAIL PHONE CARD SSN IBAN IP URL MASK".split())
"""Those of the micro average."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A span of one class; end exclusive, code points."""

    start: int
    end: int
    kind: str
    score: float = 1.0


@dataclass(slots=True)
class Tally:
    right: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    gold: Counter[str] = field(default_factory=Counter)
    covered: int = 0
    characters: int = 0

    def f1(self, kinds: Iterable[str]) -> tuple[float, float, float]:
        """(F1, precision, recall), 0 where undefined."""
        chosen = list(kinds)
        right, found, gold = (
            sum(counter[kind] for kind in chosen) for counter in (self.right, self.found, self.gold)
        )
        precision, recall = right / found if found else 0.0, right / gold if gold else 0.0
        return (2 * right / (found + gold) if found + gold else 0.0), precision, recall

    def kinds(self) -> list[str]:
        return [kind for kind in _CLASSES if self.gold[kind]]


def marks(spans: Iterable[Mapping[str, object]], name: str) -> list[Mark]:
    """`name`: the key that holds the class's name. Names that are no class of ours are left out."""
    return [
        Mark(
            int(str(span["start"])),
            int(str(span["end"])),
            CLASS_OF[str(span[name])],
            float(str(span.get("score", 1.0))),
        )
        for span in spans
        if str(span[name]) in CLASS_OF
    ]


def resolved(found: Iterable[Mark]) -> list[Mark]:
    """The strongest of those that overlap, the longer of equals."""
    kept: list[Mark] = []
    for mark in sorted(found, key=lambda m: (-m.score, m.start - m.end, m.start)):
        if all(mark.end <= other.start or other.end <= mark.start for other in kept):
            kept.append(mark)
    return kept


def add(tally: Tally, gold: Sequence[Mark], found: Sequence[Mark], kinds: frozenset[str]) -> None:
    """Count one document. `kinds`: the classes that the gold set annotates."""
    mine = resolved(found)
    if ANY in kinds:
        mine = [Mark(mark.start, mark.end, ANY, mark.score) for mark in mine]
    considered = [mark for mark in mine if mark.kind in kinds]
    open_gold = list(gold)
    for mark in considered:
        tally.found[mark.kind] += 1
        best = max(
            (g for g in open_gold if g.kind == mark.kind), key=lambda g: _overlap(mark, g), default=None
        )
        if best is not None and _overlap(mark, best) >= OVERLAP_MIN:
            tally.right[mark.kind] += 1
            open_gold.remove(best)
    tally.gold.update(mark.kind for mark in gold)
    covered = {place for mark in mine for place in range(mark.start, mark.end)}
    for mark in gold:
        tally.characters += mark.end - mark.start
        tally.covered += sum(place in covered for place in range(mark.start, mark.end))


def _overlap(one: Mark, other: Mark) -> float:
    common = min(one.end, other.end) - max(one.start, other.start)
    return common / (max(one.end, other.end) - min(one.start, other.start)) if common > 0 else 0.0


def table(tally: Tally) -> str:
    lines = []
    for kind in [*tally.kinds(), ""]:
        f1, precision, recall = tally.f1([kind] if kind else [k for k in tally.kinds() if k in COUNTED])
        lines.append(
            f"{kind or 'micro':12} F1 {f1:.3f}  P {precision:.3f}  R {recall:.3f}"
            + (f"  gold {tally.gold[kind]}" if kind else "")
        )
    lines.append(
        f"{'covered':12} {tally.covered / max(1, tally.characters):.3f} of the gold's characters by any label"
    )
    return "\n".join(lines)


def gold_set(name: str, *, whole: bool) -> list[tuple[str, str, list[Mark]]]:
    """(id, text, gold) of the set's documents."""
    return [
        (str(record["id"]), str(record["text"]), marks(record["spans"], "label"))  # type: ignore[arg-type]
        for record in records(name)
        if whole or is_held_out(str(record["text"]))
    ]


def score(documents: Sequence[tuple[str, str, list[Mark]]], found: Mapping[str, list[Mark]]) -> Tally:
    tally = Tally()
    kinds = frozenset(mark.kind for _, _, gold in documents for mark in gold)
    for identity, _, gold in documents:
        add(tally, gold, found.get(identity, []), kinds)
    return tally


def detected(documents: Sequence[tuple[str, str, list[Mark]]]) -> dict[str, list[Mark]]:
    """What this package finds."""
    from ostiary.detection.engine import detect  # the engine is not needed to score others

    found = detect([text for _, text, _ in documents])
    return {
        identity: marks(
            [{"start": f.start, "end": f.end, "category": f.category, "score": f.score} for f in each],
            "category",
        )
        for (identity, _, _), each in zip(documents, found, strict=True)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", required=True, action="append", dest="sets")
    parser.add_argument("--findings", type=Path)
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    for name in arguments.sets:
        documents = gold_set(name, whole=arguments.all)
        if arguments.findings:
            lines = [
                json.loads(line)
                for line in arguments.findings.read_text(encoding="utf-8").splitlines()
                if line
            ]
            found = {str(line["id"]): marks(line["findings"], "category") for line in lines}
        else:
            found = detected(documents)
        print(f"== {name}: {len(documents)} documents\n{table(score(documents, found))}")


if __name__ == "__main__":
    main()
