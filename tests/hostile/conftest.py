"""What the tests that kill share."""

from collections.abc import Iterator

import pytest

from tests.forked import Fork


@pytest.fixture(scope="module")
def fork() -> Iterator[Fork]:
    made = Fork()
    yield made
    made.close()
