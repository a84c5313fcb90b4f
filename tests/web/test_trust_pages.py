"""Intent keys and trusted issuers in the console, without JavaScript, against a gateway: each is let count with a second factor, listed, and ended by name."""

from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.house import BASE, House, play

SEED = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PEM = SEED.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
PRIVATE = SEED.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"
ISSUER = {
    "issuer": "https://sign-in.example", "audience": "https://gate.example/mcp", "domains": "Pellow.example, other.example", "scopes": "contracts:read invoice.*",
    "token_type": "at+jwt", "jwks_url": "", "ca_pem": "",
}  # fmt: skip


async def page(house: House, path: str, token: str = "", **form: str | list[str]) -> httpx.Response:
    headers = {"cookie": f"ostiary={token or house.owner}", "origin": BASE, "sec-fetch-site": "same-origin"}
    return await house.client.request("POST" if form else "GET", path, data=form or None, headers=headers)


def test_an_intent_key_is_registered_shown_and_revoked_by_its_name(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        empty = (await page(house, "/intent-keys")).text
        assert "No application speaks for people here" in empty
        made = await page(
            house, "/intent-keys", title="Help desk", public_key=PEM, roles=["support", "admin"]
        )
        assert made.status_code == 200, made.text
        (key,) = (await house.good("GET", "/v1/intent-keys"))["keys"]
        assert (key["title"], key["public_key"], key["roles"]) == ("Help desk", PUBLIC, ["admin", "support"])
        assert f'"kid": "{key["key_id"]}"' in made.text.replace("&#34;", '"')
        listed = (await page(house, "/intent-keys")).text
        assert "Help desk" in listed
        assert "by Olive Owner" in listed
        place = f"/intent-keys/{key['key_id']}/revoke"
        assert (await page(house, place, title="Another")).status_code == 422
        assert (await house.good("GET", "/v1/intent-keys"))["keys"][0]["revoked_at"] is None
        gone = await page(house, place, title="Help desk")
        assert (gone.status_code, gone.headers["location"]) == (303, "/intent-keys?note=intent-key-revoked")
        assert (await house.good("GET", "/v1/intent-keys"))["keys"][0]["revoked_at"] is not None
        unknown = await page(house, "/intent-keys/ink_" + "0" * 32 + "/revoke", title="Help desk")
        assert unknown.status_code == 404

    play(tmp_path, story)


def test_a_private_half_is_neither_taken_nor_shown_again(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        answer = await page(house, "/intent-keys", title="Help desk", public_key=PRIVATE)
        assert answer.status_code == 422
        assert "This is the private half" in answer.text
        assert PRIVATE.splitlines()[1] not in answer.text
        assert 'value="Help desk"' in answer.text
        wrong = await page(house, "/intent-keys", title="Help desk", public_key="hello <b>")
        assert "no Ed25519 public key" in wrong.text
        assert (await house.good("GET", "/v1/intent-keys"))["keys"] == []

    play(tmp_path, story)


def test_without_a_fresh_second_factor_the_form_is_kept_and_goes_again(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.clock.advance(3 * 3600)
        for path, form, shown in (
            ("/intent-keys", {"title": "Help desk", "public_key": PUBLIC}, "intent-keys"),
            ("/issuers", ISSUER, "oauth/issuers"),
        ):
            asked = await page(house, path, **form)
            assert asked.status_code == 403, asked.text
            assert 'name="second_factor"' in asked.text
            again = await page(house, path, **form, second_factor=house.code())
            assert again.status_code in (200, 303), again.text
            house.owner = again.cookies["ostiary"]
            (rows,) = (await house.good("GET", f"/v1/{shown}")).values()
            assert len(rows) == 1
            house.clock.advance(3600)

    play(tmp_path, story)


def test_an_issuer_is_trusted_shown_and_forgotten_by_its_address(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        assert "Only this gateway lets agents in" in (await page(house, "/issuers")).text
        made = await page(house, "/issuers", **ISSUER)
        assert (made.status_code, made.headers["location"]) == (303, "/issuers?note=issuer-trusted")
        (row,) = (await house.good("GET", "/v1/oauth/issuers"))["issuers"]
        assert (row["domains"], row["scopes"]) == (
            ["pellow.example", "other.example"],
            ["contracts:read", "invoice.*"],
        )
        listed = (await page(house, "/issuers")).text
        assert "https://sign-in.example" in listed
        twice = await page(house, "/issuers", **ISSUER)
        assert twice.status_code == 422
        assert "choose another audience" in twice.text
        place = f"/issuers/{row['issuer_id']}/forget"
        assert (await page(house, place, issuer="https://another.example")).status_code == 422
        assert len((await house.good("GET", "/v1/oauth/issuers"))["issuers"]) == 1
        gone = await page(house, place, issuer="https://sign-in.example")
        assert (gone.status_code, gone.headers["location"]) == (303, "/issuers?note=issuer-forgotten")
        assert (await house.good("GET", "/v1/oauth/issuers"))["issuers"] == []

    play(tmp_path, story)


def test_what_is_wrong_is_said_at_its_field_and_the_rest_is_kept(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for change, said in (
            ({"issuer": "http://sign-in.example"}, "Address"),
            ({"domains": "no domain!"}, "Email domains"),
            ({"scopes": "approval.approve.*.x"}, "A scope is contracts:read"),
            ({"issuer": "https://sign-in.example/%zz a"}, "Address"),
        ):
            answer = await page(house, "/issuers", **{**ISSUER, **change})
            assert answer.status_code == 422, (change, answer.status_code)
            assert said in answer.text, change
            assert 'value="https://gate.example/mcp"' in answer.text
        assert (await house.good("GET", "/v1/oauth/issuers"))["issuers"] == []

    play(tmp_path, story)


def test_who_may_not_sees_neither_the_pages_nor_the_way_there(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for role, pages in (("support", ()), ("admin", ("/intent-keys",)), ("viewer", ())):
            email = f"{role}@pellow.example"
            await house.good("POST", "/v1/members", json={"email": email, "name": role, "role": role})
            token = await house.sign_in(email)
            settings = (await page(house, "/settings", token)).text
            for path in ("/intent-keys", "/issuers"):
                assert (f'href="{path}"' in settings) is (path in pages), (role, path)
                assert (await page(house, path, token)).status_code == (200 if path in pages else 403)

    play(tmp_path, story)
