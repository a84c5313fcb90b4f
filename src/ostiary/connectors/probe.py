"""Trying a connector, step by step, so that a person sees what works and what does not. Nothing is changed at the other side."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ostiary.connectors.connectors import Connectors
from ostiary.connectors.http import HttpService
from ostiary.connectors.mcp.upstream import Upstream
from ostiary.connectors.opening import Held, check_settings, endpoint_of
from ostiary.connectors.postgresql import PostgresqlSource
from ostiary.connectors.settings import (
    ConstantSettings,
    DuckdbSettings,
    HttpSettings,
    McpSettings,
    MysqlSettings,
)
from ostiary.connectors.sqlite import SqliteSource
from ostiary.connectors.statement import read_statement
from ostiary.errors import OstiaryError, TargetRefused
from ostiary.ids import TenantId
from ostiary.net.address import vetted

_ONE = read_statement("SELECT 1 AS answer", sqlite=True)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a test tried. `code` is the error's, empty where it worked."""

    name: str
    ok: bool
    code: str = ""
    detail: str = ""


class _ProbeFailed(Exception):
    """A step of a test did not work."""

    def __init__(self, step: str, error: OstiaryError) -> None:
        super().__init__(step)
        self.step = step
        self.error = error


@contextmanager
def _probing(step: str) -> Iterator[None]:
    try:
        yield
    except OstiaryError as error:
        raise _ProbeFailed(step, error) from error


async def probe(connectors: Connectors, tenant: TenantId, name: str) -> list[Step]:
    """The steps up to the first that fails: `address`; then `connect` and `signature` for a service, `tools` for an upstream MCP server, `query` for a database. Raises NotFound."""
    held = await connectors.held(tenant, name)
    steps: list[Step] = []
    try:
        async for step, detail in _steps(connectors, held):
            steps.append(Step(step, ok=True, detail=detail))
    except _ProbeFailed as failed:
        steps.append(Step(failed.step, ok=False, code=failed.error.code, detail=str(failed.error)))
    return steps


async def _steps(connectors: Connectors, held: Held) -> AsyncIterator[tuple[str, str]]:
    with _probing("address"):
        await _probe_address(connectors, held)
    yield "address", "may be reached"
    if isinstance(held.settings, HttpSettings):
        with _probing("connect"), connectors.using(held) as service:
            status = await service.probe() if isinstance(service, HttpService) else 0
        yield "connect", f"answers with status {status}"
        with _probing("signature"):
            if status in {401, 403}:
                raise TargetRefused(
                    f"The connected system answered with status {status}: check secret and credential."
                )
        yield "signature", "not refused"
    elif isinstance(held.settings, McpSettings):
        with _probing("tools"), connectors.using(held) as upstream:
            count = await upstream.probe() if isinstance(upstream, Upstream) else 0
        yield "tools", f"offers {count} tools"
    elif isinstance(held.settings, MysqlSettings | DuckdbSettings):
        with _probing("query"):
            more = await connectors.asked(held, lambda engine: engine.beyond_reading(), accept_writer=True)
        yield "query", f"can be read, and may do more: {more[0]}" if more else "can be read"
    elif not isinstance(held.settings, ConstantSettings):
        with _probing("query"), connectors.using(held) as source:
            if isinstance(source, SqliteSource | PostgresqlSource):
                await source.query(_ONE, {})
        yield "query", "can be read"


async def _probe_address(connectors: Connectors, held: Held) -> None:
    endpoint = endpoint_of(held.settings)
    if endpoint is not None:
        await vetted(endpoint, connectors.allowed)
    else:
        check_settings(held.settings, connectors.limits)
