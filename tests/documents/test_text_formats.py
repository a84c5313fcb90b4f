"""Text, tables and JSON: what does not change stays byte for byte."""

import csv
import io
import json
from collections.abc import Iterable

import pytest

from ostiary.documents import redacting
from ostiary.documents.redacting import Settings, redact
from ostiary.documents.sought import Sought
from ostiary.errors import DocumentMalformed
from ostiary.redaction.keys import Scope
from ostiary.redaction.operators import Surroundings
from ostiary.redaction.plan import read
from tests.documents.given import MAIL, NAME, SETTINGS


def new(content: bytes, name: str) -> bytes:
    return redact(content, name, SETTINGS).content


def test_text_keeps_everything_but_what_was_found() -> None:
    assert (
        new(f"# Hello\r\n\r\n*{NAME}* <{MAIL}>\r\n".encode(), "a.md")
        == b"# Hello\r\n\r\n*[person]* <[email]>\r\n"
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "latin-1", "utf-32"])
def test_text_comes_back_in_its_encoding(encoding: str) -> None:
    content = f"Gr\xfc\xdfe an {MAIL}\n".encode(encoding)
    assert new(content, "a.txt").decode(encoding) == "Gr\xfc\xdfe an [email]\n"


def test_a_value_found_once_is_replaced_in_every_spelling() -> None:
    text = (
        f"{NAME}; ZEBEDEUX  QUILLFEATHER; zebedeux-quillfeather; zebedeux_quillfeather; Zébedeux Quillfeather"
    )
    assert new(text.encode(), "a.txt") == "; ".join(["[person]"] * 5).encode()


def test_a_table_keeps_its_quotes_and_endings() -> None:
    content = f'"id";"mail";note\r\n"1";"{MAIL}";"say ""hi"""\r\n2;;plain\r\n'.encode()
    assert new(content, "a.csv") == b'"id";"mail";note\r\n"1";"[email]";"say ""hi"""\r\n2;;plain\r\n'


def test_a_column_says_what_its_cells_are() -> None:
    assert new(b"row,password\n17,hunter2-horse\n", "a.csv") == b"row,password\n17,[password]\n"


def test_a_name_in_two_cells_goes_as_well() -> None:
    first, last = NAME.split()
    rows = list(
        csv.reader(io.StringIO(new(f"who,first,last\n{NAME},{first},{last}\n".encode(), "a.csv").decode()))
    )
    assert rows == [["who", "first", "last"], ["[person]", "[person]", "[person]"]]


def test_an_open_quote_is_refused() -> None:
    with pytest.raises(DocumentMalformed):
        new(b'a,"b\nc', "a.csv")


def test_json_keeps_its_spaces_and_order() -> None:
    content = (
        f'{{ "b" : "{MAIL}",\n  "a":[1, 2.50, "\\u0041 x"],"{NAME}": null,"password": 12345678 }}'
    ).encode()
    assert new(content, "a.json") == (
        b'{ "b" : "[email]",\n  "a":[1, 2.50, "\\u0041 x"],"[person]": null,"password": "[password]" }'
    )


def test_two_names_that_fall_together_lose_nothing() -> None:
    content = b'{"a@marsh.example": 1, "b@marsh.example": 2}'
    assert json.loads(new(content, "a.json")) == {"[email]": 1, "[email] 2": 2}


def test_escaped_letters_are_read() -> None:
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in MAIL)
    assert new(f'["{escaped}"]'.encode(), "a.json") == b'["[email]"]'


def test_json_within_json() -> None:
    inner = json.dumps(json.dumps({"x": {"mail": MAIL}}))
    assert MAIL not in new(f'{{"data": {inner}}}'.encode(), "a.json").decode()


def test_lines_of_json() -> None:
    content = f'{{"m": "{MAIL}"}}\n\n{{"m": 1}}\n'.encode()
    assert new(content, "a.jsonl") == b'{"m": "[email]"}\n\n{"m": 1}\n'


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(DocumentMalformed):
        new(b'{"a": ', "a.json")


def test_findings_name_their_place_and_no_value() -> None:
    done = redact(f'{{"a": [0, "{MAIL}"]}}'.encode(), "a.json", SETTINGS)
    assert [(each.place, each.category, each.operator) for each in done.found] == [
        ("$.a[1]", "email", "replace")
    ]
    assert MAIL not in repr(done)


def test_what_was_written_is_put_together_once_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was once a cell, and three thousand rows took a minute."""
    made = []

    def counted(values: Iterable[str]) -> Sought:
        made.append(1)
        return Sought(values)

    monkeypatch.setattr(redacting, "Sought", counted)
    rows = "".join(f"person{number}@marsh.example\n" for number in range(100))
    plan = read('{"rules": {"email": "hash"}}')
    key = Surroundings(Scope("local", "documents", {1: b"k" * 32}, 1))
    done = redact(f"mail\n{rows}".encode(), "a.csv", Settings(plan=plan, around=key))
    assert len(done.found) == 100
    assert len(made) <= redacting.PASSES_MAX + 1
