"""The log's fixtures, and what publishes it."""

import pytest

from ostiary.audit.log import Audit
from ostiary.audit.publishing.publisher import Publisher
from ostiary.net.address import egress
from tests.audit.conftest import audit as audit
from tests.audit.conftest import sqlite_audit as sqlite_audit
from tests.audit.conftest import vault as vault
from tests.conftest import StillClock

HERE = egress(["127.0.0.0/8"])


@pytest.fixture
def publisher(audit: Audit, clock: StillClock) -> Publisher:
    return Publisher(audit, clock, HERE)


@pytest.fixture
def sqlite_publisher(sqlite_audit: Audit, clock: StillClock) -> Publisher:
    return Publisher(sqlite_audit, clock, HERE)
