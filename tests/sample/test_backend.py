"""The back-end does what is asked once or each time, and only for who holds the secret."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from ostiary.net.signature import sign
from ostiary.sample.backend import Mood, application
from ostiary.sample.company import make
from ostiary.sample.serving import served
from ostiary.sample.store import Books, write_company
from ostiary.secret import Secret
from tests.conftest import StillClock

SECRET = Secret("a secret that only the gateway and the back-end know")
NOW_S = 1_760_000_000
REFUND = {"invoice_id": "INV-20001", "amount": "64.90", "currency": "EUR", "reason": "cracked lid"}
LETTER = {"customer_id": "C-1001", "subject": "Sorry", "text": "We are sorry about the lid."}
PAYMENT = {
    "iban": "LT601010012345678901",
    "beneficiary": "N",
    "amount": "4950.00",
    "currency": "EUR",
    "reference": "r",
}


class Shop:
    """The back-end in memory, and a caller who signs."""

    def __init__(self, folder: Path, clock: StillClock, secrets: list[Secret] | None = None) -> None:
        write_company(make(), folder / "company.db")
        self.mood = Mood()
        self.path = folder / "books.db"
        self.clock = clock
        self.nonces = 0
        self.application = application(
            books=self.path,
            company=folder / "company.db",
            secrets=secrets or [SECRET],
            mood=self.mood,
            clock=clock,
        )

    def ask(self, method: str, path: str, content: Any = None, **options: Any) -> httpx.Response:
        return asyncio.run(self._ask(method, path, content, **options))

    async def _ask(self, method: str, path: str, content: Any, *, key: str = "", secret: Secret = SECRET, now_s: int = NOW_S, nonce: str = "", body: bytes | None = None, header: str | None = None) -> httpx.Response:  # fmt: skip
        self.nonces += 1
        raw = b"" if content is None else orjson.dumps(content)
        signed = sign(
            [secret],
            method=method,
            path=path,
            body=raw,
            now_s=now_s,
            nonce=nonce or f"nonce-number-{self.nonces:04d}",
        )
        headers = {"Ostiary-Signature": signed if header is None else header} | (
            {"Idempotency-Key": key} if key else {}
        )
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self.application), base_url="http://shop"
        ) as client:
            return await client.request(method, path, content=raw if body is None else body, headers=headers)

    def deeds(self, kind: str = "") -> list[dict[str, Any]]:
        books = Books(self.path)
        found = [deed.content for deed in books.deeds(kind)]
        books.close()
        return found


@pytest.fixture
def shop(tmp_path: Path, clock: StillClock) -> Shop:
    return Shop(tmp_path, clock)


def test_a_signed_refund_is_done(shop: Shop) -> None:
    answer = shop.ask("POST", "/refunds", REFUND, key="key-number-1")
    assert answer.status_code == 200
    assert answer.json() == {"refund_id": "R-9001", "status": "done"} | REFUND
    assert shop.deeds() == [REFUND]


def test_a_repeated_key_is_done_once_and_answered_the_same(shop: Shop) -> None:
    answers = [shop.ask("POST", "/refunds", REFUND, key="key-number-1").content for _ in range(3)]
    assert len(set(answers)) == 1
    assert shop.deeds() == [REFUND]


def test_a_repeated_key_with_other_content_is_refused(shop: Shop) -> None:
    shop.ask("POST", "/refunds", REFUND, key="key-number-1")
    answer = shop.ask("POST", "/refunds", REFUND | {"amount": "1.00"}, key="key-number-1")
    assert answer.status_code == 422
    assert shop.deeds() == [REFUND]


def test_another_key_is_another_refund(shop: Shop) -> None:
    shop.ask("POST", "/refunds", REFUND, key="key-number-1")
    assert shop.ask("POST", "/refunds", REFUND, key="key-number-2").json()["refund_id"] == "R-9002"
    assert len(shop.deeds("refund")) == 2


def test_letters_know_no_keys(shop: Shop) -> None:
    for _ in range(3):
        assert shop.ask("POST", "/letters", LETTER, key="key-number-1").status_code == 200
    assert shop.deeds("letter") == [LETTER, LETTER, LETTER]


def test_payments_are_done_once_a_key(shop: Shop) -> None:
    for _ in range(2):
        assert shop.ask("POST", "/payments", PAYMENT, key="key-number-1").status_code == 200
    assert shop.deeds("payment") == [PAYMENT]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"amount": "64.91"}, 422),
        ({"amount": "0.00"}, 422),
        ({"amount": "1e3"}, 422),
        ({"amount": 64.9}, 422),
        ({"invoice_id": "INV-1"}, 404),
        ({"currency": "USD"}, 409),
        ({"extra": "x"}, 422),
    ],
)
def test_a_refund_that_makes_no_sense_is_refused(shop: Shop, change: dict[str, Any], status: int) -> None:
    assert shop.ask("POST", "/refunds", REFUND | change, key="key-number-1").status_code == status
    assert shop.deeds() == []


def test_a_refund_without_a_key_is_refused(shop: Shop) -> None:
    assert shop.ask("POST", "/refunds", REFUND).status_code == 400
    assert shop.deeds() == []


@pytest.mark.parametrize(
    "how",
    [
        {"secret": Secret("another secret")},
        {"header": ""},
        {"header": "t=1760000000,n=nonce-number-0001,v1=" + "0" * 64},
        {"body": orjson.dumps(REFUND | {"amount": "64.89"})},
        {"now_s": NOW_S - 301},
        {"now_s": NOW_S + 301},
    ],
)
def test_a_request_that_is_not_rightly_signed_reaches_nothing(shop: Shop, how: dict[str, Any]) -> None:
    answer = shop.ask("POST", "/refunds", REFUND, key="key-number-1", **how)
    assert answer.status_code == 401
    assert shop.deeds() == []
    assert shop.mood.heard == 0


def test_a_captured_request_does_not_work_twice(shop: Shop) -> None:
    assert shop.ask("POST", "/letters", LETTER, nonce="the-same-nonce-twice").status_code == 200
    assert shop.ask("POST", "/letters", LETTER, nonce="the-same-nonce-twice").status_code == 401
    shop.clock.advance(601)
    assert shop.ask("POST", "/letters", LETTER, nonce="the-same-nonce-twice").status_code == 401
    assert len(shop.deeds()) == 1


def test_reads_are_signed_with_their_query(shop: Shop) -> None:
    assert shop.ask("GET", "/invoices/INV-20001?fields=all").json()["amount"] == "64.90"
    assert shop.ask("GET", "/tickets/T-4001").json()["customer_id"] == "C-1001"
    assert shop.ask("GET", "/orders/O-30001").json()["status"] == "delivered"
    assert shop.ask("GET", "/orders/O-1").status_code == 404


def test_two_secrets_are_good_while_one_is_rotated(tmp_path: Path, clock: StillClock) -> None:
    shop = Shop(tmp_path, clock, [Secret("new"), SECRET])
    assert shop.ask("GET", "/orders/O-30001").status_code == 200
    assert shop.ask("GET", "/orders/O-30001", secret=Secret("new")).status_code == 200
    assert shop.ask("GET", "/orders/O-30001", secret=Secret("old")).status_code == 401


def test_it_can_lie_and_be_down_and_talk_too_much(shop: Shop) -> None:
    shop.mood.lie = True
    assert shop.ask("POST", "/refunds", REFUND, key="key-number-1").json() == {
        "stauts": 7,
        "note": ["not what was agreed"],
    }
    shop.mood.lie, shop.mood.huge_bytes = False, 2_000_000
    assert len(shop.ask("GET", "/orders/O-30001").content) > 2_000_000
    shop.mood.down = True
    assert shop.ask("POST", "/refunds", REFUND, key="key-number-2").status_code == 503
    assert shop.deeds("refund") == [REFUND]


def test_it_can_vanish_after_the_work_is_done(shop: Shop) -> None:
    shop.mood.vanish = 1
    with served(shop.application) as url:
        raw = orjson.dumps(LETTER)
        signed = [
            sign(
                [SECRET],
                method="POST",
                path="/letters",
                body=raw,
                now_s=NOW_S,
                nonce=f"over-the-wire-{at:04d}",
            )
            for at in range(2)
        ]
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(
                f"{url}/letters", content=raw, headers={"Ostiary-Signature": signed[0]}, trust_env=False
            )
        assert (
            httpx.post(
                f"{url}/letters", content=raw, headers={"Ostiary-Signature": signed[1]}, trust_env=False
            ).status_code
            == 200
        )
    assert shop.deeds("letter") == [LETTER, LETTER]


def test_a_body_beyond_the_bound_is_refused(shop: Shop) -> None:
    assert shop.ask("POST", "/letters", LETTER | {"text": "x" * 70_000}).status_code == 413
    assert shop.ask("POST", "/letters", body=b"{not json").status_code == 401
