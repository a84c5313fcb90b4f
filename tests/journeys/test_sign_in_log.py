from pathlib import Path

from tests.house import OWNER, House, play


def test_the_tenants_own_log_tells_who_signed_in_and_when(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        me = await house.good("GET", "/v1/me")
        await house.sign_in(OWNER)
        events = (await house.good("GET", "/v1/audit/events", params={"action": "session.start"}))["events"]
        assert [(event["decision"], event["actor_kind"], event["actor_id"]) for event in events] == [
            ("ran", "person", me["id"])
        ]

    play(tmp_path, story)
