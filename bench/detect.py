"""What detection costs, in characters a CPU second of this process: the pattern tier over letters full of values, over prose that holds little, over rows of numbers and over
texts made to be slow; everything (with the model, where its weights are in the package); and a re-scan of what has not changed. With `--presidio PYTHON`, an interpreter that has
presidio-analyzer and en_core_web_md, the same texts go through Presidio in the same run, in turns with ours, and the ratios are printed. `--set NAME` (with the corpora beside the
project, as `training.score` reads them) compares what the two find on a part of that set: F1 by class.

Run: python -m bench.detect --presidio /path/to/python --set presidio_synth_v2. Ratios are of one run; absolute numbers belong to the machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ostiary.detection import engine, model
from ostiary.detection.folding import fold
from training.score import COUNTED, Mark, detected, gold_set, marks, score

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

ROUNDS = 3
PATTERN_CHARACTERS = 2_000_000
EVERYTHING_CHARACTERS = 300_000
PRESIDIO_CHARACTERS = 60_000
SCORED_CHARACTERS = 60_000
"""How much of a set both are asked about: Presidio takes some seconds for it."""
SLOW_CHARACTERS = 100_000
SLOW = (
    "1 2 ",
    "12/31/99 ",
    "4111 ",
    "1.",
    "a@b ",
    "12345678 ",
    "AB12 ",
    "key=",
    "A1B2C3 ",
    "1-2-",
    "::1 ",
    "+1 2",
    "0",
)
"""What holds the beginning of many a value, and none."""
PEER = r"""
import json, logging, sys, time
logging.disable(logging.CRITICAL)  # it tries to fetch the list of public suffixes, says so at length, and goes on without
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider
nlp = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": sys.argv[1]}]})
analyzer = AnalyzerEngine(nlp_engine=nlp.create_engine(), supported_languages=["en"])
analyzer.analyze("Jane Doe lives in Paris.", language="en")
for line in sys.stdin:
    texts = json.loads(line)
    begun = time.process_time()
    found = [analyzer.analyze(text, language="en") for text in texts]
    took = time.process_time() - begun
    print(json.dumps([took, [[{"start": f.start, "end": f.end, "category": f.entity_type, "score": f.score} for f in each] for each in found]]), flush=True)
"""


def texts(characters: int, number: int) -> list[str]:
    """Letters, orders and logs by a fixed rule, no two alike, about one value in forty words. `number` makes other texts of the same kind."""
    made, size, row = [], 0, number * 1_000_003
    first = ("Anna", "Luis", "Mareike", "Tomasz", "Chloé", "Ines", "Robert", "Giulia")
    last = ("Kowalczyk", "Meyer", "Duarte", "Rossi", "van Dijk", "Okafor", "Lefèvre", "Brown")
    town = ("Lyon", "Porto", "Gdańsk", "Leeds", "Verona", "Utrecht", "Sevilla", "Kassel")
    while size < characters:
        row += 1
        who, where = f"{first[row % 8]} {last[row // 8 % 8]}", town[row // 64 % 8]
        text = (
            f"Order {row} was packed on {1 + row % 28} March 2026 and left the warehouse in {where} a day later, because the supplier had promised delivery within "
            f"ten days and the committee agreed that a delay of {row % 17} hours would be acceptable to everyone who waits for it.\n\n"
            f"{who} asked for a copy of the invoice; please send it to customer{row}@example.com or call +44 20 7946 {row % 10_000:04}. "
            f"The item itself, number {row * 7919 % 100_000}, is in good condition, and nothing else has to be said about the matter at this point.\n\n"
            f"2026-03-{1 + row % 28:02}T10:00:00Z INFO worker-{row % 9} request {row:x} took {row % 300} ms, status 200, path /v1/items/{row % 5000}\n"
        )
        made.append(text)
        size += len(text)
    return made


def prose(characters: int, number: int) -> list[str]:
    """Reports of some pages that hold little: a name, a year and now and then a mail address."""
    who = (
        "the committee",
        "the supplier",
        "a neighbour",
        "the harbour office",
        "nobody",
        "the second engineer",
        "her brother",
    )
    did = (
        "agreed to wait for",
        "had asked about",
        "could not explain",
        "wrote at length about",
        "was content with",
        "went back to",
    )
    what = (
        "the delay of the ferry",
        "a warehouse by the river",
        "the price of timber",
        "what the letter said",
        "an older map of the coast",
        "the plan for the winter",
    )
    made, size, row = [], 0, number * 1_000_003
    while size < characters:
        lines = [f"Report on the year {1900 + row % 120}, by Chloé Lefèvre (page{row}@example.com)."]
        for line in range(80):
            row += 1
            end = ".\n\n" if line % 8 == 7 else ","
            lines.append(
                f"{who[row % 7]} {did[row // 7 % 6]} {what[row // 42 % 6]} and then, as before, {who[row // 11 % 7]} {did[row // 5 % 6]} {what[row // 3 % 6]}{end}"
            )
        made.append(" ".join(lines))
        size += len(made[-1])
    return made


def cpu_s(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


class Peer:
    """Presidio in a process of its own, asked text by text as its interface has it."""

    def __init__(self, python: str, model_name: str) -> None:
        self.process = subprocess.Popen(
            [python, "-c", PEER, model_name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def found(self, batch: Sequence[str]) -> tuple[float, list[list[dict[str, object]]]]:
        """CPU seconds, and the findings of each text."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(batch) + "\n")
        self.process.stdin.flush()
        took, found = json.loads(self.process.stdout.readline())
        return float(took), found

    def close(self) -> None:
        self.process.communicate(timeout=30)


