"""Documents that were opened about a subject go with it, files and all; what is about others, or another tenant's, stays."""

from pathlib import Path
from typing import Any

import pytest

from ostiary.errors import BlobsUnavailable
from ostiary.ids import TenantId
from ostiary.review import store
from tests.house import House, play
from tests.retention.test_erase import erase
from tests.review.papers import opened


async def states(house: House) -> list[str]:
    return [each["id"] for each in (await house.good("GET", "/v1/documents"))["documents"]]


def test_documents_about_a_subject_go_with_their_files_and_others_stay(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        tenant = TenantId(house.tenant)
        theirs = await opened(house, subject="4711")
        others = await opened(house, subject="4712")
        lost = await house.good("POST", "/v1/erasures/preview", json={"subject": "4711"})
        assert lost["rows"]["document_review"] == 1
        done = await erase(house, "4711")
        assert done["state"] == "done"
        assert await states(house) == [others]
        assert not [each.id for each in house.gateway.blobs.list(tenant) if theirs in each.id]
        assert len([each.id for each in house.gateway.blobs.list(tenant) if each.id.startswith("doc-")]) == 2
        counts = (await house.good("GET", f"/v1/erasures/{done['id']}/certificate"))["certificate"]["counts"]
        assert (counts["before"]["document_review"], counts["after"]["document_review"]) == (1, 0)

    play(tmp_path, story)


def test_another_tenants_document_about_the_same_id_stays(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        mine, rows = TenantId(house.tenant), house.gateway.database
        await opened(house, subject="4711")
        row = rows.read(lambda c: store.list_reviews(c, mine, before="", limit=9))[0]
        reviews = house.gateway.documents.reviews
        second = TenantId(str((await house.good("POST", "/v1/tenants", json={"name": "Second"}))["tenant"]))
        sealed = await reviews.sealed(second, row.id, reviews.about(mine, row))
        copy = store.ReviewRow(row.id, row.actor, row.source, "", "open", "", 0, row.created_us, row.changed_us, sealed)  # fmt: skip
        await rows.change(lambda c: store.add_review(c, second, copy))
        assert (await erase(house, "4711"))["state"] == "done"
        assert await states(house) == []
        assert rows.read(lambda c: store.count_reviews(c, second)) == 1

    play(tmp_path, story)


@pytest.mark.parametrize("hold", [{"scope": "action", "action": "document.*"}, {"scope": "tenant"}], ids=str)
def test_a_hold_on_documents_refuses_the_erasure(tmp_path: Path, hold: dict[str, Any]) -> None:
    async def story(house: House) -> None:
        document = await opened(house, subject="4711")
        placed = await house.good("POST", "/v1/holds", json={"reason": "The court asks.", **hold})
        lost = await house.good("POST", "/v1/erasures/preview", json={"subject": "4711"})
        assert lost["hold"] == placed["id"]
        asked = {"subject": "4711", "confirm": "4711"}
        refused = await house.ask("POST", "/v1/erasures", json=asked)
        assert (refused.status_code, refused.json()["code"]) == (409, "retention.hold")
        assert await states(house) == [document]

    play(tmp_path, story)


def test_a_hold_that_comes_before_the_job_begins_refuses_it(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        document = await opened(house, subject="4711")
        asked = await house.good("POST", "/v1/erasures", json={"subject": "4711", "confirm": "4711"})
        hold = {"scope": "action", "action": "document.*", "reason": "The court asks."}
        await house.good("POST", "/v1/holds", json=hold)
        await house.work()
        assert (await house.good("GET", f"/v1/erasures/{asked['id']}"))["state"] == "refused"
        assert await states(house) == [document]

    play(tmp_path, story)


def test_what_breaks_off_among_the_files_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file store is away after the first file: the row stays, says that it is over, and the next step removes the rest."""

    async def story(house: House) -> None:
        await opened(house, subject="4711")
        blobs, asked_for = house.gateway.blobs, list[str]()
        whole = type(blobs).delete

        def breaks(self: Any, tenant: TenantId, name: str) -> None:
            asked_for.append(name)
            if len([each for each in asked_for if each.startswith("doc-")]) == 2:
                raise BlobsUnavailable
            whole(self, tenant, name)

        monkeypatch.setattr(type(blobs), "delete", breaks)
        asked = await house.good("POST", "/v1/erasures", json={"subject": "4711", "confirm": "4711"})
        await house.work()
        assert (await house.good("GET", "/v1/documents"))["documents"][0]["state"] == "failed"
        for _ in range(3):
            house.clock.advance(120)
            await house.work()
        assert (await house.good("GET", f"/v1/erasures/{asked['id']}"))["state"] == "done"
        assert await states(house) == []
        assert not [each for each in blobs.list(TenantId(house.tenant)) if each.id.startswith("doc-")]

    play(tmp_path, story)
