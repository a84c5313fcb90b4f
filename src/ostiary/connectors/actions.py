"""What can be asked about connectors. Secrets go in and are shown once, when they are made; no action gives them back."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from ostiary import ids
from ostiary.actions import Action, Call, Effect, Masking, Recorded, Risk, Route
from ostiary.clock import SECOND_US, rfc3339
from ostiary.connectors import store
from ostiary.connectors.connectors import Connectors
from ostiary.connectors.mcp import store as mcp_store
from ostiary.connectors.opening import (
    PURPOSE,
    check_settings,
    reach,
    read_settings,
    secret_place,
    settings_place,
    url_of,
    write_settings,
)
from ostiary.connectors.probe import probe
from ostiary.connectors.settings import ConnectorSettings, HttpSettings, Name
from ostiary.errors import Conflict, NotFound
from ostiary.ids import SubjectId, TenantId
from ostiary.shapes import Answer, Empty, ModelShape, Params

CONNECTORS_MAX = 200
OVERLAP_S = 86_400
OVERLAP_S_MAX = 30 * 86_400
_CREDENTIALS = ("credential", "indexer")
_SECRET: dict[str, Any] = {"writeOnly": True, "format": "password"}


class Which(Params):
    name: Name


class Put(Params):
    """A connector, whole. Secrets that are left out stay as they are."""

    name: Name
    settings: ConnectorSettings
    paused: bool = False
    credential: Annotated[
        str,
        Field(
            max_length=4096,
            pattern=r"^[!-~]*$",
            repr=False,
            json_schema_extra=_SECRET,
            description="The bearer credential or the database password.",
        ),
    ] = ""
    forget_credential: bool = False
    indexer_credential: Annotated[
        str,
        Field(
            max_length=4096,
            pattern=r"^[!-~]*$",
            repr=False,
            json_schema_extra=_SECRET,
            description="The password of the role that reads the catalogue, where `indexer` names one.",
        ),
    ] = ""
    signing_secret: Annotated[
        str,
        Field(
            max_length=256,
            pattern=r"^([!-~]{16,256})?$",
            repr=False,
            json_schema_extra=_SECRET,
            description="For http; one is made where none is given.",
        ),
    ] = ""


class Rotate(Params):
    name: Name
    overlap_s: Annotated[
        int,
        Field(ge=0, le=OVERLAP_S_MAX, description="How long requests are signed with the old secret too."),
    ] = OVERLAP_S


class Saved(Answer):
    """`secret` is the signing secret where one was made just now; it is not shown again."""

    name: str
    version: int
    secret: str = ""


class Rotated(Answer):
    """`secret` is the new signing secret; it is not shown again."""

    name: str
    secret: str
    old_valid_until: str


class Shown(Answer):
    """A connector without its secrets. Instants are RFC 3339; `tested_at` is empty until it was tested."""

    name: str
    kind: str
    version: int
    paused: bool
    settings: ConnectorSettings
    has_credential: bool
    signing_secrets: int
    changed_at: str
    tested_at: str
    tested_ok: bool


class Listed(Answer):
    connectors: list[Shown]


class Step(Answer):
    name: str
    ok: bool
    code: str
    detail: str


class Tested(Answer):
    ok: bool
    steps: list[Step]


class Removed(Answer):
    name: str


def actions(connectors: Connectors) -> list[Action]:
    """The room's actions over one `Connectors`."""
    desk = _Desk(connectors)
    return [
        _looking(
            "list", "List connectors", "The connected systems, without their secrets.",
            (Empty, Listed), desk.all, Route("GET", "/v1/connectors"),
        ),
        _looking(
            "show", "Show a connector", "One connected system, without its secrets.",
            (Which, Shown), desk.show, Route("GET", "/v1/connectors/{name}"),
        ),
        _changing(
            "put", "Add or change a connector",
            "Write a connector's settings. Contracts that point to it are bound to the new settings; open approvals become stale.",
            (Put, Saved), desk.put, Route("PUT", "/v1/connectors/{name}"), "Set up the connector {name}",
        ),
        _changing(
            "remove", "Remove a connector", "Remove a connector and its secrets. Contracts that point to it are refused from then on.",
            (Which, Removed), desk.remove, Route("DELETE", "/v1/connectors/{name}"), "Remove the connector {name}",
        ),
        _changing(
            "test", "Test a connector", "Connect, and say what works: the address, then an answer. Nothing is changed there.",
            (Which, Tested), desk.test, Route("POST", "/v1/connectors/{name}/test"), "Test the connector {name}", risk=Risk.LOW,
        ),
        _changing(
            "secret_rotate", "Rotate a connector's signing secret",
            "Make a new signing secret, shown once. Requests carry signatures by the old one too until the overlap ends.",
            (Rotate, Rotated), desk.secret_rotate, Route("POST", "/v1/connectors/{name}/rotate-secret"),
            "Rotate the signing secret of the connector {name}",
        ),
    ]  # fmt: skip