def rows(characters: int, number: int) -> list[str]:
    """A table of numbers: keys, days, amounts, and counts as long as account numbers."""
    lines, size, row = [], 0, number * 1_000_003
    while size < characters:
        row += 1
        lines.append(
            f"{row * 7919 % 100_000},{row},2026-03-{1 + row % 28:02},{row * 37 % 1000 / 7:.4f},{row * 104_729 % 10**10}\n"
        )
        size += len(lines[-1])
    return ["".join(lines)]


def by_patterns(batch: Sequence[str]) -> None:
    for text in batch:
        engine.find(text)


def measure(peer: Peer | None) -> dict[str, list[float]]:
    """Characters a CPU second, by what was run, once a round."""
    speeds: dict[str, list[float]] = {}
    engine.detect(texts(2000, 0))
    for number in range(1, ROUNDS + 1):
        whole = texts(EVERYTHING_CHARACTERS, number + ROUNDS)
        everything = "everything" if model.available() else "everything (no weights in the package)"
        prosaic = prose(PATTERN_CHARACTERS, number)
        runs: list[tuple[str, list[str], Callable[[list[str]], object]]] = [
            ("patterns, letters full of values", texts(PATTERN_CHARACTERS, number), by_patterns),
            ("patterns, prose that holds little", prosaic, by_patterns),
            ("  of it: folding", prosaic, lambda batch: [fold(text) for text in batch]),
            ("patterns, rows of numbers", rows(PATTERN_CHARACTERS // 2, number), by_patterns),
            (everything, whole, engine.detect),
            ("unchanged, again", whole, engine.detect),
        ]
        runs += [
            (f"patterns, {slow!r} over and over", [slow * (SLOW_CHARACTERS // len(slow))], by_patterns)
            for slow in SLOW
        ]
        for name, batch, work in runs:
            took = cpu_s(lambda work=work, batch=batch: work(batch))  # type: ignore[misc]
            speeds.setdefault(name, []).append(sum(map(len, batch)) / took)
        if peer:
            batch = texts(PRESIDIO_CHARACTERS, number + 2 * ROUNDS)
            speeds.setdefault(PRESIDIO, []).append(sum(map(len, batch)) / peer.found(batch)[0])
    return speeds


PRESIDIO = "Presidio + en_core_web_md"


def compared(name: str, peer: Peer) -> str:
    """What both find on the beginning of a set: F1 by class, then precision and recall of all that counts."""
    documents, size = [], 0
    for document in gold_set(name, whole=True):
        documents.append(document)
        size += len(document[1])
        if size >= SCORED_CHARACTERS:
            break
    _, theirs = peer.found([text for _, text, _ in documents])
    other: dict[str, list[Mark]] = {
        identity: marks(found, "category") for (identity, _, _), found in zip(documents, theirs, strict=True)
    }
    mine, peers = score(documents, detected(documents)), score(documents, other)
    lines = [
        f"== {name}: {len(documents)} documents, {size} characters; F1 (precision, recall), ours and Presidio's"
    ]
    for kind in [*mine.kinds(), ""]:
        kinds = [kind] if kind else [each for each in mine.kinds() if each in COUNTED]
        both = ["{:.3f} ({:.3f}, {:.3f})".format(*tally.f1(kinds)) for tally in (mine, peers)]
        lines.append(
            f"{kind or 'together':12} {both[0]}  {both[1]}" + (f"  of {mine.gold[kind]}" if kind else "")
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--presidio", metavar="PYTHON", help="an interpreter with presidio-analyzer and its model"
    )
    parser.add_argument("--model", default="en_core_web_md", help="its spaCy model: a package or a folder")
    parser.add_argument(
        "--set", action="append", dest="sets", default=[], help="compare the findings on this set"
    )
    parser.add_argument("--only-sets", action="store_true", help="no speeds")
    parser.add_argument("--out", type=Path, help="write the speeds as JSON, too")
    arguments = parser.parse_args()
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))  # before NumPy is loaded, which is at the first use
    peer = Peer(arguments.presidio, arguments.model) if arguments.presidio else None
    speeds = {} if arguments.only_sets else measure(peer)
    theirs = speeds.get(PRESIDIO)
    for name, rounds in speeds.items():
        middle = statistics.median(rounds)
        ratio = ""
        if theirs:
            ratio = f"{statistics.median(one / other for one, other in zip(rounds, theirs, strict=True)):8.1f}x Presidio"
        print(f"{name:44}{middle / 1000:12,.1f} k characters/CPU-s{ratio}")
    if peer:
        print(*(compared(name, peer) for name in arguments.sets), sep="\n")
        peer.close()
    if arguments.out:
        arguments.out.write_text(json.dumps(speeds, indent=1) + "\n")


if __name__ == "__main__":
    main()
