"""What one process erases or ends is gone in the other within a second; a hold placed in one stops the other."""

from ostiary.errors import OstiaryError
from ostiary.ids import SubjectId, TenantId
from ostiary.vault.sealing import Place, Vault
from tests.across.pair import Pair, play, soon

DAYS_30_S = 30 * 86_400 + 60


def opens(vault: Vault, place: Place, sealed: bytes) -> bool:
    try:
        return vault.open(place, sealed) == b"x"
    except OstiaryError:
        return False


def test_an_erased_subject_opens_in_no_process() -> None:
    async def story(pair: Pair) -> None:
        place = Place(TenantId(pair.a.tenant), "test", "words", "1")
        vault = pair.b.gateway.vault
        sealed = vault.seal(place, b"x", purpose="call", subject=SubjectId("4711"))
        assert opens(vault, place, sealed)
        held = await pair.b.good(
            "POST", "/v1/holds", json={"scope": "subject", "subject": "4711", "reason": "r"}
        )
        asked = {"subject": "4711", "confirm": "4711"}
        assert (await pair.a.ask("POST", "/v1/erasures", json=asked)).status_code == 409
        await pair.a.good("POST", f"/v1/holds/{held['id']}/release")
        erasure = await pair.b.good("POST", "/v1/erasures", json=asked)
        await pair.a.work()

        async def gone() -> bool:
            return not opens(vault, place, sealed)

        await soon(gone)
        assert (await pair.b.good("GET", f"/v1/erasures/{erasure['id']}"))["state"] == "done"

    play(story)


def test_a_tenant_that_ended_opens_in_no_process() -> None:
    async def story(pair: Pair) -> None:
        second = str((await pair.a.good("POST", "/v1/tenants", json={"name": "Second"}))["tenant"])
        await pair.a.good("POST", "/v1/session/switch-tenant", json={"tenant": second})
        key = await pair.a.make_key("theirs", kind="program", roles=("viewer",))
        assert (await pair.b.ask("GET", "/v1/me", key)).status_code == 200
        await pair.a.good("POST", "/v1/tenant/end", json={"confirm": second})
        place, vault = Place(TenantId(second), "test", "words", "1"), pair.b.gateway.vault
        sealed = vault.seal(place, b"x", purpose="call", subject=SubjectId("4711"))
        pair.a.clock.advance(DAYS_30_S)
        await pair.a.work()

        async def gone() -> bool:
            refused = (await pair.b.ask("GET", "/v1/me", key)).status_code == 401
            return refused and not opens(vault, place, sealed)

        await soon(gone)

    play(story)
