"""What people ask about their own accounts at the systems behind the door, and an admin about what this gateway is there."""

from functools import partial
from typing import Annotated

from pydantic import Field, SecretStr

from ostiary.actions import Action, Call, Risk, Route
from ostiary.connectors.settings import Name
from ostiary.errors import Fault, InvalidParameters, NotFound
from ostiary.identity import people
from ostiary.identity.services import change, look, shown
from ostiary.oauth.outward import located
from ostiary.oauth.services import OAuth
from ostiary.oauth.upstream import store
from ostiary.oauth.upstream.flow import Registration, open_wanted
from ostiary.shapes import Answer, Empty, Nothing, Params

ANSWER_CHARACTERS_MAX = 8000


class Which(Params):
    connector: Name


class Away(Answer):
    """`secret` is the address to send the person to."""

    secret: str


class Back(Params):
    """What the person brought back from the authorization server (RFC 6749 section 4.1.2, RFC 9207)."""

    state: Annotated[str, Field(min_length=1, max_length=200)]
    code: Annotated[SecretStr, Field(max_length=ANSWER_CHARACTERS_MAX)] = SecretStr("")
    iss: Annotated[str, Field(max_length=1000)] = ""
    error: Annotated[str, Field(max_length=200)] = ""


class Connected(Answer):
    connector: str


class AccountShown(Answer):
    """`connected_at` is empty where one has no account connected. `state`: none, connected, again (it has to be connected anew), or wider (the system wants the
    scopes in `wanted` as well, for something that was asked; connecting again allows them)."""

    connector: str
    connected_at: str
    renewed_at: str
    state: str
    wanted: list[str]


class AccountList(Answer):
    accounts: list[AccountShown]


class BeClient(Params):
    """The client that the authorization server's people have made for this gateway. `issuer` is theirs, spelled as in its metadata."""

    connector: Name
    issuer: Annotated[str, Field(pattern=r"^https?://[!-~]{1,500}$")]
    client_id: Annotated[str, Field(pattern=r"^[!-~]{1,500}$")]
    client_secret: Annotated[SecretStr, Field(max_length=1000)] = SecretStr("")


def actions(services: OAuth) -> list[Action]:
    return [
        look("oauth.accounts", "List one's connected accounts", "The systems where each person connects their own account, and whether one has.",
             "me.own", Empty, AccountList, partial(accounts, services), "/v1/oauth/accounts"),
        change("oauth.connect", "Connect one's account", "Finds the system's authorization server and says where to go to allow this gateway to act as oneself there.",
               "me.own", Which, Away, partial(connect, services), Route("POST", "/v1/oauth/accounts/{connector}"),
               sentence="Connect one's own account at {connector}"),
        change("oauth.connected", "Finish connecting", "Takes what one brought back from the authorization server, for the connection that one has begun oneself.",
               "me.own", Back, Connected, partial(connected, services), Route("POST", "/v1/oauth/accounts")),
        change("oauth.disconnect", "Disconnect one's account", "The tokens are revoked there, as well as that goes, and forgotten here.",
               "me.own", Which, Nothing, partial(disconnect, services), Route("DELETE", "/v1/oauth/accounts/{connector}"),
               sentence="Disconnect one's own account at {connector}"),
        change("oauth.upstream_client", "Say what this gateway is at a system", "For an authorization server that neither reads our document nor registers clients by itself.",
               "connector.manage", BeClient, Nothing, partial(be_client, services), Route("PUT", "/v1/oauth/upstream-clients/{connector}"), risk=Risk.HIGH,
               sentence="Be the client {client_id} at {connector}"),
    ]  # fmt: skip


async def accounts(services: OAuth, call: Call, _params: Empty) -> AccountList:
    person = people.in_session(call.actor)
    rows = await services.database.run(lambda c: store.accounts_of(c, call.tenant, person))
    mine = {row.connector: row for row in rows}
    names = sorted({*mine, *await services.connectable(call.actor)})
    return AccountList(
        accounts=[_account(services, call, mine[name]) if name in mine else _none(name) for name in names]
    )


def _none(connector: str) -> AccountShown:
    return AccountShown(connector=connector, connected_at="", renewed_at="", state="none", wanted=[])


def _account(services: OAuth, call: Call, row: store.AccountRow) -> AccountShown:
    good = row.state is not store.State.AGAIN
    return AccountShown(
        connector=row.connector,
        connected_at=shown(row.made_us) if good else "",
        renewed_at=shown(row.changed_us) if good else "",
        state=row.state.value,
        wanted=open_wanted(services.vault, call.tenant, row).split(),
    )


async def connect(services: OAuth, call: Call, params: Which) -> Away:
    people.in_session(call.actor)
    url, rows = await services.flows.begin(call.actor, params.connector, call.at_us)
    call.write(rows)
    return Away(secret=url)


async def connected(services: OAuth, call: Call, params: Back) -> Connected:
    people.in_session(call.actor)
    connector, rows = await services.flows.finish(
        call.actor, state=params.state, code=params.code.get_secret_value(), issuer=params.iss, error=params.error, at_us=call.at_us
    )  # fmt: skip
    call.write(rows)
    return Connected(connector=connector)


async def disconnect(services: OAuth, call: Call, params: Which) -> Nothing:
    person = people.in_session(call.actor)
    row = await services.database.run(lambda c: store.find_account(c, call.tenant, params.connector, person))
    if row is None:
        raise NotFound
    await services.accounts.revoke(call.tenant, row)
    call.write(lambda c: _removed(store.remove_account(c, call.tenant, params.connector, person)))
    return Nothing()


async def be_client(services: OAuth, call: Call, params: BeClient) -> Nothing:
    """Raises NotFound, AddressRefused."""
    secure = params.issuer.startswith("https://")
    located(params.issuer, secure=secure)
    secret = params.client_secret.get_secret_value()
    if not secret.isascii() or not (secret.isprintable() or not secret):
        raise InvalidParameters(faults=(Fault("/client_secret", "printable ASCII"),))
    method = "client_secret_basic" if secret else "none"
    registration = Registration(params.issuer, params.client_id, secret, method)
    call.write(await services.flows.register(call.actor, params.connector, registration, call.at_us))
    return Nothing()


def _removed(gone: bool) -> None:
    if not gone:
        raise NotFound
