import pytest

from ostiary import config
from ostiary.errors import ConfigurationError
from tests.keys import ROOT_KEY

GOOD = {"OSTIARY_ROOT_KEY": ROOT_KEY}


def mistakes(environ: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        config.load(environ)
    return caught.value.mistakes


def test_the_defaults_are_complete_but_for_the_root_key() -> None:
    settings = config.load(GOOD)
    assert settings.port == 8080
    assert settings.public_url == "http://localhost:8080"
    assert settings.keys_url != settings.database_url
    assert mistakes({}) == [
        "OSTIARY_ROOT_KEY is not set; make one with `ostiary keys generate` and keep it safe"
    ]


def test_every_mistake_is_named_at_once() -> None:
    found = mistakes({"OSTIARY_PORT": "many", "OSTIARY_LOG_LEVEL": "loud", "OSTIARY_PROT": "8080"})
    assert found == [
        "OSTIARY_PROT is not a setting of Ostiary",
        "OSTIARY_PORT must be a whole number from 0 to 65535",
        "OSTIARY_LOG_LEVEL must be one of debug, info, warning, error",
        "OSTIARY_ROOT_KEY is not set; make one with `ostiary keys generate` and keep it safe",
    ]


def test_listening_beyond_loopback_needs_tls_or_a_proxy() -> None:
    assert "beyond loopback" in mistakes({**GOOD, "OSTIARY_HOST": "0.0.0.0"})[0]
    behind = {
        **GOOD,
        "OSTIARY_HOST": "0.0.0.0",
        "OSTIARY_BEHIND_PROXY": "10.0.0.0/8",
        "OSTIARY_PUBLIC_URL": "https://gate.example",
    }
    assert config.load(behind).host == "0.0.0.0"


def test_a_mounted_file_stands_for_the_variable_and_both_are_a_mistake(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "key").write_text(ROOT_KEY + "\n")
    settings = config.load({"OSTIARY_ROOT_KEY_FILE": str(tmp_path / "key")})
    assert settings.root_key.reveal() == ROOT_KEY
    both = mistakes({**GOOD, "OSTIARY_ROOT_KEY_FILE": str(tmp_path / "key")})
    assert both == ["OSTIARY_ROOT_KEY and OSTIARY_ROOT_KEY_FILE are both set; keep one"]


def test_a_key_of_the_wrong_size_is_refused_and_not_repeated() -> None:
    (mistake,) = mistakes({"OSTIARY_ROOT_KEY": "c2hvcnQ="})
    assert "32 bytes" in mistake
    assert "c2hvcnQ" not in mistake


def test_hosts_are_those_of_the_public_url_and_no_loopback_name_when_listening_beyond() -> None:
    assert config.allowed_hosts(config.load(GOOD)) == frozenset({"localhost", "127.0.0.1", "::1"})
    beyond = {
        **GOOD,
        "OSTIARY_HOST": "10.1.2.3",
        "OSTIARY_BEHIND_PROXY": "10.0.0.0/8",
        "OSTIARY_PUBLIC_URL": "https://gate.example",
    }
    assert config.allowed_hosts(config.load(beyond)) == frozenset({"gate.example"})
