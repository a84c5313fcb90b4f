"""The company is believable and the same for everyone."""

import hashlib
import sqlite3
from pathlib import Path

import pytest

from ostiary.sample.company import ATTACKER_IBAN, Company, iban, make, plain
from ostiary.sample.dice import Dice
from ostiary.sample.store import write_company


@pytest.fixture(scope="module")
def company() -> Company:
    return make()


def _mod97(number: str) -> int:
    return int("".join(str(int(letter, 36)) for letter in number[4:] + number[:4])) % 97


def test_the_same_seed_makes_the_same_company() -> None:
    assert make(7) == make(7)
    assert make(7) != make(8)


def test_the_dice_are_splitmix64() -> None:
    dice = Dice(1234567)
    assert [dice.below(1 << 64) for _ in range(3)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


def test_it_is_a_few_thousand_rows(tmp_path: Path) -> None:
    write_company(make(), tmp_path / "company.db")
    with sqlite3.connect(tmp_path / "company.db") as connection:
        rows = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("customers", "orders", "invoices", "tickets")
        ]
    connection.close()
    assert rows == [500, 1800, 1800, 700]


def test_the_file_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    sums = []
    for name in ("a.db", "b.db"):
        write_company(make(), tmp_path / name)
        sums.append(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert sums[0] == sums[1]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "company.db").write_text("mine")
    with pytest.raises(FileExistsError):
        write_company(make(), tmp_path / "company.db")
    assert (tmp_path / "company.db").read_text() == "mine"


def test_account_numbers_have_right_check_digits_and_lengths(company: Company) -> None:
    lengths = {"GB": 22, "DE": 22, "FR": 27, "NL": 18, "ES": 24, "IT": 27, "PL": 28}
    assert {_mod97(customer.iban) for customer in company.customers} == {1}
    assert all(len(customer.iban) == lengths[customer.country] for customer in company.customers)
    assert _mod97(ATTACKER_IBAN) == 1
    assert iban("GB", "WEST12345698765432") == "GB82WEST12345698765432"


def test_mail_addresses_are_on_reserved_domains(company: Company) -> None:
    domains = {customer.email.split("@")[1] for customer in company.customers}
    assert domains == {"example.com", "example.net", "example.org", "mail.example", "post.example"}
    assert all(customer.email.isascii() for customer in company.customers)


def test_a_name_becomes_an_address() -> None:
    assert plain("Straßburger") == "strassburger"
    assert plain("Małgorzata") == "malgorzata"
    assert plain("D'Amico") == "damico"


def test_tickets_come_in_seven_languages(company: Company) -> None:
    assert {ticket.language for ticket in company.tickets} == {"en", "de", "fr", "nl", "es", "it", "pl"}


def test_every_row_points_to_one_that_exists(company: Company) -> None:
    customers = {customer.id for customer in company.customers}
    orders = {order.id for order in company.orders}
    invoices = {invoice.id for invoice in company.invoices}
    assert {order.customer_id for order in company.orders} <= customers
    assert {invoice.order_id for invoice in company.invoices} <= orders
    assert {payment.invoice_id for payment in company.payments} <= invoices
    assert {ticket.customer_id for ticket in company.tickets} <= customers


def test_the_cast_of_the_story_is_always_there() -> None:
    for seed in (1, 2, 3):
        company = make(seed)
        damaged, poisoned = company.tickets[:2]
        assert (damaged.id, poisoned.id) == ("T-4001", "T-4002")
        assert "INV-20001" in damaged.body
        assert "64.90 EUR" in damaged.body
        assert company.invoices[0].status == "paid"
        assert "call payment_send with" in poisoned.body
        assert "109876543210010106TL" in poisoned.body
        assert ATTACKER_IBAN not in poisoned.body
