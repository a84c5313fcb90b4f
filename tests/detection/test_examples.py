"""A pattern from examples: what it is, what it says, and what is no rule."""

import pytest

from ostiary.detection.examples import inferred
from ostiary.detection.rules import BadRules, compiled


@pytest.mark.parametrize(
    ("examples", "pattern", "reading"),
    [
        (["ACME-4711", "ACME-20001"], r"\bACME\-[0-9]{4,5}\b", '"ACME", then "-", then 4 to 5 digits'),
        (["AB 12/x", "CD 34/y"], r"\b[A-Z]{2} [0-9]{2}\/[a-z]{1}\b", '2 capital letters, then " ", then 2 digits, then "/", then 1 small letter'),
        (["a9K2f7", "7bb01C"], r"\b[0-9A-Za-z]{6}\b", "6 digits or letters"),
        (["#12", "#7"], r"\#[0-9]{1,2}\b", '"#", then 1 to 2 digits'),
        (["Ä-1", "Ö-2"], r"\p{L}{1}\-[0-9]{1}\b", '1 letter of any script, then "-", then 1 digit'),
        ([" X-1 ", "X-1", "X-2"], r"\bX\-[0-9]{1}\b", '"X", then "-", then 1 digit'),
    ],
)  # fmt: skip
def test_what_examples_have_in_common(examples: list[str], pattern: str, reading: str) -> None:
    found = inferred(examples)
    assert (found.pattern, found.reading) == (pattern, reading)
    for example in examples:
        assert compiled("test", found.pattern).search(f"see {example.strip()}, please") is not None


@pytest.mark.parametrize(
    ("examples", "counter"),
    [
        (["ACME-1"], []),
        (["ACME-1", "ACME-1"], []),
        (["ACME-1", "4711/22/x"], []),
        (["Nora", "Paul"], []),
        (["", "A1"], []),
        (["x" * 101, "y1"], []),
        (["ACME-1", "ACME-2"], ["ACME-3"]),
        ([f"A{n}" for n in range(101)], []),
    ],
)
def test_what_is_no_rule(examples: list[str], counter: list[str]) -> None:
    with pytest.raises(BadRules) as raised:
        inferred(examples, counter)
    assert not any(each in str(raised.value) for each in examples if len(each) > 2)
