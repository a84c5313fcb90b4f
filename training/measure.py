"""The model tier's figures on what is held out of each corpus, through the code that runs in the product."""

import sysconfig
from functools import cache
from pathlib import Path

from ostiary.detection import model
from ostiary.detection.model_network import Network
from training import score
from training.corpora import CORPORA

SHOWN = ("PERSON", "ORG", "LOC", "DATE")
DOCUMENTS_MAX = 300
"""Of each corpus: figures while training need not be exact."""


@cache
def _gold() -> dict[str, list[tuple[str, str, list[score.Mark]]]]:
    return {corpus.name: score.gold_set(corpus.name, whole=False)[:DOCUMENTS_MAX] for corpus in CORPORA}


def figures(network: Network) -> dict[str, dict[str, float]]:
    """By corpus: F1 of each class that it annotates."""
    tier = model.Tier(network)
    found: dict[str, dict[str, float]] = {}
    for name, documents in _gold().items():
        findings = tier.find_all([text for _, text, _ in documents])
        marked = {
            identity: score.marks(
                [{"start": f.start, "end": f.end, "category": f.category, "score": f.score} for f in each],
                "category",
            )
            for (identity, _, _), each in zip(documents, findings, strict=True)
        }
        tally = score.score(documents, marked)
        found[name] = {kind: round(tally.f1([kind])[0], 4) for kind in tally.kinds()}
        found[name]["covered"] = round(tally.covered / max(1, tally.characters), 4)
    found["python"] = {"people_per_100_kb": round(people_in_code(tier), 2)}
    return found


CODE_FILES_MAX = 80


def people_in_code(tier: model.Tier) -> float:
    """People found per 100,000 characters of Python's standard library, which the trainer never sees. A few of its authors are really named there."""
    paths = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:CODE_FILES_MAX]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in paths]
    people = sum(each.category == "person" for found in tier.find_all(texts) for each in found)
    return people / max(1, sum(map(len, texts))) * 100_000


def line(figures: dict[str, dict[str, float]]) -> str:
    """What one looks at while training."""
    return "\n".join(
        f"  {name:30}"
        + "".join(
            f"{kind} {values[kind]:.3f}  "
            for kind in (*SHOWN, "MASK", "covered", "people_per_100_kb")
            if kind in values
        )
        for name, values in figures.items()
    )
