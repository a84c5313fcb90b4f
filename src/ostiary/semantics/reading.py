"""From the words of a question to what was found of the model in it. What is neither of the model nor of the grammar of questions is left over, by name."""

from ostiary.semantics import periods
from ostiary.semantics.found import AskBack, Found
from ostiary.semantics.lexicon import Lexicon, Meaning, phrase
from ostiary.semantics.plan import Measured
from ostiary.semantics.telling import called, plainly
from ostiary.semantics.tokens import Item
from ostiary.semantics.walk import Walk
from ostiary.semantics.words import (
    BY,
    BY_PHRASES,
    COMPARED,
    COUNTED,
    DISTINCT,
    FILLER,
    FUNCTIONS,
    HELD,
    HOLDING,
    LACKED,
    LACKING,
    LEAST,
    MOST,
    NAMED,
    NEGATED,
    ORDERED,
    ORDERS,
    RETURNING,
    TEXTS,
    THEIRS,
    VERSUS,
    WHICH,
)

LIMIT_MAX = 10_000


class Reader(Walk):
    """From words to what was found."""

    def __init__(self, lexicon: Lexicon, question: str) -> None:
        super().__init__(lexicon, question)
        self._found = Found()
        self._returning = False
        """After "return" stand the columns of the answer: fields among them are what it is told by."""
        self._about = ""
        """The dataset that was named last."""
        self._about_to = 0
        """Where its name ended."""
        self._left_out: set[int] = set()
        """Where words stand that mean nothing."""
        self._ranked_to = -1
        """Where what the order goes by ended."""
        self._singly = False
        """The one is meant: the customer who …"""
        self._ranking = False
        """The next measure is the one that the order goes by."""

    def read(self) -> Found:
        while self._at < len(self._items):
            item = self._items[self._at]
            if item.kind == "period":
                self._found.periods.append(item.value)
                self._found.period_of = self._about
                self._at += 1
            elif self._versus():
                continue
            elif item.kind == "grain" and not (self._called() and self._word()):
                self._found.grains.append(item.value)
                self._at += 1
                self._more_by()
            elif item.kind == "stop":
                self._at += 1
            elif self._days(item):
                continue
            elif not self._word():
                self._unknown(item)
        self._found.joined = self._joined
        return self._found

    def _days(self, item: Item) -> bool:
        """`on weekends`; after an `and` they would be asked about besides the others."""
        if item.kind != "days" or self._found.days or self._text_at(self._at - 1) in ("and", "or", ",", "not"):  # fmt: skip
            return False
        self._found.days = item.value
        self._at += 1
        return True

    def _word(self) -> bool:
        return (
            self._ordered()
            or self._either()
            or self._text_of()
            or self._lacking()
            or self._told_by()
            or self._counted()
            or self._ranked()
            or self._compared_measure()
            or self._meant()
            or self._filler()
        )

    def _unknown(self, item: Item) -> None:
        """A text between quotes, or words with capitals, would be a value of a field that nobody named."""
        if item.kind == "quoted":
            self._found.unplaced.append(item.text)
        elif self._at and self._capital(item):
            said = [str(item.value)]
            while self._at + 1 < len(self._items) and self._capital(self._items[self._at + 1]) and not self._lexicon.at(self._words, self._at + 1)[0]:  # fmt: skip
                self._at += 1
                said.append(str(self._items[self._at].value))
            self._found.unplaced.append(" ".join(said))
        else:
            self._found.unknown.append(item.text)
        self._at += 1

    def _text_of(self) -> bool:
        """`"paid" orders`, where the model has that value; `"Ford" in their make`; `named "Ada"`."""
        item = self._items[self._at]
        if item.text in NAMED and item.kind == "word" and self._about:
            after = self._items[self._at + 1] if self._at + 1 < len(self._items) else None
            known = self._lexicon.model.dataset(self._about)
            names = [Meaning("field", self._about, each.name) for each in self._lexicon.naming(self._about) if known and each.name not in known.key]  # fmt: skip
            if len(names) != 1 or after is None or after.kind != "quoted":
                return False
            self._found.filters.append((names, "=", (after.value,), item.text))
            self._at += 2
            return True
        if item.kind != "quoted":
            return False
        at = self._at + 1
        if self._next("in", ahead=1):
            at += 1
            while at < len(self._items) and self._items[at].text in THEIRS:
                at += 1
            size, meanings = self._lexicon.at(self._words, at)
            fields = [each for each in meanings if each.kind == "field" and self._kind(each) in ("text", "")]
            if fields:
                words = " ".join(each.text for each in self._items[at : at + size])
                self._found.filters.append((fields, "contains", (item.value,), words))
                self._at = at + size
                return True
        said = phrase(item.text)
        size, meanings = self._lexicon.at(list(said), 0)
        values = [each for each in meanings if each.kind == "value"]
        if not values or size != len(said):
            return False
        self._found.filters.append((values, "=", tuple({each.value for each in values})[:1], item.text))
        self._at += 1
        return True

    def _versus(self) -> bool:
        """`compared to last year`."""
        length = next((len(each) for each in VERSUS if self._next(*each)), 0)
        at = self._at + length
        if not length or at >= len(self._items) or self._items[at].kind != "period":
            return False
        self._found.compared = self._items[at].value
        self._at = at + 1
        return True

    def _ordered(self) -> bool:
        """`in descending order`, `sorted by revenue`, `from highest to lowest`."""
        for said, order in ORDERED:
            if self._next(*said):
                return self._in_order(order, len(said))
        at = self._at
        for word in ("starting", "from", "with", "the"):
            at += self._text_at(at) == word
        down = self._text_at(at) in MOST
        if at == self._at or self._text_at(at) not in MOST | LEAST:
            return False
        end = next((place + 1 + (self._text_at(place + 1) == "the") for place in (at + 1, at + 2) if self._text_at(place) == "to"), 0)  # fmt: skip
        if end and self._text_at(end) in (LEAST if down else MOST):
            if self._text_at(at + 1) != "to":  # from the best ratings to the lowest
                self._items[end], self._words[end] = self._items[at + 1], self._words[at + 1]
                return self._in_order("most" if down else "least", end - self._at, ranking=True)
            return self._in_order("most" if down else "least", end + 1 - self._at, ranking=True)
        if self._items[self._at].text == "starting":
            return self._in_order("most" if down else "least", at + 1 - self._at)
        return False

    def _in_order(self, order: str, length: int, *, ranking: bool = False) -> bool:
        self._found.order = self._found.order or order
        self._found.after = order
        self._ranking = self._ranking or ranking
        self._at += length
        return True

    def _either(self) -> bool:
        """`rating over 4 or city is "Oslo"`: of one condition and one more."""
        found = self._found
        if not self._next("or") or not found.filters or found.either:
            return False
        self._at += 1
        while self._at < len(self._items) and self._filler():
            continue
        others = (found.measures, found.by, found.bare, found.datasets, found.having, found.unknown, found.unplaced)  # fmt: skip
        before, count = [len(each) for each in others], len(found.filters)
        if self._at < len(self._items) and self._items[self._at].kind in ("word", "quoted") and self._word() and len(found.filters) == count + 1 and before == [len(each) for each in others]:  # fmt: skip
            found.either = True
            return True
        raise AskBack("Which of the two? I understand “or” between two conditions.")

    def _told_by(self) -> bool:
        length = next((len(each) for each in BY_PHRASES if self._next(*each)), 0)
        if not length and self._items[self._at].text in BY:
            length = 1
        if not length:
            return False
        at = self._at + length
        while at < len(self._words) and self._words[at] in ("the", "a", "of", "every", "each", "different", "unique"):  # fmt: skip
            at += 1
        size, meanings = self._lexicon.at(self._words, at)
        told = [each for each in meanings if each.kind in ("field", "dataset")]
        if told and all(each.kind == "field" for each in told) and self._sorting():
            self._at = at
            self._found.sorted.append((told, self._text(size)))
            self._at += size
            return True
        if any(each.kind == "metric" for each in meanings) or not told:  # top 5 customers by revenue
            before, self._at, self._ranking = self._at, at, True
            if at < len(self._items) and (self._counted() or (meanings and self._meant())):
                return True
            self._at, self._ranking = before, False
            return False
        self._name_at(at, size, told)
        if self._done_by() and all(each.kind == "dataset" for each in told):  # made by customers from Peru
            self._found.datasets.append(told[0].dataset)
            self._at = at + size
            return True
        self._at = at
        self._by(size, told)
        self._more_by()
        return True

    def _sorting(self) -> bool:
        """Whether `ordered`, or `order the results`, stands before."""
        at = self._at - 1
        while at in self._left_out and self._items[at].text not in ORDERS:
            at -= 1
        return at in self._left_out

    def _lacking(self) -> bool:
        """`without orders`, `who have not made any orders`: of what was named just before, those that no row of the other belongs to."""
        at = self._at + max((len(each) for each in LACKING if self._next(*each)), default=0)
        if at == self._at or not self._about:
            return False
        while at < len(self._words) and self._items[at].kind == "word" and self._items[at].text in LACKED:
            at += 1
        size, meanings = self._lexicon.at(self._words, at)
        other = [each.dataset for each in meanings if each.kind == "dataset"]
        if len(other) != 1 or other[0] == self._about:
            return False
        self._found.lacking.append((self._about, other[0]))
        self._at = at + size
        if any(self._next(each) for each in ("and", "or", "nor")):
            raise AskBack(f"Without {plainly(other[0])}, and what else? Ask for one condition at a time.")
        return True

    def _name_at(self, at: int, size: int, meanings: list[Meaning]) -> None:
        """What was named: a dataset, or a field by its dataset's name too. Where it may be several it is none."""
        words = set(self._words[at : at + size])
        named = {
            each.dataset
            for each in meanings
            if each.kind in ("dataset", "field")
            and (known := self._lexicon.model.dataset(each.dataset))
            and any(set(phrase(called)) <= words for called in (known.name, *known.synonyms))
        }
        if named:
            self._about = named.pop() if len(named) == 1 else ""
            self._about_to = at + size

    def _more_by(self) -> None:
        """`and status`, `and month`."""
        while self._at + 1 < len(self._items) and self._items[self._at].text in ("and", ","):
            grain = periods.UNITS.get(self._words[self._at + 1])
            size, meanings = self._lexicon.at(self._words, self._at + 1)
            told = [each for each in meanings if each.kind in ("field", "dataset")]
            if any(each.kind == "metric" for each in meanings) or not (told or grain):
                return
            self._at += 1
            if told:
                self._by(size, told)
            elif grain:
                self._found.grains.append(grain)
                self._at += 1

    def _by(self, size: int, told: list[Meaning]) -> None:
        self._found.by.append((told, self._text(size)))
        self._found.grouped = True
        self._at += size

    def _counted(self) -> bool:
        """`number of orders`, `average rating`: where the model has no metric of that name."""
        size, meanings = self._lexicon.at(self._words, self._at)
        if any(each.kind == "metric" for each in meanings):
            return False
        said = max((each for each in FUNCTIONS if self._next(*each)), key=len, default=())
        if not said:
            return False
        at = self._at + len(said)
        while at < len(self._words) and self._words[at] in ("the", "of", "all", "total"):
            at += 1
        size, meanings = self._lexicon.at(self._words, at)
        function = FUNCTIONS[said]
        metrics = [each for each in meanings if each.kind == "metric"]
        if metrics and (
            said == ("total",) or (said in COUNTED and all(map(self._counts, metrics)))
        ):  # of whatever the metric is
            self._at = at
            return self._meant()
        if not meanings and said in COUNTED and len(said) == 1 and self._returning and self._found.measures:
            self._at += len(said)  # return the country and the count
            return True
        fitting = [each for each in meanings if self._fits(function, each)]
        if len(fitting) != 1:
            if not fitting:
                return False
            raise AskBack(f"Which {' '.join(each.text for each in self._items[at : at + size])}?", tuple(f"{' '.join(said)} {called(each)}" for each in fitting))  # fmt: skip
        (meant,) = fitting
        self._name_at(at, size, fitting)
        if meant.kind == "dataset":
            self._measured(Measured(function="count", dataset=meant.dataset))
            self._found.datasets.append(meant.dataset)
        else:
            how = "distinct" if function == "count" else function
            self._measured(Measured(function=how, dataset=meant.dataset, field=meant.name))
        self._at = at + size
        return True

    def _measured(self, measured: Measured) -> None:
        if measured not in self._found.measures:
            self._found.measures.append(measured)
        if self._ranking:
            self._found.ordering, self._ranking = measured, False

    def _ranked(self) -> bool:
        """`top 5`, `5 largest`, `the most`."""
        item = self._items[self._at]
        after = self._items[self._at + 1] if self._at + 1 < len(self._items) else None
        if self._at and self._items[self._at - 1].text == "at":  # at least
            return False
        if item.kind == "word" and item.text in MOST | LEAST:
            if self._found.superlative and self._found.order != ("most" if item.text in MOST else "least"):
                raise AskBack("The highest or the lowest: ask for one of them.")
            self._found.order = "most" if item.text in MOST else "least"
            self._ranking = self._found.ordering is None
            self._at += 1
            if after and after.kind == "number":
                self._limit(after.value)
                self._at += 1
            elif after and after.kind == "word" and after.text in periods._NUMBERS:
                self._limit(periods._NUMBERS[after.text])
                self._at += 1
            elif not self._found.limit:
                self._found.superlative = True
                which = item.text in ("top", "bottom") or self._items[0].text in WHICH or self._singly
                self._found.alone = self._found.alone or not which
            return True
        if item.kind == "number" and after and after.text in MOST | LEAST:
            self._limit(item.value)
            self._found.order = "most" if after.text in MOST else "least"
            self._ranking = self._found.ordering is None
            self._at += 2
            return True
        if item.text in ("first", "limit") and after and after.kind == "number":
            self._limit(after.value)
            self._at += 2
            return True
        return False

    def _limit(self, value: float) -> None:
        if not value.is_integer() or not 1 <= value <= LIMIT_MAX:
            raise AskBack(f"How many: a whole number from 1 to {LIMIT_MAX:,}.")
        self._found.limit = int(value)

    def _compared_measure(self) -> bool:
        """`with more than 10 orders`: a condition on what is counted."""
        at = self._at + (1 if self._items[self._at].text in ("with", "having", "have", "has", "had") else 0)
        for said, operator in COMPARED:
            if [each.text for each in self._items[at : at + len(said)]] != list(said) or said[0] in ("is", "of"):  # fmt: skip
                continue
            place = at + len(said)
            if place < len(self._items) and self._items[place].kind == "number":
                size, meanings = self._lexicon.at(self._words, place + 1)
                counted = [each for each in meanings if each.kind in ("dataset", "metric")]
                if counted:
                    meant = counted[0]
                    measured = Measured(metric=meant.name) if meant.kind == "metric" else Measured(function="count", dataset=meant.dataset)  # fmt: skip
                    self._found.having.append((measured, operator, self._items[place].value))
                    self._at = place + 1 + size
                    return True
        return False

    def _meant(self) -> bool:
        size, meanings = self._lexicon.at(self._words, self._at)
        if not meanings:
            return False
        words = self._text(size)
        before_about = self._about, self._about_to
        self._name_at(self._at, size, meanings)
        metrics = [each for each in meanings if each.kind == "metric"]
        values = [each for each in meanings if each.kind == "value"]
        if len(metrics) > 1:
            raise AskBack(f"Which {words}?", tuple(plainly(each.name) for each in metrics))
        self._at += size
        if metrics:
            measured = Measured(metric=metrics[0].name)
            if not self._condition_on(measured):
                self._measured(measured)
            return True
        if values:
            said = tuple({each.value for each in values})[:1]
            others = self._other_values(values)
            self._found.filters.append(
                (values, "in", (*said, *others), words) if others else (values, "=", said, words)
            )
            return True
        fields = [each for each in meanings if each.kind == "field"]
        if fields and self._condition(fields, words):
            return True
        if fields and self._ranking and all(self._kind(each) in ("number", "time") for each in fields):
            self._found.ranked, self._ranking = (fields, words), False
            which = self._items[0].text in WHICH and self._text_at(1) not in ("is", "was", "are", "were")
            found = self._found
            found.ranked_first = not (which or found.bare or found.datasets or found.by or found.grains)
            self._ranked_to = self._at
            return True
        datasets = [each for each in meanings if each.kind == "dataset"]
        if datasets:
            before, after = self._at - size - 1, self._items[self._at : self._at + 1]
            one = self._items[self._at - 1].text == self._words[self._at - 1]
            self._singly |= one and before >= 0 and self._items[before].text == "the" and bool(after) and after[0].text in ("who", "that", "which", "with", "whose")  # fmt: skip
            self._held(datasets[0].dataset, size, before_about)
            self._found.datasets.append(datasets[0].dataset)
            self._found.ranked_first &= (
                self._at - size != self._ranked_to
            )  # the highest amount orders are several
            return True
        (self._found.by if self._returning else self._found.bare).append((fields, words))
        return True

    def _held(self, dataset: str, size: int, before: tuple[str, int]) -> None:
        """`customers who made orders`: of what was named just before, those that rows of this belong to."""
        of, at = before
        between = {each.text for each in self._items[at : self._at - size]}
        if of and of != dataset and between & HOLDING and between <= HELD:
            self._found.holding.append((of, dataset))

    def _condition_on(self, measured: Measured) -> bool:
        for said, operator in COMPARED:
            place = self._at + len(said)
            if self._next(*said) and said[0] not in ("is", "of") and place < len(self._items) and self._items[place].kind == "number":  # fmt: skip
                self._found.having.append((measured, operator, self._items[place].value))
                self._at = place + 1
                return True
        return False

    def _condition(self, fields: list[Meaning], words: str) -> bool:
        """What follows a field: `status is "paid"`, `price over 300`, `rating between 3 and 4`."""
        if self._next("between") and [each.kind for each in self._items[self._at + 1 : self._at + 4]] == ["number", "word", "number"]:  # fmt: skip
            low, high = self._items[self._at + 1].value, self._items[self._at + 3].value
            self._found.filters.append((fields, "between", (low, high), words))
            self._at += 4
            return True
        for denied in NEGATED:
            at = self._at + len(denied)
            if self._next(*denied) and at < len(self._items) and self._items[at].kind == "quoted":
                self._found.filters.append((fields, "<>", (self._items[at].value,), words))
                self._at = at + 1
                return True
        for said, operator in (*COMPARED, *TEXTS, ((), "=")):
            at = self._at + len(said)
            if not self._next(*said) or at >= len(self._items):
                continue
            item = self._items[at]
            textual = operator in ("starts", "ends", "contains")
            if (item.kind == "quoted" and (textual or operator == "=")) or (item.kind == "number" and said and not textual):  # fmt: skip
                self._at = at + 1
                values = (item.value, *self._others(item.kind) * (operator == "="))
                self._found.filters.append((fields, operator if len(values) == 1 else "in", values, words))
                return True
        return False

    def _filler(self) -> bool:
        item = self._items[self._at]
        if item.kind == "word" and item.text in DISTINCT and not self._found.measures:
            self._found.distinct = True
            self._at += 1
            return True
        if item.kind == "word" and item.text in FILLER:
            self._returning = self._returning or item.text in RETURNING
            self._left_out.add(self._at)
            self._at += 1
            return True
        return False
