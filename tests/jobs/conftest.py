"""Every gateway of these tests knows the kinds of `tests.worker.slow`."""

import pytest

from ostiary.app import gateway
from tests.worker import slow


@pytest.fixture(autouse=True)
def _kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "KINDS", (*gateway.KINDS, *slow.KINDS))
    monkeypatch.setattr("tests.house.Gateway", slow.SlowGateway)
