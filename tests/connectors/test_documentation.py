"""What docs/connectors.md promises a receiver is run as it is written there."""

import re
import time
from pathlib import Path

import pytest

from ostiary.connectors.settings import (
    DuckdbSettings,
    HttpSettings,
    MysqlSettings,
    PostgresqlSettings,
    SqliteSettings,
)
from ostiary.net.signature import sign
from ostiary.secret import Secret

PAGE = (Path(__file__).parents[2] / "docs" / "connectors.md").read_text()
BODY = b'{"amount":12}'


@pytest.fixture
def is_ours():
    names: dict[str, object] = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], names)  # the documentation's own code
    return names["is_ours"]


def header(*secrets: str, at_s: int | None = None, nonce: str = "n" * 24) -> str:
    return sign(
        [Secret(text) for text in secrets],
        method="POST",
        path="/refunds?dry=1",
        body=BODY,
        now_s=int(time.time()) if at_s is None else at_s,
        nonce=nonce,
    )


def test_the_documented_receiver_takes_our_requests_once(is_ours):
    seen: set[str] = set()
    assert is_ours(header("secret"), "secret", "POST", "/refunds?dry=1", BODY, seen)
    assert not is_ours(header("secret"), "secret", "POST", "/refunds?dry=1", BODY, seen)


def test_the_documented_receiver_takes_either_secret_during_rotation(is_ours):
    assert is_ours(header("new", "old"), "old", "POST", "/refunds?dry=1", BODY, set())
    assert is_ours(header("new", "old"), "new", "POST", "/refunds?dry=1", BODY, set())


def test_the_documented_receiver_refuses_everything_else(is_ours):
    good = header("secret")
    for given in (
        (good, "other", "POST", "/refunds?dry=1", BODY),
        (good, "secret", "PUT", "/refunds?dry=1", BODY),
        (good, "secret", "POST", "/refunds?dry=0", BODY),
        (good, "secret", "POST", "/refunds?dry=1", BODY + b" "),
        (header("secret", at_s=int(time.time()) - 301), "secret", "POST", "/refunds?dry=1", BODY),
        (header("secret", at_s=int(time.time()) + 400), "secret", "POST", "/refunds?dry=1", BODY),
        ("", "secret", "POST", "/refunds?dry=1", BODY),
        ("v1=,t=", "secret", "POST", "/refunds?dry=1", BODY),
    ):
        assert not is_ours(*given, set())


@pytest.mark.parametrize(
    "settings", [HttpSettings, SqliteSettings, PostgresqlSettings, MysqlSettings, DuckdbSettings]
)
def test_every_setting_is_documented(settings):
    kind = settings.model_fields["kind"].annotation.__args__[0]
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| `{kind}` |")]
    for name in settings.model_fields.keys() - {"kind"}:
        assert f"`{name}`" in row
