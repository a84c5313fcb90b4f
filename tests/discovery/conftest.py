"""Items are looked at in the test's own process, where detection is loaded already; what is about the other process says so (`apart`)."""

import pytest

from ostiary.detection.rules import RuleSet
from ostiary.discovery.looking import Looker
from ostiary.scanning.look import Limits, Looked, look
from ostiary.scanning.place import Item, Sample


def _here(_own: Looker, item: Item, content: bytes | Sample, rules: RuleSet, limits: Limits, key: bytes) -> Looked:  # fmt: skip
    return look(item, content, rules, limits, key)


@pytest.fixture(autouse=True)
def _in_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "apart" not in request.node.name:
        monkeypatch.setattr(Looker, "look", _here)
