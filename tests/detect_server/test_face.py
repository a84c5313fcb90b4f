"""The detection service: what it answers, to whom, and that it finds what the engine finds in process."""

import asyncio
import json
import logging
from typing import Any

import pytest

from ostiary.clock import SystemClock
from ostiary.config import load
from ostiary.detect_server import face
from ostiary.detect_server.entities import categories_of, entity_of, names
from ostiary.detect_server.face import Exposed, Settings, application
from ostiary.detection.engine import detect
from ostiary.privacy.provider import provider_of
from ostiary.secret import Secret
from tests.completions import provider
from tests.detection.vectors import ALONE, HARMLESS

TOKEN = "t0ken-" * 5
TEXT = "write to jane@example.com, card 4111 1111 1111 1111"


def ask(
    path: str,
    body: Any = None,
    *,
    method: str | None = None,
    settings: Settings | None = None,
    headers: dict[str, str] | None = None,
    host: str = "localhost:8000",
) -> tuple[int, Any, dict[str, str]]:
    """(status, JSON or text, headers)."""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    sent: list[Any] = []
    waiting = [{"type": "http.request", "body": raw, "more_body": False}]

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    given = {"host": host, "content-type": "application/json", **(headers or {})}
    scope = {
        "type": "http", "method": method or ("GET" if body is None else "POST"), "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()], "client": ("127.0.0.1", 1), "scheme": "http",
    }  # fmt: skip
    asyncio.run(application(settings or Settings())(scope, receive, send))
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    content = sent[1]["body"]
    return (
        sent[0]["status"],
        json.loads(content) if "json" in answered["content-type"] else content.decode(),
        answered,
    )


def test_a_batch_gets_its_findings() -> None:
    status, answer, _ = ask("/v1/detect", {"texts": [TEXT, "nothing"]})
    assert status == 200
    assert answer["findings"] == [
        [
            {"start": 9, "end": 25, "category": "email", "country": "", "score": 0.95},
            {"start": 32, "end": 51, "category": "card", "country": "", "score": 0.99},
        ],
        [],
    ]


def test_the_service_finds_what_the_engine_finds_in_process() -> None:
    texts = [vector[1] for vector in ALONE] + HARMLESS
    _, answer, _ = ask("/v1/detect", {"texts": texts, "explain": True})
    here = [
        [{"start": f.start, "end": f.end, "category": f.category, "country": f.country, "score": f.score, "why": f.why} for f in found]
        for found in detect(texts)
    ]  # fmt: skip
    assert answer["findings"] == here


def test_a_rule_set_comes_by_value() -> None:
    rules = {
        "categories": ["staff"],
        "patterns": [{"name": "staff", "category": "staff", "pattern": "E-[0-9]{4}"}],
    }
    _, answer, _ = ask("/v1/detect", {"texts": [f"E-1234 {TEXT}"], "rules": rules})
    assert [f["category"] for f in answer["findings"][0]] == ["staff"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ([], ""),
        ({"texts": "x"}, "/texts"),
        ({"texts": [1]}, "/texts"),
        ({"texts": ["x"] * 10_001}, "/texts"),
        ({"texts": ["x"], "rules": []}, "/rules"),
        ({"texts": ["x"], "rules": {"patterns": [{"name": "a", "category": "a", "pattern": "("}]}}, "/rules"),
        ({"texts": ["x"], "explain": "yes"}, "/explain"),
        ({"texts": ["x"], "more": 1}, ""),
    ],
)
def test_what_is_wrong_is_named(body: Any, pointer: str) -> None:
    status, problem, headers = ask("/v1/detect", body)
    assert (status, problem["code"], headers["content-type"]) == (
        422,
        "params.invalid",
        "application/problem+json",
    )
    assert problem["errors"][0]["pointer"] == pointer


def test_a_body_that_is_no_json_or_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask("/v1/detect", b"{")[1]["code"] == "request.malformed"
    monkeypatch.setattr(face, "BODY_BYTES_MAX", 100)
    assert ask("/v1/detect", {"texts": ["x" * 200]})[1]["code"] == "request.too_large"


