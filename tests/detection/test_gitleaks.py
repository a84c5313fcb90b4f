import pytest

from ostiary.detection import gitleaks
from ostiary.detection.engine import detect
from ostiary.detection.gitleaks import BadGitleaks, Skipped, category_of, read
from ostiary.detection.rules import RuleSet

ACME = r"""
[[rules]]
id = "acme-key"
description = "a key of the company"
regex = '''(?i)\bacme_(?:live|test)_([a-z0-9]{12})\b'''
keywords = ["acme_"]
entropy = 2.5
tags = ["key"]
"""
OURS = RuleSet(categories=frozenset({"acme_key"}), patterns=read(ACME).patterns)


def found(text: str, rules: RuleSet) -> list[tuple[str, str, str]]:
    return [(f.category, text[f.start : f.end], f.why) for f in detect([text], rules)[0]]


def test_a_rule_becomes_a_pattern_with_a_category_of_its_name() -> None:
    assert found("x ACME_live_a1b2c3d4e5f6 y", OURS) == [("acme_key", "a1b2c3d4e5f6", "acme-key")]
    assert read(ACME).skipped == ()


def test_a_value_of_too_little_entropy_is_none() -> None:
    assert found("acme_live_aaaaaaaaaaaa", OURS) == []


def test_where_no_keyword_stands_a_rule_is_not_asked() -> None:
    rules = RuleSet(patterns=read(ACME.replace('["acme_"]', '["elsewhere"]')).patterns)
    assert [f for f in found("acme_live_a1b2c3d4e5f6", rules) if f[0] == "acme_key"] == []


def test_the_named_group_holds_the_secret() -> None:
    text = ACME.replace("acme_(?:live|test)_([a-z0-9]{12})", "acme_(live|test)_([a-z0-9]{12})")
    assert read(text).patterns[0].group == 0
    assert read(text).skipped[0].reason.startswith("several groups")
    assert read(text + "secretGroup = 2\n").patterns[0].group == 2
    assert read(text + "secretGroup = 3\n").skipped == (
        Skipped("acme-key", "it cannot be run: there is no group 3"),
    )


@pytest.mark.parametrize(
    "more",
    [
        "[rules.allowlist]\nregexes = ['''^a1b2''']",
        "[[rules.allowlists]]\nregexes = ['''^a1b2''']",
        "[[rules.allowlists]]\nregexTarget = 'match'\nregexes = ['''(?i)acme_live''']",
        "[[rules.allowlists]]\nstopwords = ['C3D4']",
        "[allowlist]\nregexes = ['''e5f6$''']",
        "[[allowlists]]\ntargetRules = ['acme-key']\nstopwords = ['a1b2']",
    ],
)
def test_what_is_allowed_is_no_finding(more: str) -> None:
    imported = read(ACME + more)
    assert imported.skipped == ()
    rules = RuleSet(categories=frozenset({"acme_key"}), patterns=imported.patterns)
    assert found("ACME_live_a1b2c3d4e5f6", rules) == []
    assert len(found("acme_test_q9w8r7t6z5u4", rules)) == 1


def test_an_allow_list_for_another_rule_allows_nothing() -> None:
    imported = read(ACME + "[[allowlists]]\ntargetRules = ['other']\nstopwords = ['a1b2']")
    assert imported.patterns[0].stop_words == ()


@pytest.mark.parametrize(
    ("text", "rule", "reason"),
    [
        ("[[rules]]\nid = 'keys'\npath = '''\\.pem$'''\n", "keys", "no regex"),
        (ACME + "path = '''\\.env$'''\n", "acme-key", "without its path"),
        (ACME + "skipReport = true\n", "acme-key", "skipReport"),
        (ACME + "[[rules.allowlists]]\npaths = ['''test/''']\n", "acme-key", "an allow-list of paths"),
        (ACME + "[[rules.allowlists]]\ncommits = ['abc']\n", "acme-key", "an allow-list of commits"),
        (ACME + "[[rules.allowlists]]\ncondition = 'AND'\npaths = ['x']\nstopwords = ['a1b2']\n", "acme-key", "paths and stopwords at once"),
        (ACME + "[[rules.allowlists]]\nregexTarget = 'line'\nregexes = ['x']\n", "acme-key", "whole line"),
        (ACME + "[[rules.allowlists]]\nregexes = ['(?=x)']\n", "acme-key", "a part of an allow-list cannot be run"),
        (ACME.replace("\\b'''", "(?!x)'''"), "acme-key", "it cannot be run"),
        (ACME.replace("2.5", "'high'"), "acme-key", "entropy is no number"),
        (ACME + "[allowlist]\npaths = ['x']\n", "allowlist", "an allow-list of paths"),
        ("[extend]\nuseDefault = true\n" + ACME, "extend", "no other configuration is read"),
        ("[extend]\ndisabledRules = ['acme-key']\n" + ACME, "acme-key", "disables it"),
    ],
)  # fmt: skip
def test_what_is_not_taken_over_is_named(text: str, rule: str, reason: str) -> None:
    skipped = read(text).skipped
    assert [each.rule for each in skipped] == [rule]
    assert reason in skipped[0].reason


@pytest.mark.parametrize("text", ["[[rules", "rules = 3", "rules = ['x']"])
def test_what_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(BadGitleaks):
        read(text)


def test_a_huge_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gitleaks, "FILE_CHARACTERS_MAX", 10)
    with pytest.raises(BadGitleaks):
        read(ACME)


def test_a_file_may_be_read_into_a_rule_set() -> None:
    assert len(read(ACME).into(RuleSet()).patterns) == 1


def test_the_name_of_a_category_is_plain() -> None:
    assert category_of("AWS Access-Token (v2)") == "aws_access_token_v2"
    assert category_of("1password") == "rule_1password"
