"""The vocabulary and the word list that go with the weights.

The vocabulary holds words that recur in texts of people; names stay outside it unless everybody knows them, so that the network learns to judge an
unknown word by its letters and its neighbours. The word list says of a word that it may be a first name, a surname or a place; three in five names are
in it, so that a name that is not stays an ordinary sight in training.
"""

import zlib
from collections import Counter
from collections.abc import Iterable
from itertools import islice

from ostiary.detection import model_tokens as tokens
from training import catalogues, generator, names, vectors, words
from training.corpora import CORPORA
from training.data import Document, documents, examples

VOCABULARY_MAX = 30_000
SEEN_MIN, NAMED_MIN, COMMON_MIN = 2, 5, 3
LISTED_OF_FIVE = 3
GENERATED_DOCUMENTS = 8_000
CATALOGUE_TEXTS = 40_000


def build(seed: int) -> tokens.Lexicon:
    """From the training side of the corpora and a sample of generated text."""
    plain: Counter[str] = Counter()
    named: Counter[str] = Counter()
    small: Counter[str] = Counter()
    for corpus in CORPORA:
        _count(documents(corpus, held_out=False), plain, named, small)
    _count(islice(generator.documents(seed), GENERATED_DOCUMENTS), plain, Counter(), small)
    _count(catalogues.documents(seed, CATALOGUE_TEXTS), plain, Counter(), small)
    kept = [(count, word) for word, count in plain.items() if count >= SEEN_MIN]
    kept += [(count, word) for word, count in named.items() if count >= NAMED_MIN and plain[word] < SEEN_MIN]
    ranked = sorted(kept, key=lambda item: (-item[0], item[1]))[:VOCABULARY_MAX]
    vocabulary = {word: row for row, (_, word) in enumerate(ranked, start=1)}
    common = {word for word, count in small.items() if count >= COMMON_MIN}
    return tokens.Lexicon(vocabulary, listed(common), vectors.read()[0])


def _count(source: Iterable[Document], plain: Counter[str], named: Counter[str], small: Counter[str]) -> None:
    for document in source:
        for example in examples(document):
            for word, allowed in zip(example.segment.words, example.allowed, strict=True):
                norm = tokens.normal(word)
                (plain if allowed & 1 else named)[norm] += 1
                if allowed & 1 and word.islower():
                    small[norm] += 1


def listed(common: Iterable[str]) -> dict[str, int]:
    """Word -> bits."""
    found: dict[str, int] = {}

    def mark(bit: int, texts: Iterable[str], *, all_of_them: bool = True) -> None:
        for text in texts:
            for word in (each for part in tokens.segments(text) for each in part.words):
                norm = tokens.normal(word)
                if (
                    norm[0].isalpha()
                    and len(norm) > 1
                    and (all_of_them or zlib.crc32(norm.encode()) % 5 < LISTED_OF_FIVE)
                ):
                    found[norm] = found.get(norm, 0) | bit

    everyone = list(names.locales().values())
    mark(tokens.FIRST_NAME, (name for locale in everyone for name in locale.first), all_of_them=False)
    mark(tokens.SURNAME, (name for locale in everyone for name in locale.last), all_of_them=False)
    mark(tokens.PLACE, (*names.cities(), *names.states()), all_of_them=False)
    mark(tokens.COUNTRY, names.countries())
    mark(tokens.COMMON, common)
    mark(tokens.COMPANY, (form for forms in words.COMPANY_FORMS.values() for form in forms.split("|")))
    mark(tokens.COMPANY, words.INDUSTRY)
    mark(tokens.TITLE_WORD, (title for titles in words.TITLES.values() for title in titles.split("|")))
    mark(tokens.DEMONYM, words.DEMONYMS.values())
    return found
