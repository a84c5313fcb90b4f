"""What an item holds is counted, and no value of it is kept."""

import io
import pickle
import zipfile
from collections.abc import Iterator

import pytest

from ostiary.detection.rules import DEFAULT, RuleSet
from ostiary.scanning import look as looking
from ostiary.scanning.look import Limits, Looked, look, look_long
from ostiary.scanning.place import Item, Sample
from ostiary.scanning.sampled import held
from ostiary.scanning.through import look_at

FAST = RuleSet(categories=frozenset({"email", "card", "national_id", "password", "phone", "api_key"}))
MAILS = b"write to ada@marsh.example or bob@marsh.example, or ada@marsh.example again\n"


@pytest.fixture(autouse=True)
def _reader_ends() -> Iterator[None]:
    yield
    looking.close()


def seen(name: str, content: bytes, limits: Limits | None = None, size: int | None = None) -> Looked:
    item = Item(name, len(content) if size is None else size, "v1")
    return look(item, content, FAST, limits or Limits(), b"key")


def test_a_text_is_counted_by_findings_and_by_distinct_values() -> None:
    looked = seen("a.txt", MAILS)
    assert (looked.state, looked.counts, looked.distinct) == ("looked", {"email": 3}, {"email": 2})
    assert looked.version == "v1"
    assert b"marsh" not in pickle.dumps(looked)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_a_text_is_read_in_its_encoding(encoding: str) -> None:
    assert seen("a.txt", "für ada@marsh.example".encode(encoding)).counts == {"email": 1}


def test_digests_are_equal_for_equal_content_under_one_key_only() -> None:
    one, same = seen("a", MAILS), seen("b", MAILS)
    other = look(Item("a", 1, ""), MAILS, FAST, Limits(), b"another")
    assert one.digest == same.digest != other.digest
    assert len(one.digest) == 64
    assert look(Item("a", 1, ""), MAILS, FAST, Limits()).digest == ""


def test_columns_of_a_table_are_judged_by_their_names() -> None:
    content = b"who,ssn,password\n" + b"".join(
        b"x,123-45-%04d,hunter%dtwo\n" % (1000 + n, n) for n in range(9)
    )
    assert seen("people.csv", content).counts["password"] == 9
    assert seen("people.csv", content).distinct["password"] == 9


def test_documents_are_read_and_what_is_broken_among_texts_is_still_looked_at() -> None:
    assert seen("page.html", b"<html><body><p>ada@marsh.example</p></body></html>").counts == {"email": 1}
    hidden = b"<html><body><!-- bob@marsh.example --><p>ada@marsh.example</p></body></html>"
    assert seen("page.html", hidden).counts == {"email": 2}
    assert seen("page.xml", b"<open>ada@marsh.example").counts == {"email": 1}


def test_what_is_not_looked_at_says_why() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("any.bin", "x")
    ole = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")
    states = {
        name: (seen(name, content).state)
        for name, content in {
            "a.gz": b"\x1f\x8b\x08\0\0\0\0\0",
            "a.bin": bytes(range(256)) * 8,
            "a.db": b"SQLite format 3\0" + b"\0" * 100,
            "a.gpg": b"-----BEGIN PGP MESSAGE-----\n",
            "a.docx": ole,
            "empty": b"",
        }.items()
    }
    assert states == {
        "a.gz": "archive",
        "a.bin": "unsupported",
        "a.db": "database",
        "a.gpg": "encrypted",
        "a.docx": "encrypted",
        "empty": "looked",
    }
    assert seen("a.png", b"\x89PNG\r\n\x1a\n", Limits(pictures=False)).state == "unwanted"
    assert seen("a.pdf", b"%PDF-1.7\n", size=10**9).state == "too_large"
    assert seen("a.log", MAILS, size=10**9).state == "in_part"


def test_a_long_text_gives_the_same_however_it_is_cut_and_a_finding_at_a_border_counts_once() -> None:
    text = (b"nothing here, only words and words and words \xc3\xa9\n" * 400 + MAILS) * 20
    whole = seen("a.log", text)
    for size in (1000, 65_537, len(text)):
        chunks = [text[at : at + size] for at in range(0, len(text), size)]
        cut = look_long(Item("a.log", len(text), "v1"), chunks, FAST, Limits(), b"key")
        assert cut == whole
    assert whole.counts == {"email": 60}
    assert whole.distinct == {"email": 2}
    short = look_long(Item("a.log", len(text), "v1"), [text], FAST, Limits(text_bytes_max=1000))
    assert (short.state, short.counts) == ("in_part", {})


class Long:
    """A place with one long text, that keeps count of what was read at once."""

    kind = "folder"

    def __init__(self, content: bytes) -> None:
        self.content, self.most = content, 0

    def items(self, after: str) -> Iterator[Item]:
        yield Item("a.log", len(self.content), "v")

    def read(self, item: Item, bytes_max: int, start: int = 0) -> bytes:
        self.most = max(self.most, bytes_max)
        return self.content[start : start + bytes_max]


def test_what_is_longer_than_is_held_is_read_in_pieces() -> None:
    place = Long(b"word \n" * 100_000 + MAILS)
    (item,) = place.items("")
    looked = look_at(place, item, FAST, Limits(bytes_max=50_000), b"key")
    assert (looked.state, looked.counts) == ("looked", {"email": 3})
    assert looked.digest == looking.digest_of(place.content, b"key")


def column(name: str, values: list[str], rows: int = 1000) -> dict[str, int]:
    return dict(held(Sample(name, "text", tuple(values), rows), DEFAULT, 1000).counts)


CARDS = [f"4000 0000 0000 {number:04d}" for number in range(2000)]


def test_a_column_is_what_most_of_its_values_are() -> None:
    mails = [f"user{number}@marsh.example" for number in range(20)]
    assert column("contact", mails) == {"email": 20}
    assert column("anything", mails[:2] + ["none"] * 8) == {"email": 2}


def test_numbers_that_pass_a_check_digit_by_chance_are_no_cards() -> None:
    """One in ten of any numbers passes."""
    numbers = [f"4{number * 7919:015d}" for number in range(100)]
    assert column("order_number", numbers) == {}
    valid = ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117"]
    assert column("anything", valid) == {"card": 4}


def test_names_have_no_form_so_the_columns_name_decides() -> None:
    names = ["Ada Marsh", "Bob Stone", "Eve Rivers"]
    assert column("last_name", ["Marsh", "Stone", "Rivers"]) == {"person": 3}
    assert column("customerName", names) == {"person": 3}
    assert column("file_name", names) == {}
    assert column("city", ["Paris", "Rome"]) == {"location": 2}
    assert column("last_name", ["17", "18", "19"]) == {}


def test_share_rows_and_values_of_a_column_are_told() -> None:
    sample = Sample("mail", "text", ("ada@marsh.example", "bob@marsh.example", "none"), 5000)
    looked = look(Item("t.mail", 0, ""), sample, FAST, Limits(), b"k")
    assert (looked.counts, looked.rows, looked.values) == ({"email": 2}, 5000, 3)
    assert round(looked.share, 2) == 0.67


def test_names_are_looked_for_unless_left_out() -> None:
    text = b"Dear Anna Miller, thank you. Yours, Robert Stone, mail robert@stone.example\n"
    item = Item("a.txt", len(text), "v")
    whole, quick = (look(item, text, DEFAULT, Limits(names=names)).counts for names in (True, False))
    assert (whole["person"] >= 1, whole["email"]) == (True, 1)
    assert quick == {"email": 1}