def test_when_too_many_wait_the_next_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face, "WAITING_MAX", 0)
    status, problem, headers = ask("/v1/detect", {"texts": ["x"]})
    assert (status, problem["code"], headers["retry-after"]) == (429, "limit.rate", "1")


def test_other_paths_and_methods_are_refused() -> None:
    assert ask("/v2/detect", {})[0] == 404
    assert ask("/v1/detect", method="GET")[0] == 405
    assert ask("/v1/detect", method="GET")[2]["allow"] == "POST"
    assert ask("/recognizers", {}, method="POST")[0] == 405


def test_a_foreign_host_name_is_refused() -> None:
    assert ask("/v1/detect", {"texts": []}, host="evil.example")[0] == 421
    assert ask("/v1/detect", {"texts": []}, host="127.0.0.1:8000")[0] == 200
    named = Settings(names=frozenset({"detect.example"}))
    assert ask("/v1/detect", {"texts": []}, host="detect.example", settings=named)[0] == 200


def test_others_reach_it_only_with_a_token() -> None:
    with pytest.raises(Exposed):
        application(Settings(host="0.0.0.0"))
    with pytest.raises(Exposed):
        application(Settings(token=Secret("short")))
    guarded = Settings(token=Secret(TOKEN))
    assert ask("/v1/detect", {"texts": []}, settings=guarded)[1]["code"] == "auth.required"
    wrong = {"authorization": "Bearer " + TOKEN[:-1]}
    assert ask("/v1/detect", {"texts": []}, settings=guarded, headers=wrong)[1]["code"] == "auth.refused"
    right = {"authorization": "Bearer " + TOKEN}
    assert ask("/v1/detect", {"texts": []}, settings=guarded, headers=right)[0] == 200
    assert ask("/metrics", settings=guarded)[0] == 401
    assert ask("/livez", settings=guarded, host="10.0.0.1")[0] == 200


