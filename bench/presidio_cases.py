"""How many of Presidio's own recogniser tests our detectors pass: its test files run as they are, and every recogniser in them is ours behind its interface.

Run: python -m bench.presidio_cases /path/to/presidio/presidio-analyzer [--failures] [words of file names]. Each recogniser is asked as there: alone, for its own entity, and
for anything that has the form at all (`--threshold`). Scores are its own confidence and not compared; places, lengths and numbers of findings are.
Left out are tests of its inner parts: their names stand in INNER. What fails for want of a detector counts as failed.
"""

import argparse
import contextlib
import importlib.abc
import importlib.machinery
import io
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import pytest

from ostiary.detect_server.entities import categories_of
from ostiary.detection import engine
from ostiary.detection.rules import RuleSet

OTHERS = [
    "ahds",
    "azure",
    "langextract",
    "gliner",
    "huggingface",
    "medical_ner",
    "spacy",
    "stanza",
    "transformers",
    "lm_recognizer",
    "pattern_recognizer",
    "entity_recognizer",
]
"""Test files of recognisers that are a model or a service, and of base classes: they have no cases for a detector."""
INNER = (
    "timeout", "times_out", "validate", "invalidate", "checksum", "sanitize", "constructor", "supported_entit", "supported_lang", "context", "custom_pattern", "name",
    "import", "textual_explanation", "palindrome", "is_verhoeff", "valid_birth_date", "pattern_", "replacement", "exported", "loader", "is_valid", "luhn",
)  # fmt: skip
"""Parts of the names of tests that call methods of a recogniser other than `analyze`, or measure its regex engine."""


class _Score(float):
    """Equal to every score: confidences are each tool's own."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ge__(self, other: object) -> bool:
        return True

    def __le__(self, other: object) -> bool:
        return True

    __hash__ = float.__hash__


class _Result:
    def __init__(self, entity: str, start: int, end: int) -> None:
        self.entity_type, self.start, self.end, self.score = entity, start, end, _Score(1.0)
        self.analysis_explanation = MagicMock()


class _Recogniser:
    threshold = 0.2
    DEFAULT_SUPPORTED_REGIONS = ()

    def __init__(self, *_: object, **__: object) -> None:
        self.context: list[str] = []

    def analyze(
        self, text: str, entities: Sequence[str] = (), nlp_artifacts: object = None, **_: object
    ) -> list[_Result]:
        categories = {one: entity for entity in entities for one in categories_of(entity)}
        if not categories:
            pytest.fail(f"no detector of {list(entities)}")
        rules = RuleSet(categories=frozenset(categories), threshold=self.threshold)
        return [_Result(categories[f.category], f.start, f.end) for f in engine.detect([text], rules)[0]]


class _Stand(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Every module of presidio_analyzer holds every recogniser."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> Any:
        if fullname.split(".")[0] != "presidio_analyzer":
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def exec_module(self, module: ModuleType) -> None:
        def attribute(name: str) -> type:
            if name.startswith("__"):
                raise AttributeError(name)
            return type(name, (_Recogniser,), {})

        module.__dict__["__getattr__"] = attribute


class _Tally:
    def __init__(self) -> None:
        self.failures: list[str] = []
        self.passed, self.failed, self.inner = Counter[str](), Counter[str](), 0

    @pytest.fixture(scope="session")
    def max_score(self) -> float:
        return 1.0

    @pytest.fixture(scope="session")
    def spacy_nlp_engine(self) -> MagicMock:
        return MagicMock()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        kept = [
            item
            for item in items
            if hasattr(item, "callspec") and not any(part in item.name.split("[")[0] for part in INNER)
        ]
        self.inner = len(items) - len(kept)
        items[:] = kept

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.failed:
            name = Path(report.location[0]).stem.removeprefix("test_").removesuffix("_recognizer")
            (self.passed if report.passed else self.failed)[name] += 1
            if report.failed:
                self.failures.append(f"{name} {report.location[2]}: {str(report.longrepr).splitlines()[-1]}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("checkout", type=Path)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--failures", action="store_true")
    parser.add_argument("--threshold", type=float, default=0.2)
    asked = parser.parse_args()
    _Recogniser.threshold = asked.threshold
    sys.meta_path.insert(0, _Stand())
    tally = _Tally()
    with tempfile.TemporaryDirectory() as folder:
        tests = Path(folder) / "tests"
        tests.mkdir()
        for each in sorted((asked.checkout / "tests").glob("test_*_recognizer.py")):
            if not any(part in each.name for part in OTHERS) and (
                not asked.words or any(word in each.name for word in asked.words)
            ):
                shutil.copy(each, tests)
        for name in ("__init__.py", "assertions.py"):
            shutil.copy(asked.checkout / "tests" / name, tests)
        arguments = [
            "-q",
            "--tb=short",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:randomly",
            "--rootdir",
            folder,
            "-c",
            "/dev/null",
        ]
        with contextlib.redirect_stdout(io.StringIO()):
            pytest.main([*arguments, str(tests)], plugins=[tally])
    if asked.failures:
        print("\n".join(tally.failures))
    for name in sorted(tally.passed | tally.failed):
        print(f"{name:34} {tally.passed[name]:4} of {tally.passed[name] + tally.failed[name]}")
    passed, failed = tally.passed.total(), tally.failed.total()
    print(
        f"passed {passed} of {passed + failed} ({passed / max(1, passed + failed):.3f}); {tally.inner} tests of inner parts left out"
    )


if __name__ == "__main__":
    main()
