"""A stream of annotated sentences of our own: the same seed gives the same stream, and it never ends.

`python -m training.generator --seed 1 --count 20` prints some, with what is annotated in brackets.
"""

import argparse
from collections.abc import Iterator
from itertools import islice
from random import Random

from training import everyday, noise, phrases, reports
from training.data import Document
from training.entities import Cast
from training.grammar import Piece, document, expanded, joined
from training.names import Names

LANGUAGES = ("en",) * 12 + ("de", "fr", "es", "it", "nl", "pt", "pl") * 1
KINDS = (
    ("prose",) * 10
    + ("chat",) * 4
    + ("forms",) * 7
    + ("tables",) * 2
    + ("machine",) * 4
    + ("nothing",) * 3
    + ("mixed",) * 3
    + ("news",) * 4
    + ("lives",) * 4
    + ("court",) * 2
    + ("logs",) * 3
)


def documents(seed: int, avoid: frozenset[str] = frozenset()) -> Iterator[Document]:
    """Documents without end. `avoid`: words, small, that no generated name holds."""
    random = Random(seed)  # reproducible on purpose, nothing is kept secret by it
    names = Names(random, avoid)
    while True:
        made = document(_piece(random, Cast(random, names, random.choice(LANGUAGES))))
        yield noise.worn(noise.cased(made, random), random)


def _piece(random: Random, cast: Cast) -> Piece:
    kind, makers = random.choice(KINDS), cast.makers()

    def one(templates: tuple[str, ...]) -> Piece:
        return expanded(random.choice(templates), makers, random)

    prose = (
        phrases.PROSE[cast.language]
        + reports.ELSEWHERE.get(cast.language, ())
        + everyday.EVERYDAY.get(cast.language, ())
    )
    if kind in ("news", "lives", "court") and cast.language == "en":
        told = {"news": reports.NEWS, "lives": reports.LIVES, "court": reports.COURT}[kind]
        return joined(
            [one(told) for _ in range(random.choice([1, 2, 2, 3]))], random.choice([" ", " ", "\n"])
        )
    if kind in ("prose", "news", "lives", "court"):
        return joined([one(prose) for _ in range(random.choice([1, 1, 2, 3]))], " ")
    if kind == "mixed":
        sources = (prose, phrases.NOTHING, phrases.CHAT, prose)
        return joined(
            [one(random.choice(sources)) for _ in range(random.randint(2, 5))], random.choice([" ", "\n"])
        )
    templates = {
        "chat": phrases.CHAT,
        "forms": phrases.FORMS,
        "machine": phrases.MACHINE,
        "tables": phrases.TABLES,
        "nothing": phrases.NOTHING,
        "logs": reports.LOGS,
    }[kind]
    return joined([one(templates) for _ in range(random.choice([1, 1, 1, 2]))], "\n")


def shown(made: Document) -> str:
    """The text with its spans in brackets."""
    text, at = "", 0
    for span in sorted(made.spans, key=lambda span: span.start):
        text += made.text[at : span.start] + f"[{made.text[span.start : span.end]}|{span.labels[0]}]"
        at = span.end
    return text + made.text[at:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20)
    arguments = parser.parse_args()
    for made in islice(documents(arguments.seed), arguments.count):
        print(shown(made), end="\n---\n")


if __name__ == "__main__":
    main()
