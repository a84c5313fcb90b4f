"""What an import asks of the connectors: an upstream's accepted tools, an HTTP connector's address, the pin of a tool and what is odd about its texts."""

from collections.abc import Mapping, Sequence

from ostiary.actions import Action, JsonValue
from ostiary.connectors.connectors import Connectors
from ostiary.connectors.mcp.definition import pin_of
from ostiary.connectors.mcp.scan import scan
from ostiary.connectors.settings import HttpSettings
from ostiary.connectors.targets import check_target
from ostiary.connectors.upstreams.shelf import Upstreams
from ostiary.contracts import actions as contract_actions
from ostiary.contracts.book import Book
from ostiary.contracts.importing import actions as importing_actions
from ostiary.contracts.importing.actions import Sources
from ostiary.db.database import Database
from ostiary.errors import Fault, NotFound
from ostiary.ids import TenantId
from ostiary.vault.sealing import Vault


def actions(database: Database, vault: Vault, book: Book, upstreams: Upstreams) -> list[Action]:
    """What can be asked about contracts: the file, and imports into it."""
    return [
        *contract_actions.actions(database, book, check_target),
        *importing_actions.actions(database, vault, book, check_target, sources(upstreams)),
    ]


def sources(upstreams: Upstreams) -> Sources:
    connectors: Connectors = upstreams.connectors

    async def tools(tenant: TenantId, name: str) -> Sequence[Mapping[str, JsonValue]] | None:
        found = (await upstreams.shelf(tenant)).get(name)
        return None if found is None else [each.tool.whole for each in found.accepted.values()]

    async def base_url(tenant: TenantId, name: str) -> str:
        """Empty for a connector that is not set up yet, or is no HTTP service: the check of the draft says so."""
        try:
            settings = (await connectors.held(tenant, name)).settings
        except NotFound:
            return ""
        return settings.base_url if isinstance(settings, HttpSettings) else ""

    return Sources(tools, base_url, pin_of, odd)


def odd(item: Mapping[str, JsonValue]) -> list[Fault]:
    """What a person should know of a draft's texts before they accept it."""
    shown = {key: item[key] for key in ("title", "description", "parameters", "returns") if key in item}
    return [Fault(found.pointer, f"{found.kind}: {found.detail}") for found in scan(shown)]