Run = Callable[[Call, Any], Awaitable[Any]]
Models = tuple[type[Params], type[Answer]]


def _looking(name: str, title: str, description: str, models: Models, run: Run, route: Route) -> Action:
    return Action(
        name=f"connector.{name}",
        title=title,
        description=description,
        permission="connector.read",
        risk=Risk.LOW,
        effect=Effect.NONE,
        params=ModelShape(models[0]),
        result=ModelShape(models[1]),
        run=run,
        route=route,
        recorded=Recorded.BATCHED,
        masking=Masking.OWN,
        hash="1",
    )


def _changing(
    name: str,
    title: str,
    description: str,
    models: Models,
    run: Run,
    route: Route,
    sentence: str,
    *,
    risk: Risk = Risk.HIGH,
) -> Action:
    return Action(
        name=f"connector.{name}",
        title=title,
        description=description,
        permission="connector.manage",
        risk=risk,
        effect=Effect.LOCAL,
        params=ModelShape(models[0]),
        result=ModelShape(models[1]),
        run=run,
        route=route,
        sentence=sentence,
        masking=Masking.OWN,
        hash="1",
    )


class _Desk:
    """The actions' functions, over one `Connectors`."""

    def __init__(self, connectors: Connectors) -> None:
        self._connectors = connectors
        self._vault = connectors.vault
        self._clock = connectors.clock

    async def all(self, call: Call, _params: Empty) -> Listed:
        found = await self._connectors.database.run(
            lambda connection: [
                (row, store.secrets(connection, call.tenant, row.name))
                for row in store.listed(connection, call.tenant)
            ]
        )
        return Listed(connectors=[self._shown(call.tenant, row, secrets) for row, secrets in found])

    async def show(self, call: Call, params: Which) -> Shown:
        row, secrets = await self._rows(call.tenant, params.name)
        if row is None:
            raise NotFound
        return self._shown(call.tenant, row, secrets)

    async def put(self, call: Call, params: Put) -> Saved:
        """Raises AddressRefused, Conflict."""
        check_settings(params.settings, self._connectors.limits)
        before, secrets = await self._rows(call.tenant, params.name)
        if before is None:
            await self._check_room(call.tenant)
        else:
            self._check_credential(call.tenant, before, secrets, params)
        await self._vault.prepare(call.tenant, PURPOSE, [SubjectId("")])
        now_us = self._clock.now_us()
        row = store.ConnectorRow(
            name=params.name,
            kind=params.settings.kind,
            version=before.version + 1 if before else 1,
            paused=params.paused,
            settings=self._vault.seal(
                settings_place(call.tenant, params.name), write_settings(params.settings), purpose=PURPOSE
            ),
            made_us=before.made_us if before else now_us,
            changed_us=now_us,
        )
        add_or_change = store.change if before else store.add
        call.write(lambda connection: add_or_change(connection, call.tenant, row))
        if before is not None and self._leads_elsewhere(call.tenant, before, params):
            call.write(lambda connection: mcp_store.quarantine(connection, call.tenant, params.name))
        made = self._put_secrets(call, params, secrets)
        return Saved(name=params.name, version=row.version, secret=made)

    def _put_secrets(self, call: Call, params: Put, standing: list[store.SecretRow]) -> str:
        """The signing secret if one was made."""
        if params.forget_credential and not params.credential:
            for purpose in _CREDENTIALS:
                call.write(
                    partial(store.forget_secret, tenant=call.tenant, name=params.name, purpose=purpose)
                )
        for purpose, text in zip(_CREDENTIALS, (params.credential, params.indexer_credential), strict=True):
            if text:
                version = store.newest_version(standing, purpose) + 1
                self._write_secret(call, params.name, purpose, text, version=version)
        newest = store.newest_version(standing, "signing")
        if not isinstance(params.settings, HttpSettings) or (newest and not params.signing_secret):
            return ""
        text = params.signing_secret or ids.token()
        self._write_secret(call, params.name, "signing", text, version=newest + 1, overlap_s=OVERLAP_S)
        return "" if params.signing_secret else text

    def _write_secret(
        self, call: Call, name: str, purpose: str, text: str, *, version: int, overlap_s: int = 0
    ) -> None:
        now_us = self._clock.now_us()
        sealed = self._vault.seal(
            secret_place(call.tenant, name, purpose, version), text.encode(), purpose=PURPOSE
        )
        row = store.SecretRow(name, purpose, version, sealed, now_us)
        until_us = now_us + overlap_s * SECOND_US if overlap_s else 0
        call.write(
            lambda connection: store.replace_secret(connection, call.tenant, row, old_until_us=until_us)
        )

    def _check_credential(
        self, tenant: TenantId, before: store.ConnectorRow, standing: list[store.SecretRow], params: Put
    ) -> None:
        """A credential never follows an address to another server, where whoever changed the address could read it. Raises Conflict."""
        given = {"credential": params.credential, "indexer": params.indexer_credential}
        stands = any(each.purpose in given and not given[each.purpose] for each in standing)
        if not stands or params.forget_credential:
            return
        old = read_settings(self._vault.open(settings_place(tenant, before.name), before.settings))
        if reach(old) != reach(params.settings):
            raise Conflict("Where the connector leads has changed: give the credential again, or forget it.")

    def _leads_elsewhere(self, tenant: TenantId, before: store.ConnectorRow, params: Put) -> bool:
        """Whether this was an upstream MCP server at another place: what was accepted of that one says nothing of this one."""
        old = read_settings(self._vault.open(settings_place(tenant, before.name), before.settings))
        return before.kind == "mcp" and (url_of(old), reach(old)) != (
            url_of(params.settings),
            reach(params.settings),
        )

    async def _check_room(self, tenant: TenantId) -> None:
        if (
            await self._connectors.database.run(lambda connection: store.counted(connection, tenant))
            >= CONNECTORS_MAX
        ):
            raise Conflict(f"There are {CONNECTORS_MAX} connectors already; remove one first.")

    async def remove(self, call: Call, params: Which) -> Removed:
        row, _ = await self._rows(call.tenant, params.name)
        if row is None:
            raise NotFound
        call.write(lambda connection: store.remove(connection, call.tenant, params.name))
        return Removed(name=params.name)

    async def test(self, call: Call, params: Which) -> Tested:
        steps = await probe(self._connectors, call.tenant, params.name)
        ok = all(step.ok for step in steps)
        at_us = self._clock.now_us()
        call.write(
            lambda connection: store.record_test(connection, call.tenant, params.name, at_us=at_us, ok=ok)
        )
        return Tested(
            ok=ok,
            steps=[Step(name=step.name, ok=step.ok, code=step.code, detail=step.detail) for step in steps],
        )

    async def secret_rotate(self, call: Call, params: Rotate) -> Rotated:
        """Raises NotFound, Conflict (the kind has no signing secret)."""
        row, secrets = await self._rows(call.tenant, params.name)
        if row is None:
            raise NotFound
        if row.kind != "http":
            raise Conflict("Only an http connector has a signing secret.")
        await self._vault.prepare(call.tenant, PURPOSE, [SubjectId("")])
        text = ids.token()
        version = store.newest_version(secrets, "signing") + 1
        self._write_secret(call, params.name, "signing", text, version=version, overlap_s=params.overlap_s)
        until = rfc3339(self._clock.now_us() + params.overlap_s * SECOND_US)
        return Rotated(name=params.name, secret=text, old_valid_until=until)

    async def _rows(
        self, tenant: TenantId, name: str
    ) -> tuple[store.ConnectorRow | None, list[store.SecretRow]]:
        return await self._connectors.database.run(
            lambda connection: (store.find(connection, tenant, name), store.secrets(connection, tenant, name))
        )

    def _shown(self, tenant: TenantId, row: store.ConnectorRow, secrets: list[store.SecretRow]) -> Shown:
        now_us = self._clock.now_us()
        return Shown(
            name=row.name,
            kind=row.kind,
            version=row.version,
            paused=row.paused,
            settings=read_settings(self._vault.open(settings_place(tenant, row.name), row.settings)),
            has_credential=any(each.purpose == "credential" for each in secrets),
            signing_secrets=sum(
                each.purpose == "signing" and (each.until_us == 0 or each.until_us > now_us)
                for each in secrets
            ),
            changed_at=rfc3339(row.changed_us),
            tested_at=rfc3339(row.tested_us) if row.tested_us else "",
            tested_ok=row.tested_ok,
        )
