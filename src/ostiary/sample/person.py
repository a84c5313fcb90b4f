"""The people of the sample company, as far as they are played: they use the gateway's public REST API and nothing else."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
import pyotp

from ostiary.secret import Secret

TIMEOUT_S = 60
LOOK_EVERY_S = 0.1
CARD_WITHIN_S = 20


class StoryBroke(Exception):
    """A step does not hold. The text is the sentence that is shown."""


def holds(condition: object, sentence: str) -> None:
    """Raises StoryBroke with the sentence unless the condition is true."""
    if not condition:
        raise StoryBroke(sentence)


class Person:
    """Somebody at the REST API of the gateway at `url`. `token` is their session's."""

    def __init__(self, url: str) -> None:
        self._client = httpx2.AsyncClient(base_url=url, timeout=TIMEOUT_S, trust_env=False)
        self._token: Secret | None = None

    def at(self, url: str) -> "Person":
        """The same person with the same session, at a gateway that was started anew."""
        again = Person(url)
        again._token = self._token
        return again

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(self, method: str, path: str, body: Any = None, **query: str | int) -> Any:
        """The answer. Raises StoryBroke when the gateway says no: the story only asks what must work."""
        headers = {"Authorization": f"Bearer {self._token.reveal()}"} if self._token else {}
        try:
            answer = await self._client.request(method, path, json=body, params=query, headers=headers)
        except httpx2.HTTPError as error:
            raise StoryBroke(f"{method} {path} was not answered ({type(error).__name__}).") from error
        content = answer.json()
        if answer.status_code >= 300:
            said = content.get("detail") or content.get("title", "")
            raise StoryBroke(
                f"{method} {path} was refused: {said} ({content.get('code', answer.status_code)})."
            )
        return content

    async def set_up(self, token: Secret, *, email: str, name: str, tenant: str) -> None:
        """Become the owner against the set-up token, with a second factor."""
        asked = {"token": token.reveal(), "email": email, "name": name, "tenant": tenant}
        self._signed_in(await self.ask("POST", "/v1/setup", asked))
        secret = await self.ask("POST", "/v1/me/totp", {})
        code = pyotp.TOTP(secret["secret"]["key"]).now()
        self._signed_in(await self.ask("POST", "/v1/me/totp/confirm", {"code": code}))

    async def card(self, action: str) -> dict[str, Any]:
        """The card of the held call of this action, as soon as there is one."""
        for _ in range(int(CARD_WITHIN_S / LOOK_EVERY_S)):
            cards = (await self.ask("GET", "/v1/approvals"))["approvals"]
            found: list[dict[str, Any]] = [card for card in cards if card["action"] == action]
            if found:
                return found[0]
            await asyncio.sleep(LOOK_EVERY_S)
        raise StoryBroke(f"No call of {action} was held for approval within {CARD_WITHIN_S} seconds.")

    async def approve(self, card: Mapping[str, Any]) -> None:
        await self.ask("POST", f"/v1/approvals/{card['id']}/approve", {"digest": card["digest"]})

    async def reject(self, card: Mapping[str, Any], reason: str) -> None:
        await self.ask("POST", f"/v1/approvals/{card['id']}/reject", {"reason": reason})

    def _signed_in(self, session: Mapping[str, Any]) -> None:
        self._token = Secret(session["secret"])
