"""docs/contracts.md says what is true: its examples check, its tables are complete, its numbers are the ones in force."""

import re
from pathlib import Path

import pytest

from ostiary.connectors.targets import METHODS, check_target
from ostiary.contracts import file, schema, source
from ostiary.contracts.contract import LABELS
from ostiary.contracts.file import check_text

PAGE = (Path(__file__).parents[2] / "docs" / "contracts.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=[text.split("name: ")[1].split("\n")[0] for text in EXAMPLES]
)
def test_an_example_checks(example: str):
    assert check_text(example, "actions.yaml", check_target).text() == "actions.yaml: 1 action, no mistakes"


def test_the_wrong_example_gives_the_mistakes_that_are_shown():
    wrong = re.findall(r"```yaml wrong\n(.*?)```", PAGE, re.DOTALL)
    shown = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert (len(EXAMPLES), len(wrong), len(shown)) == (5, 1, 1)
    assert check_text(wrong[0], "actions.yaml", check_target).text() == shown[0].rstrip("\n")


def test_every_key_label_format_method_and_reserved_word_is_named():
    for key in file._KEYS:
        assert f"\n| `{key}` |" in PAGE
    for word in (*LABELS, *schema.FORMATS):
        assert f"`{word}`" in PAGE
    for method in METHODS:
        assert method in PAGE
    ours = PAGE.split("First words that are ours: ")[1].split(".")[0].replace("\n", " ")
    assert set(ours.split(", ")) == file.RESERVED


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        (source.FILE_BYTES_MAX, "1048576 bytes"),
        (source.VALUES_MAX, "100000 values"),
        (source.DEPTH_MAX, "a depth of 40"),
        (source.ALIASES_MAX, "up to 100"),
        (source.TEXT_CHARACTERS_MAX, "20000 characters"),
        (file.ACTIONS_MAX, "500 actions"),
        (file.NAME_CHARACTERS_MAX, "at most 64 characters"),
        (file.TITLE_CHARACTERS_MAX, "at most 100 characters"),
        (file.DESCRIPTION_CHARACTERS_MAX, "at most 4000 characters"),
        (file.SENTENCE_CHARACTERS_MAX, "at most 500 characters"),
        (schema.PARAMETER_CHARACTERS_MAX, "262144 characters"),
        (schema.PARAMETER_VALUES_MAX, "20000 values"),
        (schema.VALUE_DEPTH_MAX, "a depth of 32"),
    ],
)
def test_a_bound_is_the_one_in_force(bound: int, words: str):
    assert words in PAGE
    assert str(bound) in words


def test_the_sample_companys_contracts_check():
    sample = Path(file.__file__).parents[1] / "sample" / "actions.yaml"
    report = check_text(sample.read_text(encoding="utf-8"), "actions.yaml", check_target)
    assert report.ok, report.text()
    assert report.advice == ()
