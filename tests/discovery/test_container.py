"""A container of Azure's as a place: authorised by the account's key or a SAS token, listed in key order whatever the account's own order is, read in ranges, and what
does not speak as it should is refused."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import AzureStore

from ostiary.discovery import container
from ostiary.discovery.container import Container, _Page
from ostiary.discovery.storage import Credentials, Where, read_list
from ostiary.scanning.place import Item, PlaceUnreadable, Unreadable
from ostiary.secret import Secret
from tests import azure
from tests.discovery.test_bucket import in_bucket
from tests.discovery.test_runs import whole_run
from tests.house import House, play

KEYS = (
    "a letter+plus & more.txt", "b/deep/ünïcode.txt", "b/deep/2.txt", "b/a.txt", "b-1/x.txt", "b.txt", "b.d/y.txt", "z%41.txt", "c?x=1#y.txt",
)  # fmt: skip
CREDENTIALS = Credentials(azure.ACCOUNT, Secret(azure.KEY))
SERVERS = ("flat", "hierarchical", "grouped", pytest.param("azurite", marks=pytest.mark.skipif(not azure.AZURITE, reason="OSTIARY_TEST_AZURITE names no Azurite")))  # fmt: skip


@pytest.fixture(params=SERVERS)
def endpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "azurite":
        with azure.azurite(tmp_path / "azurite") as address:
            yield address
    else:
        with azure.serving(hierarchical=request.param == "hierarchical", grouped=request.param == "grouped") as (address, _):  # fmt: skip
            yield address


def fill(endpoint: str, keys: tuple[str, ...] = KEYS) -> None:
    """Put by a client that others wrote."""
    own = AzureStore(azure.CONTAINER, account_name=azure.ACCOUNT, account_key=azure.KEY, endpoint=endpoint, client_options={"allow_http": True})  # fmt: skip
    for key in keys:
        obstore.put(own, f"in/{key}", b"to jane@example.com", use_multipart=False)
    obstore.put(own, "other/secret.txt", b"joe@example.com", use_multipart=False)


def where(endpoint: str, credentials: Credentials | None = CREDENTIALS, **more: str) -> Where:
    return Where(endpoint, more.get("bucket", azure.CONTAINER), more.get("prefix", "in/"), "", credentials)


@pytest.mark.parametrize("secret", [azure.KEY, azure.sas()], ids=["key", "sas"])
def test_a_container_is_listed_in_key_order_from_any_key_and_read(endpoint: str, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(container, "PAGE_BLOBS", 2)
    keys = sorted(KEYS)
    fill(endpoint)

    def look(place: Container) -> None:
        items = list(place.items(""))
        assert [item.key for item in items] == keys
        for number, key in enumerate(keys):
            assert [item.key for item in place.items(key)] == keys[number + 1 :]
        assert {place.read(item, 5, 3) for item in items} == {b"jane@"}
        assert place.read(items[0], 5, 100) == b""
        assert all(item.version for item in items)
        with pytest.raises(Unreadable):
            place.read(Item("gone.txt", 1, "x"), 10)

    in_bucket(where(endpoint, Credentials(azure.ACCOUNT, Secret(secret))), look, Container)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"credentials": Credentials(azure.ACCOUNT, Secret("AAAA"))}, 403),
        ({"credentials": Credentials(azure.ACCOUNT, Secret(azure.sas() + "x"))}, 403),
        ({"credentials": None}, 403),
        ({"bucket": "elsewhere"}, 404),
    ],
)
def test_who_may_not_is_told_so_in_our_words(endpoint: str, wrong: dict[str, Any], status: int) -> None:
    with pytest.raises(PlaceUnreadable, match=f"status {status}") as told:
        in_bucket(where(endpoint, **wrong), lambda place: list(place.items("")), Container)
    assert not [part for part in ("sig=", "AAAA") if part in str(told.value)]


def test_a_folder_that_was_seen_is_not_asked_for_again() -> None:
    with azure.serving(page=100) as (endpoint, server):
        fill(endpoint)
        server.asked.clear()
        in_bucket(where(endpoint), lambda place: list(place.items("b/deep/ünïcode.txt")), Container)
        assert not [path for path in server.asked if "b-1" in path or "b.d" in path]


@pytest.mark.parametrize("how", ["flat", "hierarchical", "grouped"])
def test_any_names_come_in_key_order_whole_and_from_anywhere(how: str) -> None:
    draw = random.Random(7)
    with azure.serving(hierarchical=how == "hierarchical", grouped=how == "grouped", page=2) as (endpoint, server):  # fmt: skip
        server.blobs |= {"in/" + "".join(draw.choices("ab./-", k=draw.randint(1, 6))) + "x": b"x" for _ in range(60)}  # fmt: skip
        keys = sorted(name.removeprefix("in/") for name in server.blobs)
        after = draw.choice(keys)

        def look(place: Container) -> tuple[list[str], list[str]]:
            return [item.key for item in place.items("")], [item.key for item in place.items(after)]

        assert in_bucket(where(endpoint), look, Container) == (keys, [key for key in keys if key > after])


def test_names_that_xml_cannot_hold_are_read() -> None:
    with azure.serving() as (endpoint, server):
        server.blobs |= {"in/a\x01%b.txt": b"x", "in/d//e.txt": b"x", "in/f/": b""}
        keys = in_bucket(where(endpoint), lambda place: [item.key for item in place.items("")], Container)
        assert keys == ["a\x01%b.txt", "d//e.txt"]


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE a [<!ENTITY x 'y'>]><EnumerationResults>&x;</EnumerationResults>",
        b"<EnumerationResults><Blobs><Blob><Name>a</Name><Properties><Content-Length>x</Content-Length></Properties></Blob></Blobs></EnumerationResults>",
        b"<EnumerationResults><Blobs><Blob><Properties/></Blob></Blobs></EnumerationResults>",
        b"<EnumerationResults><Blobs><Blob><Name>"
        + b"a" * 1025
        + b"</Name></Blob></Blobs></EnumerationResults>",
        b"<a>" * 40 + b"</a>" * 40,
        b"hey!",
    ],
)
def test_a_list_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(PlaceUnreadable):
        read_list(body, _Page())


@pytest.mark.parametrize(
    "entries",
    [
        "<Blob><Name>else/x</Name></Blob>",
        "<BlobPrefix><Name>in/</Name></BlobPrefix>",
        "<Blob><Name>in/b</Name></Blob><Blob><Name>in/a</Name></Blob><Blob><Name>in/c</Name></Blob><Blob><Name>in/a</Name></Blob>",
    ],
)
def test_a_server_that_lists_what_was_not_asked_for_is_refused(entries: str, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    body = f"<EnumerationResults><Blobs>{entries}</Blobs></EnumerationResults>"
    monkeypatch.setattr("tests.azure._Handler._list", lambda *_: body.encode())
    with azure.serving() as (endpoint, _), pytest.raises(PlaceUnreadable):
        in_bucket(where(endpoint), lambda place: list(place.items("")), Container)


def test_a_list_that_goes_on_for_ever_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "EMPTY_PAGES_MAX", 3)
    marks = iter(range(100))
    page = "<EnumerationResults><Blobs/><NextMarker>{}</NextMarker></EnumerationResults>"
    monkeypatch.setattr("tests.azure._Handler._list", lambda *_: page.format(next(marks)).encode())
    with azure.serving() as (endpoint, _), pytest.raises(PlaceUnreadable, match="does not go on"):
        in_bucket(where(endpoint), lambda place: list(place.items("")), Container)


def test_a_tenant_looks_through_a_container(endpoint: str, tmp_path: Path) -> None:
    fill(endpoint)

    async def story(house: House) -> None:
        settings = {"kind": "bucket", "url": f"az://{azure.CONTAINER}/in/", "endpoint": endpoint}
        given = {
            "access_key": azure.ACCOUNT,
            "secret_key": azure.sas(),
        }  # the clock of a house is not that of Azurite, which Shared Key asks for
        await house.good("PUT", "/v1/discovery/places/scans", json={"settings": settings, "credentials": given})  # fmt: skip
        tried = await house.good("POST", "/v1/discovery/places/scans/test", json={})
        assert (tried["ok"], tried["items"]) == (True, 5), tried
        run = await whole_run(house, "scans")
        assert (run["state"], run["looked"], run["findings"]) == ("done", len(KEYS), len(KEYS))
        again = await whole_run(house, "scans")
        assert (again["unchanged"], again["findings"]) == (len(KEYS), len(KEYS))

    play(tmp_path, story)


def test_credentials_that_azure_cannot_have_are_refused_before_anything_is_kept(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        settings = {"kind": "bucket", "url": "az://scans"}
        for given, pointers in (
            ({"access_key": "evil.example/x", "secret_key": azure.KEY}, ["/credentials/access_key"]),
            ({"access_key": azure.ACCOUNT, "secret_key": "no key!"}, ["/credentials/secret_key"]),
        ):
            answer = await house.ask("PUT", "/v1/discovery/places/scans", json={"settings": settings, "credentials": given})  # fmt: skip
            assert answer.status_code == 422
            assert [fault["pointer"] for fault in answer.json()["errors"]] == pointers
            assert given["secret_key"] not in answer.text
        assert (await house.good("GET", "/v1/discovery/places"))["places"] == []
        await house.good("PUT", "/v1/discovery/places/scans", json={"settings": settings})
        tried = await house.good("POST", "/v1/discovery/places/scans/test", json={})
        assert (tried["ok"], "account" in tried["detail"]) == (False, True)

    play(tmp_path, story)
