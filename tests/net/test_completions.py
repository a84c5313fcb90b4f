"""A question to a model provider over real HTTP: what is sent, and every answer that is none."""

import pytest

from ostiary.detection.provider import ProviderAway
from ostiary.net import completions
from ostiary.net.completions import ANSWER_BYTES_MAX, Endpoint, ask
from ostiary.secret import Secret
from tests.completions import provider

DATA = '{"text": "the limp of Ned Ash"}'


def test_the_question_the_model_and_the_key_are_sent_and_the_answer_comes_back() -> None:
    with provider(lambda _text: [("Ned Ash", "person")]) as (stub, url):
        said = ask(Endpoint(url, "small-1", Secret("k-123"), 5), "Find.", DATA)
        assert said == '{"findings": [{"quote": "Ned Ash", "category": "person"}]}'
        assert (stub.keys, stub.asked) == (["Bearer k-123"], ["the limp of Ned Ash"])
        heard = stub.heard[0]
        assert (heard["path"], heard["model"], heard["temperature"]) == ("/v1/chat/completions", "small-1", 0)
        assert heard["messages"][0] == {"role": "system", "content": "Find."}
        ask(Endpoint(url, "small-1", Secret(""), 5), "Find.", DATA)
        assert stub.keys[1] == ""


@pytest.mark.parametrize(
    ("status", "body", "finish"),
    [
        (500, None, "stop"),
        (401, None, "stop"),
        (302, None, "stop"),
        (200, b"<html>", "stop"),
        (200, b"[]", "stop"),
        (200, b'{"choices": []}', "stop"),
        (200, b'{"choices": [{"message": {"content": null}}]}', "stop"),
        (200, None, "length"),
        (200, b" " * (ANSWER_BYTES_MAX + 1), "stop"),
    ],
)
def test_what_is_no_whole_answer_is_none(status: int, body: bytes | None, finish: str) -> None:
    with provider() as (stub, url):
        stub.status, stub.body, stub.finish = status, body, finish
        with pytest.raises(ProviderAway) as raised:
            ask(Endpoint(url, "m", Secret("k-123"), 5), "Find.", DATA)
        assert "k-123" not in str(raised.value)
        assert "Ned" not in str(raised.value)
        assert len(stub.heard) == 1, "no redirect is followed, and nothing is asked twice"


def test_nobody_there_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with provider() as (_stub, url):
        pass
    monkeypatch.setenv("HTTP_PROXY", url)
    with pytest.raises(ProviderAway, match="cannot be asked"):
        ask(Endpoint(url, "m", Secret(""), 1), "Find.", DATA)


def test_who_trickles_is_waited_for_no_longer_than_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late:
        ticks = 0

        def monotonic_us(self) -> int:
            self.ticks += 1
            return self.ticks * 4_000_000

    monkeypatch.setattr(completions, "_CLOCK", Late())
    with provider() as (_stub, url), pytest.raises(ProviderAway, match="TimeoutError"):
        ask(Endpoint(url, "m", Secret(""), 3), "Find.", DATA)