def test_it_counts_and_logs_no_text(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        ask("/v1/detect", {"texts": [TEXT]})
        ask("/analyze", {"text": TEXT, "language": "en"})
    printed = capsys.readouterr()
    assert "jane" not in caplog.text + printed.out + printed.err
    assert "ostiary_detect_requests_total" in ask("/metrics")[1]


def test_analyze_answers_as_presidio_does() -> None:
    status, answer, _ = ask("/analyze", {"text": TEXT, "language": "en"})
    assert status == 200
    assert [(r["entity_type"], r["start"], r["end"]) for r in answer] == [
        ("EMAIL_ADDRESS", 9, 25),
        ("CREDIT_CARD", 32, 51),
    ]
    assert answer[0]["analysis_explanation"] is None
    assert answer[0]["recognition_metadata"]["recognizer_name"] == "e-mail address"


def test_analyze_takes_a_list_of_texts() -> None:
    _, answer, _ = ask("/analyze", {"text": [TEXT, "nothing"], "language": "en"})
    assert [len(each) for each in answer] == [2, 0]


@pytest.mark.parametrize(
    ("more", "entities"),
    [
        ({"entities": ["CREDIT_CARD"]}, ["CREDIT_CARD"]),
        ({"score_threshold": 0.97}, ["CREDIT_CARD"]),
        ({"allow_list": ["jane@example.com"]}, ["CREDIT_CARD"]),
        ({"allow_list": [".*@example[.]com"], "allow_list_match": "regex"}, ["CREDIT_CARD"]),
    ],
)
def test_analyze_is_narrowed(more: dict[str, Any], entities: list[str]) -> None:
    _, answer, _ = ask("/analyze", {"text": TEXT, "language": "en", **more})
    assert [row["entity_type"] for row in answer] == entities


def test_analyze_takes_recognizers_with_the_request() -> None:
    recognizers = [
        {"name": "Zip", "supported_language": "en", "supported_entity": "ZIP", "patterns": [{"name": "zip", "regex": "Z[0-9]{5}", "score": 0.6}]},
        {"name": "Titles", "supported_language": "en", "supported_entity": "TITLE", "deny_list": ["Mr", "Mrs"]},
    ]  # fmt: skip
    body = {
        "text": "Mrs Z12345",
        "language": "en",
        "ad_hoc_recognizers": recognizers,
        "entities": ["ZIP", "TITLE"],
    }
    _, answer, _ = ask("/analyze", body)
    assert [(r["entity_type"], r["start"], r["end"], r["score"]) for r in answer] == [
        ("TITLE", 0, 3, 1.0),
        ("ZIP", 4, 10, 0.6),
    ]


def test_analyze_explains() -> None:
    _, answer, _ = ask("/analyze", {"text": TEXT, "language": "en", "return_decision_process": True})
    assert answer[1]["analysis_explanation"]["textual_explanation"] == "payment card, context"


@pytest.mark.parametrize(
    "body",
    [
        {"language": "en"},
        {"text": "", "language": "en"},
        {"text": "x"},
        {"text": "x", "language": "en", "entities": ["NO_SUCH"]},
        {"text": "x", "language": "en", "score_threshold": "high"},
        {"text": "x", "language": "en", "ad_hoc_recognizers": [{"patterns": []}]},
        {
            "text": "x",
            "language": "en",
            "ad_hoc_recognizers": [{"supported_entity": "A", "patterns": [{"regex": "(?=x)"}]}],
        },
    ],
)
def test_analyze_refuses_in_presidios_words(body: dict[str, Any]) -> None:
    status, answer, _ = ask("/analyze", body)
    assert status == 400
    assert list(answer) == ["error"]


RESULTS = [
    {"start": 9, "end": 25, "score": 0.9, "entity_type": "EMAIL_ADDRESS"},
    {"start": 32, "end": 51, "score": 0.9, "entity_type": "CREDIT_CARD"},
]


def test_anonymize_replaces_by_the_entity() -> None:
    _, answer, _ = ask("/anonymize", {"text": TEXT, "analyzer_results": RESULTS})
    assert answer == {
        "text": "write to <EMAIL_ADDRESS>, card <CREDIT_CARD>",
        "items": [
            {
                "start": 31,
                "end": 44,
                "entity_type": "CREDIT_CARD",
                "text": "<CREDIT_CARD>",
                "operator": "replace",
            },
            {
                "start": 9,
                "end": 24,
                "entity_type": "EMAIL_ADDRESS",
                "text": "<EMAIL_ADDRESS>",
                "operator": "replace",
            },
        ],
    }


@pytest.mark.parametrize(
    ("operator", "shown"),
    [
        ({"type": "replace", "new_value": "X"}, "X"),
        ({"type": "redact"}, ""),
        ({"type": "keep"}, "jane@example.com"),
        ({"type": "mask", "masking_char": "*", "chars_to_mask": 12, "from_end": True}, "jane************"),
        ({"type": "mask", "masking_char": "*", "chars_to_mask": 5}, "*****example.com"),
        ({"type": "hash"}, "8c87b489ce35cf2e2f39f80e282cb2e804932a56a213983eeeb428407d43b52d"),
    ],
)
def test_anonymize_does_what_is_asked(operator: dict[str, Any], shown: str) -> None:
    body = {"text": TEXT, "analyzer_results": RESULTS[:1], "anonymizers": {"EMAIL_ADDRESS": operator}}
    assert ask("/anonymize", body)[1]["text"] == f"write to {shown}, card 4111 1111 1111 1111"


def test_anonymize_settles_overlaps() -> None:
    results = [
        {"start": 0, "end": 10, "score": 0.5, "entity_type": "A"},
        {"start": 5, "end": 12, "score": 0.9, "entity_type": "B"},
    ]
    assert (
        ask("/anonymize", {"text": "0123456789abcdef", "analyzer_results": results})[1]["text"]
        == "<A><B>cdef"
    )


@pytest.mark.parametrize(
    "body",
    [
        {"text": "", "analyzer_results": []},
        {"text": "x"},
        {"text": "x", "analyzer_results": [{"start": 0, "end": 2, "entity_type": "A"}]},
        {"text": "x", "analyzer_results": [{"start": -1, "end": 1, "entity_type": "A"}]},
        {
            "text": "x",
            "analyzer_results": [{"start": 0, "end": 1, "entity_type": "A"}],
            "anonymizers": {"A": {"type": "encrypt", "key": "k"}},
        },
        {
            "text": "x",
            "analyzer_results": [{"start": 0, "end": 1, "entity_type": "A"}],
            "anonymizers": {"A": {"type": "mask"}},
        },
    ],
)
def test_anonymize_refuses(body: dict[str, Any]) -> None:
    assert ask("/anonymize", body)[0] == 400


def test_what_there_is_can_be_listed() -> None:
    assert "PERSON" in ask("/supportedentities")[1]
    assert "payment card" in ask("/recognizers")[1]
    assert ask("/health")[0] == 200


def test_entities_and_categories_lead_to_each_other() -> None:
    assert entity_of("gb_nhs") == "UK_NHS"
    assert entity_of("gb_postcode") == "UK_POSTCODE"
    assert entity_of("github_token") == "GITHUB_TOKEN"
    assert categories_of("US_SSN") == ("us_ssn",)
    assert all(categories_of(name) for name in names())


def test_a_mistake_of_ours_shows_nothing_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_given: Any, **_more: Any) -> Any:
        raise IndexError(TEXT)

    monkeypatch.setitem(face.POSTED, "/v1/detect", broken)
    status, problem, _ = ask("/v1/detect", {"texts": [TEXT]})
    assert (status, problem["code"]) == (500, "internal")
    assert "jane" not in json.dumps(problem)


