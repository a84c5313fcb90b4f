import io
import json
import logging

import pytest

from ostiary import log
from ostiary.secret import Secret

CANARIES = {
    "our key": "ost_live_0123456789ab_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ_a1b2c3",
    "bearer": "Bearer abcdefghijklmnop.qrstuvwxyz",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "pem": "-----BEGIN PRIVATE KEY-----\nMIIEvQ==\n-----END PRIVATE KEY-----",
    "url password": "postgresql://me:hunter2hunter2@db/x",
    "e-mail": "ada.marsh@example.com",
    "iban": "DE89 3704 0044 0532 0130 00",
    "card": "4111 1111 1111 1111",
}


@pytest.fixture
def lines() -> io.StringIO:
    stream = io.StringIO()
    log.configure("debug", stream)
    return stream


@pytest.mark.parametrize("canary", CANARIES.values(), ids=list(CANARIES))
def test_no_canary_reaches_a_line_wherever_it_hides(lines: io.StringIO, canary: str) -> None:
    logger = log.get("test")
    logger.info(
        "plain." + canary,
        value=canary,
        nested={"deep": [canary, {"er": (canary,)}]},
        header={canary: 1},
    )
    logger.warning("as.object", error=ValueError(canary), key=Secret(canary))
    logging.getLogger("library").warning("it said %s", canary)
    try:
        raise ValueError(canary)
    except ValueError:
        logging.getLogger("library").exception("failed with %r", canary)
    written = lines.getvalue()
    assert canary not in written
    assert canary.encode("unicode_escape").decode() not in written
    assert len([json.loads(line) for line in written.splitlines()]) == 4


def test_a_value_under_a_secrets_name_is_gone_whatever_it_is(lines: io.StringIO) -> None:
    log.get("test").info("setting", password="abc", api_key="def", code="12345678", user_token={"a": "b"})
    event = json.loads(lines.getvalue())
    assert {event[name] for name in ("password", "api_key", "code", "user_token")} == {"***"}


def test_what_is_harmless_stays(lines: io.StringIO) -> None:
    log.get("test").info("call.ran", call="cal_0123456789abcdef0123456789abcdef", duration_us=1234)
    event = json.loads(lines.getvalue())
    assert event["call"] == "cal_0123456789abcdef0123456789abcdef"
    assert event["duration_us"] == 1234
    assert event["level"] == "info"


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("hunter2")
    assert [f"{secret}", str(secret), repr(secret), f"{secret!r:>4}"] == ["***", "***", "***", " ***"]
    assert secret.matches("hunter2")
    assert not secret.matches("hunter3")


def test_a_line_that_cannot_be_written_is_lost_and_breaks_nothing() -> None:
    stream = io.StringIO()
    log.configure("info", stream)
    stream.close()
    log.get("door").error("call.failed", call="cal_1")


def test_a_problems_code_is_read_and_a_typed_code_is_not() -> None:
    stream = io.StringIO()
    log.configure("info", stream)
    log.get("app").warning("flush.failed", code="keys.unavailable")
    log.get("app").warning("signed.in", code="12345678")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["code"], second["code"]) == ("keys.unavailable", "***")
