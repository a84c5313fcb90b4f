"""Rule sets that ask a model provider, through the door of a whole gateway, with a provider on a port."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.completions import provider
from tests.house import House, play

TEXT = "Ann Poole writes that her back hurts again, and to answer her at ann@example.com."
RULES = "provider: required\ncategories: [email]\ndescribed:\n  - {category: health_complaint, description: a complaint about a person's health}\n"
PLAN = "rule_set: care\nscope: care\nrules: {email: token, health_complaint: remove}\n"


def complaint(text: str) -> list[tuple[str, str]]:
    return [("her back hurts", "health_complaint")] if "her back hurts" in text else []


def set_up(url: str) -> Any:
    return {"OSTIARY_DETECT_MODEL_URL": url, "OSTIARY_DETECT_MODEL": "m", "OSTIARY_DETECT_MODEL_KEY": "k-1"}


async def made(house: House, rules: str = RULES) -> None:
    await house.good("PUT", "/v1/redaction-rules/care", json={"text": rules})
    put = await house.good("PUT", "/v1/redaction-plans/care", json={"text": PLAN})
    assert put["unknown"] == []


async def redacted(house: House, **given: Any) -> Any:
    return await house.ask("POST", "/v1/redact", json={"plan": "care", **given})


def test_a_described_kind_is_redacted_and_what_we_found_ourselves_does_not_leave(tmp_path: Path) -> None:
    with provider(complaint) as (stub, url):

        async def story(house: House) -> None:
            await made(house)
            done = (await redacted(house, text=TEXT)).json()
            assert done["text"].startswith("Ann Poole writes that  again, and to answer her at ostk_")
            assert (done["counts"], done["provider"]) == ({"email": 1, "health_complaint": 1}, "used")
            assert stub.asked == [TEXT.replace("ann@example.com", "[email]")]
            value = {"note": TEXT, "mail": "ann@example.com", "n": 4711}
            done = (await redacted(house, value=value)).json()
            assert done["value"]["note"].startswith("Ann Poole writes that  again")
            assert len(stub.asked) == 1, "the same paragraph is asked about once"
            assert "ann@example.com" not in json.dumps(stub.heard)
            assert stub.keys == ["Bearer k-1"]

        play(tmp_path, story, **set_up(url))


def test_without_a_provider_nothing_is_redacted_by_less_than_was_meant(tmp_path: Path) -> None:
    with provider(complaint) as (stub, url):

        async def story(house: House) -> None:
            await made(house)
            stub.status = 503
            away = await redacted(house, text=TEXT)
            assert (away.status_code, away.json()["code"]) == (503, "detect.provider_unavailable")
            assert "her back" not in away.text
            stub.status, stub.body = 200, b'{"choices": [{"message": {"content": "Sure!"}}]}'
            assert (await redacted(house, text=TEXT)).status_code == 503
            stub.status = 503
            await made(house, RULES.replace("required", "optional"))
            done = (await redacted(house, text=TEXT)).json()
            assert (done["provider"], done["counts"]) == ("away", {"email": 1})
            stub.status, stub.body = 200, None
            done = (await redacted(house, text=TEXT)).json()
            assert (done["provider"], done["counts"]) == ("used", {"email": 1, "health_complaint": 1})

        play(tmp_path, story, **set_up(url))


def test_where_the_operator_set_none_up_such_a_rule_set_is_refused(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        said = "No model provider is set up here: the operator sets OSTIARY_DETECT_MODEL_URL."
        answer = await house.ask("PUT", "/v1/redaction-rules/care", json={"text": RULES})
        assert (answer.status_code, answer.json()["code"]) == (422, "redaction.invalid")
        assert answer.json()["errors"] == [{"pointer": "/provider", "detail": said}]
        checked = await house.good("POST", "/v1/redaction-rules/check", json={"text": RULES})
        assert checked["mistakes"] == [{"pointer": "/provider", "detail": said}]

    play(tmp_path, story)


def test_a_tenant_that_asks_for_none_sends_nothing(tmp_path: Path) -> None:
    with provider(complaint) as (stub, url):

        async def story(house: House) -> None:
            await made(house, "categories: [email]\n")
            done = (await redacted(house, text=TEXT)).json()
            assert (done["provider"], stub.heard) == ("", [])

        async def made(house: House, rules: str) -> None:
            await house.good("PUT", "/v1/redaction-rules/care", json={"text": rules})
            plan = PLAN.replace(", health_complaint: remove", "")
            await house.good("PUT", "/v1/redaction-plans/care", json={"text": plan})

        play(tmp_path, story, **set_up(url))


@pytest.mark.parametrize(
    "said",
    [
        [],
        [("[email]", "person"), ("again, and to answer her at [email].", "health_complaint")],
        [("Ann Poole writes that her back hurts again, and to answer her at ", "health_complaint")],
        [(TEXT, "health_complaint"), ("ann@example.com", "health_complaint")],
    ],
)
def test_whatever_it_says_the_other_tiers_findings_are_redacted(
    tmp_path: Path, said: list[tuple[str, str]]
) -> None:
    """A text that has talked the model into anything: the address is a token all the same."""
    with provider(lambda _text: said) as (_stub, url):

        async def story(house: House) -> None:
            await made(house)
            keep = PLAN.replace("health_complaint: remove", "health_complaint: keep")
            await house.good("PUT", "/v1/redaction-plans/care", json={"text": keep})
            done = (await redacted(house, text=TEXT)).json()
            assert "ann@example.com" not in done["text"]
            assert done["counts"] == {"email": 1}

        play(tmp_path, story, **set_up(url))
