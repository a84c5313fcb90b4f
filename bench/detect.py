"""What detection costs, in characters a CPU second of this process: the pattern tier over letters full of values and over prose that holds little, its stages and RE2
alone in place of the compiled pass, everything (with the model, where its weights are in the package), and a re-scan of what has not changed. With `--presidio PYTHON`, an interpreter that has presidio-analyzer and en_core_web_md, the same texts go through Presidio in the
same run, in turns with ours, and the ratios are printed.

Run: python -m bench.detect --presidio /path/to/python. Ratios are of one run; absolute numbers belong to the machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ostiary.detection import automata, engine, model
from ostiary.detection.folding import fold

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

ROUNDS = 3
PATTERN_CHARACTERS = 2_000_000
EVERYTHING_CHARACTERS = 300_000
PRESIDIO_CHARACTERS = 60_000
PEER = r"""
import json, logging, sys, time
logging.disable(logging.CRITICAL)  # it tries to fetch the list of public suffixes, says so at length, and goes on without
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider
nlp = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": "en_core_web_md"}]})
analyzer = AnalyzerEngine(nlp_engine=nlp.create_engine(), supported_languages=["en"])
analyzer.analyze("Jane Doe lives in Paris.", language="en")
for line in sys.stdin:
    texts = json.loads(line)
    begun = time.process_time()
    found = sum(len(analyzer.analyze(text, language="en")) for text in texts)
    print(json.dumps([time.process_time() - begun, found]), flush=True)
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

    def __init__(self, python: str) -> None:
        self.process = subprocess.Popen(
            [python, "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def cpu_s(self, batch: Sequence[str]) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(batch) + "\n")
        self.process.stdin.flush()
        return float(json.loads(self.process.stdout.readline())[0])

    def close(self) -> None:
        self.process.communicate(timeout=30)


def passed(batch: Sequence[str]) -> None:
    for text in batch:
        automata.hits(text.encode("latin-1"))


def by_re2_alone(batch: Sequence[str]) -> None:
    """As where Hyperscan has no wheel."""
    held, automata._STATE.sieve = automata._STATE.sieve, None
    for text in batch:
        engine.find(text)
    automata._STATE.sieve = held


def measure(python: str | None) -> dict[str, list[float]]:
    """Characters a CPU second, by what was run, once a round."""
    speeds: dict[str, list[float]] = {}
    peer = Peer(python) if python else None
    engine.detect(texts(2000, 0))
    compiling_s = cpu_s(automata.prepare)
    print(f"compiling the pass over the text: {compiling_s:.1f} CPU-s, once a process that looks at much")
    for number in range(1, ROUNDS + 1):
        dense, plain = texts(PATTERN_CHARACTERS, number), prose(PATTERN_CHARACTERS, number)
        whole = texts(EVERYTHING_CHARACTERS, number + ROUNDS)
        everything = "everything" if model.available() else "everything (no weights in the package)"
        runs: list[tuple[str, list[str], Callable[[list[str]], object]]] = [
            ("patterns, letters full of values", dense, lambda batch: [engine.find(text) for text in batch]),
            ("patterns, prose that holds little", plain, lambda batch: [engine.find(text) for text in batch]),
            ("  of it: folding", plain, lambda batch: [fold(text) for text in batch]),
            (
                "  of it: the pass over the text",
                [fold(text).data.decode("latin-1") for text in plain],
                passed,
            ),
            ("patterns, prose, RE2 alone", plain[: len(plain) // 4], by_re2_alone),
            (everything, whole, engine.detect),
            ("unchanged, again", whole, engine.detect),
        ]
        for name, batch, work in runs:
            took = cpu_s(lambda work=work, batch=batch: work(batch))  # type: ignore[misc]
            speeds.setdefault(name, []).append(sum(map(len, batch)) / took)
        if peer:
            batch = texts(PRESIDIO_CHARACTERS, number + 2 * ROUNDS)
            speeds.setdefault("Presidio + en_core_web_md", []).append(
                sum(map(len, batch)) / peer.cpu_s(batch)
            )
    if peer:
        peer.close()
    return speeds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--presidio", metavar="PYTHON", help="an interpreter with presidio-analyzer and en_core_web_md"
    )
    parser.add_argument("--out", type=Path, help="write the figures as JSON, too")
    arguments = parser.parse_args()
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))  # before NumPy is loaded, which is at the first use
    speeds = measure(arguments.presidio)
    peer = speeds.get("Presidio + en_core_web_md")
    for name, rounds in speeds.items():
        middle = statistics.median(rounds)
        ratio = ""
        if peer:
            ratio = f"{statistics.median(one / other for one, other in zip(rounds, peer, strict=True)):8.1f}x Presidio"
        print(f"{name:42}{middle / 1000:12,.1f} k characters/CPU-s{ratio}")
    if arguments.out:
        arguments.out.write_text(json.dumps(speeds, indent=1) + "\n")


if __name__ == "__main__":
    main()
