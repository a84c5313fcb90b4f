"""What can be asked of places: list, put, remove, try. And all of this room's actions and kinds of jobs."""

import asyncio
from functools import partial
from itertools import islice
from typing import Annotated

from pydantic import Field

from ostiary.actions import Action, Call, Effect, Risk, Route
from ostiary.clock import HOUR_US
from ostiary.discovery import found_actions, run_actions, running, store
from ostiary.discovery.places import check, credential_faults, credentials_of, opened
from ostiary.discovery.services import PLACES_MAX, PURPOSE, STANDING, Discovery, Known, Standing
from ostiary.discovery.settings import NAME, DatabaseSettings, PlaceSettings, reach
from ostiary.discovery.shown import PlaceShown, PlacesShown, place_shown, run_shown
from ostiary.discovery.store import PlaceRow
from ostiary.errors import Conflict, Fault, InvalidParameters, NotFound, OstiaryError
from ostiary.ids import SubjectId
from ostiary.scanning.place import PlaceUnreadable
from ostiary.shapes import Answer, Empty, Nothing, Params, own_action

EVERY_H_MAX = 24 * 366
TRIED_ITEMS = 5
UNSEEN = {"writeOnly": True}
KINDS = running.KINDS

Name = Annotated[str, Field(pattern=NAME, examples=["letters"])]


class Credentials(Params):
    """Of a bucket: what it takes to list and read it, and no more. Of Azure: the account's name, and its key or a SAS token."""

    access_key: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[!-~]+$", json_schema_extra=UNSEEN)]  # fmt: skip
    secret_key: Annotated[
        str, Field(min_length=1, max_length=2048, pattern=r"^[!-~]+$", repr=False, json_schema_extra=UNSEEN)
    ]


class OnePlace(Params):
    place: Name


class PutPlace(OnePlace):
    """The whole of a place but its credentials: those that stand stay, unless others are given or they are forgotten. every_h: it is looked through by itself every so many
    hours; 0: only when asked."""

    settings: PlaceSettings
    every_h: Annotated[int, Field(ge=0, le=EVERY_H_MAX)] = 0
    credentials: Annotated[Credentials | None, Field(json_schema_extra=UNSEEN)] = None
    forget_credentials: bool = False


class PlaceTried(Answer):
    """`ok`: it could be opened and listed. `detail` says what went wrong; `items` how many of its first five could be listed."""

    ok: bool
    code: str
    detail: str
    items: int