ASKS = {"provider": "required", "categories": ["email"], "described": [{"category": "health_complaint", "description": "a complaint about a person's health"}]}  # fmt: skip
LETTER = "Ann Poole writes that her back hurts again, and to answer her at ann@example.com."


def with_provider(url: str) -> Settings:
    env = {"OSTIARY_DETECT_MODEL_URL": url, "OSTIARY_DETECT_MODEL": "m"}
    return Settings(provider=provider_of(load(env, offline=True), SystemClock()))


def test_a_model_provider_joins_where_the_rules_ask_for_it() -> None:
    with provider(lambda text: [("her back hurts", "health_complaint")]) as (stub, url):
        settings = with_provider(url)
        status, answer, _ = ask("/v1/detect", {"texts": [LETTER], "rules": ASKS}, settings=settings)
        assert (status, answer["provider"]) == (200, "used")
        kinds = [(LETTER[each["start"] : each["end"]], each["category"]) for each in answer["findings"][0]]
        assert kinds == [("her back hurts", "health_complaint"), ("ann@example.com", "email")]
        assert stub.asked == [LETTER.replace("ann@example.com", "[email]")]
        _, answer, _ = ask("/v1/detect", {"texts": [LETTER]}, settings=settings)
        assert ("provider" in answer, len(stub.asked)) == (False, 1)


def test_a_provider_that_is_away_is_said_or_refuses() -> None:
    with provider() as (stub, url):
        stub.status = 503
        status, answer, _ = ask("/v1/detect", {"texts": [LETTER], "rules": ASKS}, settings=with_provider(url))
        assert (status, answer["code"]) == (503, "detect.provider_unavailable")
        assert "back" not in json.dumps(answer)
        rules = {**ASKS, "provider": "optional"}
        for settings in (with_provider(url), Settings()):
            status, answer, _ = ask("/v1/detect", {"texts": [LETTER], "rules": rules}, settings=settings)
            assert (status, answer["provider"], len(answer["findings"][0])) == (200, "away", 1)


def test_where_none_is_set_up_rules_that_require_one_are_refused() -> None:
    status, answer, _ = ask("/v1/detect", {"texts": [LETTER], "rules": ASKS})
    assert (status, answer["errors"][0]["pointer"]) == (422, "/rules/provider")
    status, answer, _ = ask("/v1/detect", {"texts": [LETTER], "rules": {"provider": "perhaps"}})
    assert (status, answer["errors"][0]["pointer"]) == (422, "/rules")
