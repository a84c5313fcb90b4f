"""What fills the slots of a sentence: people, organisations, places, addresses, dates and look-alikes of them, in one language and for one text.

Within one text a person comes back by surname or first name alone, as people do.
"""

from dataclasses import dataclass, field
from random import Random

from training import words
from training.grammar import Maker, Piece, labelled
from training.names import Locale, Names, countries, state_codes, states

_DIGITS = "0123456789"


def upper(piece: Piece) -> Piece:
    """In capitals, where that keeps every character one."""
    text = piece.text.upper()
    return Piece(text, piece.spans) if len(text) == len(piece.text) else piece


@dataclass(slots=True)
class Cast:
    """The makers for one text."""

    random: Random
    names: Names
    language: str
    locale: Locale = field(init=False)
    _first: str = ""
    _last: str = ""

    def __post_init__(self) -> None:
        self.locale = self.names.locale(self.language)
        self._first, self._last = self.names.first(self.locale), self.names.last(self.locale)

    def makers(self) -> dict[str, Maker]:
        return {
            "person": self.person, "full": self.full, "again": self.again, "first": self.some_first, "last": self.some_last, "listed": self.listed,
            "titled": self.titled, "org": self.organisation, "place": self.place, "country": self.country, "address": self.address, "street": self.street,
            "date": self.date, "longdate": self.long_date, "dayonly": self.day_only, "isodate": self.iso_date, "year": self.year, "age": self.age, "user": self.username,
            "nat": self.nationality, "job": self.job, "med": self.medical, "id": self.identifier, "work": self.work, "num": self.number,
            "money": self.money, "adj": self.adjective, "noun": self.noun, "nouns": self.plural, "mail": self.mail, "phone": self.phone,
            "team": self.team, "upteam": lambda: upper(self.team()), "upplace": lambda: upper(self.place()), "uplast": lambda: upper(self.last_only()),
            "brand": self.brand, "hex": self.hexadecimal, "time": self.time, "month": self.month, "weekday": self.weekday, "code": self.code, "handle": self.handle,
        }  # fmt: skip

    def draw(self, options: str, separator: str = "|") -> str:
        return self.random.choice(options.split(separator))

    def digits(self, count: int) -> str:
        return "".join(self.random.choice(_DIGITS) for _ in range(count))

    def fresh(self) -> None:
        """Someone else enters."""
        if self.random.random() < 0.3:
            self.locale = self.names.locale(self.language)
        self._first, self._last = self.names.first(self.locale), self.names.last(self.locale)

    def full(self) -> Piece:
        self.fresh()
        first, last = self._first, self._last
        chance = self.random.random()
        if chance < 0.72:
            name = f"{first} {last}"
        elif chance < 0.80:
            name = f"{first} {self.names.first(self.locale)} {last}"
        elif chance < 0.87:
            name = f"{first} {self.random.choice('ABCDEFGHJKLMNPRSTW')}. {last}"
        elif chance < 0.92:
            name = f"{first[0]}. {last}"
        elif chance < 0.95:
            name = f"{first[0]}.{self.random.choice('ABCDEFGHJKLMPRST')}. {last}"
        else:
            name = f"{first} {last}{self.random.choice(['-', ' '])}{self.names.last(self.locale)}"
        return labelled(name, "person")

    def person(self) -> Piece:
        chance = self.random.random()
        if chance < 0.6:
            return self.full()
        if chance < 0.8:
            return self.titled()
        self.fresh()
        return self.again()

    def again(self) -> Piece:
        chance = self.random.random()
        return (
            self.last_only()
            if chance < 0.55
            else self.first_only()
            if chance < 0.9
            else labelled(f"{self._first} {self._last}", "person")
        )

    def first_only(self) -> Piece:
        return labelled(self._first, "person")

    def last_only(self) -> Piece:
        return labelled(self._last, "person")

    def some_first(self) -> Piece:
        """Of whom the text speaks, or of somebody else."""
        if self.random.random() < 0.5:
            self.fresh()
        return self.first_only()

    def some_last(self) -> Piece:
        if self.random.random() < 0.5:
            self.fresh()
        return self.last_only()

    def titled(self) -> Piece:
        name = self.full().text if self.random.random() < 0.4 else (self.fresh(), self._last)[1]
        return labelled(name, "person", before=self.draw(words.TITLES[self.language]) + " ")

    def listed(self) -> Piece:
        """As lists and forms write it: surname first."""
        self.fresh()
        last = self._last.upper() if self.random.random() < 0.4 else self._last
        return labelled(f"{last}{self.draw(', | ')}{self._first}", "person")

    def _filled(self, form: str) -> str:
        return form.format(
            p=self.names.place(self.language),
            l=self.names.last(self.locale),
            f=self.names.first(self.locale),
            n=self.random.randint(4, 120),
        )

    def organisation(self) -> Piece:
        chance, forms = self.random.random(), words.COMPANY_FORMS[self.language]
        if chance < 0.34:
            name = self._filled(self.draw(words.INSTITUTIONS[self.language]))
        elif chance < 0.50:
            name = f"{self.names.last(self.locale)} {self.draw(forms) if self.random.random() < 0.6 else self.random.choice(words.INDUSTRY)}"
        elif chance < 0.58:
            name = (
                f"{self.names.last(self.locale)}{self.draw(', | & | and |-')}{self.names.last(self.locale)}"
            )
            name += f" {self.draw(forms)}" if self.random.random() < 0.6 else ""
        elif chance < 0.78:
            name = f"{self.random.choice(words.BRAND_WORDS)} {self.random.choice(words.INDUSTRY)}"
            name += f" {self.draw(forms)}" if self.random.random() < 0.4 else ""
        elif chance < 0.9:
            name = "".join(
                self.random.choice("ABCDEFGHIKLMNOPRSTUVW")
                for _ in range(self.random.choice([2, 3, 3, 4, 4, 5]))
            )
        else:
            name = self.names.made() + self.draw("|tech|soft|ix|ly|corp|net|gen|ware")
        return labelled(name, "organisation")

    def place(self) -> Piece:
        chance = self.random.random()
        if chance < 0.62:
            return labelled(self.names.place(self.language), "location")
        if chance < 0.76:
            return self.country()
        if chance < 0.82 and self.language == "en":
            return labelled(self.random.choice(states()), "location")
        if chance < 0.90:
            return labelled(self._filled(self.draw(words.PARTS_OF_PLACES[self.language])), "location")
        first, second = self.names.place(self.language), self.random.choice(countries())
        return Piece(
            f"{first}, {second}",
            ((0, len(first), "location"), (len(first) + 2, len(first) + 2 + len(second), "location")),
        )

    def team(self) -> Piece:
        """A club: named like its town more often than not."""
        town = self.names.place(self.language)
        tail = self.draw("United|City|Rovers|FC|Athletic|Rangers|Wanderers|Lions|Bulls|Rockets|Giants")
        return labelled(town if self.random.random() < 0.55 else f"{town} {tail}", "organisation")

    def country(self) -> Piece:
        return labelled(
            self.draw("UK|U.S.|USA|US|United States|England|Scotland|the Netherlands|EU|UAE|Europe|Africa")
            if self.random.random() < 0.2
            else self.random.choice(countries()),
            "location",
        )

    def street(self) -> Piece:
        return labelled(self._street(), "address")

    def _street(self) -> str:
        number = str(self.random.choice([self.random.randint(1, 199), self.random.randint(1, 9999)]))
        number += self.random.choice(["", "", "", "", "a", "B", "-" + self.digits(1)])
        name = self._filled(self.draw(words.STREETS[self.language]))
        if self.language in ("en", "fr"):
            return f"{number}{self.draw(' | |, ' if self.language == 'fr' else ' ')}{name}"
        return f"{name}{', ' if self.language in ('es', 'it', 'pt') and self.random.random() < 0.6 else ' '}{number}"

    def address(self) -> Piece:
        """Street and town, in the country's form, on one line or on several."""
        street, place, join = (
            self._street(),
            self.names.place(self.language),
            self.random.choice([", ", ", ", "\n", "\n", " "]),
        )
        code = self._postcode()
        if self.language == "en":
            unit = self.random.choice(
                [
                    "",
                    "",
                    "",
                    f" Apt {self.random.randint(1, 99)}",
                    f" Apt. {self.digits(3)}",
                    f", Suite {self.digits(3)}",
                    f" Unit {self.digits(2)}",
                    f" #{self.digits(2)}",
                    f", Flat {self.digits(1)}",
                ]
            )
            region = (
                self.random.choice(state_codes())
                if self.random.random() < 0.7
                else self.random.choice(states())
            )
            between = self.random.choice([", ", " ", "\n"])
            tail = f"{place}, {region} {code}" if code[0].isdigit() else f"{place}{between}{code}"
            text = f"{street}{unit}{join}{tail}"
        elif self.language == "pt":
            text = f"{street}{join}{place} - {self.draw('SP|RJ|MG|RS|BA')}{self.draw(', | ')}{code}"
        else:
            text = f"{street}{join}{code} {place}" + (
                f" ({self.draw('MI|RM|TO|NA')})"
                if self.language == "it" and self.random.random() < 0.4
                else ""
            )
        if self.random.random() < 0.2:
            text += self.draw(", |\n") + self.random.choice(countries())
        if self.random.random() < 0.04:
            text = f"{self.draw('P.O. Box|PO Box|Postfach|BP|Apartado')} {self.digits(self.random.randint(2, 5))}{join}{code} {place}"
        return labelled(text, "address")

    def _postcode(self) -> str:
        letters = "ABCDEFGHJKLMNPRSTUWY"
        if self.language == "en":
            british = f"{self.random.choice(letters)}{self.random.choice(letters)}{self.digits(1)} {self.digits(1)}{self.random.choice(letters)}{self.random.choice(letters)}"
            return self.random.choice(
                [self.digits(5), self.digits(5), f"{self.digits(5)}-{self.digits(4)}", british]
            )
        if self.language == "nl":
            return f"{self.digits(4)} {self.random.choice(letters)}{self.random.choice(letters)}"
        return {"pl": f"{self.digits(2)}-{self.digits(3)}", "pt": f"{self.digits(5)}-{self.digits(3)}"}.get(
            self.language, self.digits(5)
        )

    def _day(self) -> tuple[int, int, int]:
        return self.random.randint(1, 28), self.random.randint(1, 12), self.random.randint(1925, 2032)

    def month(self) -> Piece:
        """Alone it says too little to be a date, and is nobody's name."""
        return Piece(words.MONTHS[self.language].split()[self.random.randint(0, 11)])

    def weekday(self) -> Piece:
        return Piece(self.draw(words.WEEKDAYS[self.language], " "))

    def long_date(self) -> Piece:
        day, month, year = self._day()
        name = words.MONTHS[self.language].split()[month - 1]
        forms = {
            "en": [f"{day} {name} {year}", f"{name} {day}, {year}", f"{name} {year}", f"{name} {day}", f"{day} {name[:3]} {year}", f"{name[:3]} {day}, {year}", f"the {day}th of {name} {year}", f"{name} {day}th", f"{self.draw(words.WEEKDAYS['en'], ' ')}, {name} {day}, {year}"],
            "de": [f"{day}. {name} {year}", f"{name} {year}", f"{day}. {name}"], "fr": [f"{day} {name} {year}", f"{name} {year}", f"1er {name} {year}"],
            "es": [f"{day} de {name} de {year}", f"{name} de {year}", f"{day} de {name}"], "pt": [f"{day} de {name} de {year}", f"{name} de {year}"],
        }.get(self.language, [f"{day} {name} {year}", f"{name} {year}", f"{day} {name}"])  # fmt: skip
        return labelled(self.random.choice(forms), "date")

    def day_only(self) -> Piece:
        """As lists of days have it."""
        day, month, _ = self._day()
        return labelled(f"{day} {words.MONTHS[self.language].split()[month - 1]}", "date")

    def iso_date(self) -> Piece:
        day, month, year = self._day()
        clock = (
            f"{self.random.randint(0, 23):02}:{self.random.randint(0, 59):02}:{self.random.randint(0, 59):02}"
        )
        forms = [
            f"{year}-{month:02}-{day:02}",
            f"{year}-{month:02}-{day:02}T{clock}Z",
            f"{year}-{month:02}-{day:02} {clock}",
            f"{year}/{month:02}/{day:02}",
        ]
        return labelled(self.random.choice(forms), "date")

    def date(self) -> Piece:
        day, month, year = self._day()
        chance = self.random.random()
        if chance < 0.55:
            return self.long_date()
        if chance < 0.66:
            return self.iso_date()
        if chance < 0.76:
            return self.year()
        mark = "/" if self.language in ("en", "fr", "es", "it", "pt") else self.draw(".|.|-")
        return labelled(
            self.random.choice(
                [
                    f"{day:02}{mark}{month:02}{mark}{year}",
                    f"{day}{mark}{month}{mark}{year % 100:02}",
                    f"{month}{mark}{day}{mark}{year}",
                ]
            ),
            "date",
        )

    def year(self) -> Piece:
        return labelled(str(self.random.randint(1890, 2030)), "date")

    def age(self) -> Piece:
        return labelled(str(self.random.randint(1, 99)), "age")

    def username(self) -> Piece:
        first, last, digits = (
            self._first.lower().replace(" ", ""),
            self._last.lower().replace(" ", ""),
            self.digits(self.random.choice([1, 2, 2, 4])),
        )
        noun = self.random.choice(words.NOUNS)
        return labelled(
            self.random.choice(
                [
                    f"{first}{digits}",
                    f"{first}.{last}",
                    f"{first[0]}{last}",
                    f"{first}_{last}",
                    f"{noun}{digits}",
                    f"{first}{noun}",
                    f"{last}{digits}",
                    f"{noun}_{self.random.choice(words.NOUNS)}",
                ]
            ),
            "username",
        )

    def handle(self) -> Piece:
        inner = self.username().text
        return labelled(inner, "username", before="@")

    def nationality(self) -> Piece:
        return labelled(self.draw(words.DEMONYMS[self.language], " "), "nationality")

    def job(self) -> Piece:
        return labelled(self.draw(words.JOBS[self.language]), "job_title")

    def medical(self) -> Piece:
        return labelled(self.draw(words.MEDICAL[self.language]), "medical")

    def identifier(self) -> Piece:
        letters = "".join(
            self.random.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(self.random.choice([1, 2, 3]))
        )
        size = self.random.choice([5, 6, 7, 8, 9, 10])
        return labelled(
            self.random.choice(
                [
                    f"{letters}-{self.digits(size)}",
                    f"{letters}{self.digits(size)}",
                    self.digits(size),
                    f"{self.digits(3)}-{self.digits(2)}-{self.digits(4)}",
                    f"{self.digits(5)}/{self.digits(2)}",
                    f"{self.digits(2)} {letters} {self.digits(4)}",
                ]
            ),
            "id_number",
        )

    def work(self) -> Piece:
        """A title of a book, a film, a song or a product, which looks like a name."""
        noun, other = (
            self.random.choice(words.NOUNS).capitalize(),
            self.random.choice(words.NOUNS).capitalize(),
        )
        adjective = self.random.choice(words.ADJECTIVES).capitalize()
        return labelled(
            self.random.choice(
                [
                    f"The {adjective} {noun}",
                    f"{adjective} {noun}",
                    f"The {noun} of the {other}",
                    f"{noun}",
                    f"{adjective} {noun} {self.random.randint(2, 12)}",
                    f"A {noun} in {self.names.place(self.language)}",
                    f"{noun} and {other}",
                ]
            ),
            "other",
        )

    def brand(self) -> Piece:
        return labelled(self.names.made() + self.draw("| Pro| X| 3000| Max|OS| 2"), "other")

    def number(self) -> Piece:
        return Piece(
            self.random.choice(
                [
                    str(self.random.randint(0, 500)),
                    f"{self.random.randint(1, 99)}.{self.digits(1)}",
                    f"{self.random.randint(1, 999)},{self.digits(3)}",
                    f"{self.random.randint(1, 99)}%",
                    self.digits(6),
                ]
            )
        )

    def money(self) -> Piece:
        amount = f"{self.random.randint(1, 9999)}.{self.digits(2)}"
        return Piece(
            self.random.choice(
                [
                    f"${amount}",
                    f"{amount} EUR",
                    f"€{amount}",
                    f"{self.random.randint(1, 900)} million",
                    f"{amount} zł",
                    f"£{amount}",
                ]
            )
        )

    def adjective(self) -> Piece:
        return Piece(self.random.choice(words.ADJECTIVES))

    def noun(self) -> Piece:
        return Piece(self.random.choice(words.NOUNS))

    def plural(self) -> Piece:
        return Piece(self.random.choice(words.NOUNS) + "s")

    def mail(self) -> Piece:
        return Piece(
            f"{self._first}.{self._last}@{self.random.choice(words.NOUNS)}.{self.draw('com|org|net|de|fr|io')}".lower().replace(
                " ", ""
            )
        )

    def phone(self) -> Piece:
        return Piece(
            self.random.choice(
                [
                    f"+{self.digits(2)} {self.digits(3)} {self.digits(6)}",
                    f"({self.digits(3)}) {self.digits(3)}-{self.digits(4)}",
                    f"0{self.digits(3)} {self.digits(6)}",
                    f"{self.digits(3)}-{self.digits(3)}-{self.digits(4)}",
                ]
            )
        )

    def hexadecimal(self) -> Piece:
        return Piece(
            "".join(
                self.random.choice("0123456789abcdef") for _ in range(self.random.choice([6, 8, 12, 32, 40]))
            )
        )

    def time(self) -> Piece:
        return Piece(f"{self.random.randint(0, 23):02}:{self.random.randint(0, 59):02}")

    def code(self) -> Piece:
        """A name that a programmer gave."""
        one, two = self.random.choice(words.NOUNS), self.random.choice(words.NOUNS)
        adjective = self.random.choice(words.ADJECTIVES)
        return Piece(
            self.random.choice(
                [
                    f"{one}_{two}",
                    f"{one}{two.capitalize()}",
                    f"{one.capitalize()}{two.capitalize()}",
                    f"{adjective}_{one}_{two}",
                    f"get{one.capitalize()}",
                    f"{one.upper()}_{two.upper()}",
                    f"I{one.capitalize()}Factory",
                    f"{one}-{two}",
                ]
            )
        )
