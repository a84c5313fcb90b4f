"""The model tier's figures on what is held out of each corpus, through the code that runs in the product."""

from functools import cache

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
    return found


def line(figures: dict[str, dict[str, float]]) -> str:
    """What one looks at while training."""
    return "\n".join(
        f"  {name:30}"
        + "".join(f"{kind} {values[kind]:.3f}  " for kind in (*SHOWN, "MASK", "covered") if kind in values)
        for name, values in figures.items()
    )