class _Desk:
    def __init__(self, discovery: Discovery) -> None:
        self._of = discovery

    async def listed(self, call: Call, _asked: Empty) -> PlacesShown:
        of, tenant = self._of, call.tenant
        rows = await of.database.run(lambda c: store.places(c, tenant))
        last = await of.database.run(lambda c: store.last_runs(c, tenant))
        standing = {each[0].place: each for each in await of.standing(tenant, list(last.values()))}  # fmt: skip
        known = await asyncio.to_thread(lambda: [of.known(tenant, row) for row in rows])
        return PlacesShown(places=[self._shown(call, each, standing.get(each.row.name)) for each in known])

    async def put(self, call: Call, asked: PutPlace) -> PlaceShown:
        """Raises AddressRefused, Conflict, InvalidParameters."""
        of, tenant, name, settings = self._of, call.tenant, asked.place, asked.settings
        check(settings, tenant, of.grounds)
        await self._check(call, asked)
        row = await of.database.run(lambda c: store.find_place(c, tenant, name))
        before = await asyncio.to_thread(of.known, tenant, row) if row else None
        secret = self._secret(call, asked, before)
        await of.vault.prepare(tenant, PURPOSE, [SubjectId("")])
        every_us = asked.every_h * HOUR_US
        made = PlaceRow(
            name=name, kind=settings.kind, version=row.version + 1 if row else 1, settings=of.sealed_settings(tenant, name, settings), secret=secret,
            every_h=asked.every_h, next_us=call.at_us + every_us if every_us else 0, made_us=row.made_us if row else call.at_us, changed_us=call.at_us,
            changed_by=call.actor.id,
        )  # fmt: skip
        if row is None:
            call.write(partial(store.add_place, tenant=tenant, row=made, most=PLACES_MAX))
        else:
            await self._must_rest(call, name)
            changes = {each: getattr(made, each) for each in made.__slots__ if each != "name"}
            call.write(partial(store.change_place, tenant=tenant, place=name, changes=changes, version=row.version))  # fmt: skip
        return place_shown(await asyncio.to_thread(of.known, tenant, made), None)

    async def remove(self, call: Call, asked: OnePlace) -> Nothing:
        """Raises NotFound."""
        await self._of.place(call.tenant, asked.place)
        call.write(partial(store.remove_place, tenant=call.tenant, place=asked.place))
        return Nothing()

    async def test(self, call: Call, asked: OnePlace) -> PlaceTried:
        """Raises NotFound."""
        of, tenant = self._of, call.tenant
        known = await of.place(tenant, asked.place)
        try:
            await of.rules(tenant, known.settings.rules)
            async with opened(known.settings, known.credentials, tenant, of.grounds, bytes_max=running.ITEM_BYTES_MAX) as place:  # fmt: skip
                items = await asyncio.to_thread(lambda: list(islice(place.items(""), TRIED_ITEMS)))
        except PlaceUnreadable as wrong:
            return PlaceTried(ok=False, code="target.unavailable", detail=str(wrong), items=0)
        except OstiaryError as error:
            return PlaceTried(ok=False, code=error.code, detail=error.detail or error.title(), items=0)
        return PlaceTried(ok=True, code="", detail="", items=len(items))

    async def _check(self, call: Call, asked: PutPlace) -> None:
        """What only this tenant's own rows can tell."""
        settings = asked.settings
        if isinstance(settings, DatabaseSettings):
            try:
                held = await self._of.grounds.connectors.held(call.tenant, settings.connector)
            except NotFound:
                held = None
            if held is None or held.settings.kind not in ("sqlite", "postgresql"):
                raise InvalidParameters(faults=(Fault("/settings/connector", "there is no connector of this name to an SQL database"),))  # fmt: skip
        said = asked.credentials.model_dump() if asked.credentials else None
        if faults := credential_faults(settings, credentials_of(said)):
            raise InvalidParameters(faults=tuple(faults))
        await self._of.rules(call.tenant, settings.rules)

    def _secret(self, call: Call, asked: PutPlace, before: Known | None) -> bytes | None:
        """The sealed credentials that stand from now on. They never follow an address to another server, where whoever changed the address could read them. Raises
        Conflict."""
        if asked.credentials:
            said = {"access_key": asked.credentials.access_key, "secret_key": asked.credentials.secret_key}
            return self._of.sealed_secret(call.tenant, asked.place, said)
        if before is None or before.row.secret is None or asked.forget_credentials:
            return None
        if reach(before.settings) != reach(asked.settings):
            raise Conflict("Where the place lies has changed: give the credentials again, or forget them.")
        return before.row.secret

    async def _must_rest(self, call: Call, name: str) -> None:
        """Raises Conflict: what is under way was begun with what stands now."""
        of = self._of
        rows = await of.database.run(lambda c: store.runs(c, call.tenant, name, limit=1))
        for _, state, _job in await of.standing(call.tenant, rows):
            if state in STANDING:
                raise Conflict("A run of this place is under way, or paused: let it end, or cancel it.")

    def _shown(self, call: Call, known: Known, last: Standing | None) -> PlaceShown:
        return place_shown(known, run_shown(last, call.at_us) if last else None)


def actions(discovery: Discovery) -> list[Action]:
    desk = _Desk(discovery)
    look = partial(own_action, permission="privacy.discover")
    change = partial(own_action, permission="privacy.discover", effect=Effect.LOCAL, risk=Risk.HIGH)
    one = "/v1/discovery/places/{place}"
    return [
        look("discovery_place.list", "List places", "The places that can be looked through, each with its newest run.", Empty, PlacesShown, desk.listed,
             Route("GET", "/v1/discovery/places"), keeps_answer=False),
        change("discovery_place.put", "Put a place", "A folder, a bucket or a connector's database that is looked through for sensitive data.", PutPlace, PlaceShown, desk.put,
               Route("PUT", one), sentence="Put the place {place}", keeps_answer=False),
        change("discovery_place.remove", "Remove a place", "The place goes, and all that is known of it. What lies there stays as it is.", OnePlace, Nothing, desk.remove,
               Route("DELETE", one), sentence="Remove the place {place}"),
        look("discovery_place.test", "Try a place", "Opens a place and lists the first of its items; nothing is read.", OnePlace, PlaceTried, desk.test,
             Route("POST", one + "/test"), keeps_answer=False),
        *run_actions.actions(discovery),
        *found_actions.actions(discovery),
        *running.actions(discovery),
    ]  # fmt: skip
