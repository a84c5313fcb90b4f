"""Each test on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backup.kit import Kit, kit
from tests.conftest import KINDS


@pytest.fixture(params=KINDS)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kit]:
    """An installation's place, with nothing in it yet."""
    with kit(tmp_path, request.param) as made:
        yield made


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Kit]:
    with kit(tmp_path, "sqlite") as made:
        yield made


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[Kit]:
    with kit(tmp_path, "postgresql") as made:
        yield made
