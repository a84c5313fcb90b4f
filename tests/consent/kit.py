"""A house with a shop behind it, contracts that want several people or one of a certain role, and people of several roles."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.house import House, play
from tests.shop import CONTRACTS, Shop, running

BOTH = """
  - name: pay.both
    title: Pay with two
    description: Pays somebody.
    parameters:
      properties: {to: {type: string, maxLength: 40}, amount: {type: number, minimum: 0, maximum: 10000}}
      required: [to, amount]
    roles: [support, owner]
    risk: medium
    confirmation: always
    sentence: Pay {amount} to {to}
    labels: {to: recipient, amount: amount}
    quorum: 2
    target: {connector: shop, http: {method: POST, path: /pay, body: {to: '{to}', amount: '{amount}'}}}
  - name: pay.eyes
    title: Pay with four eyes
    description: Pays somebody.
    parameters:
      properties: {to: {type: string, maxLength: 40}, amount: {type: number, minimum: 0, maximum: 10000}}
      required: [to, amount]
    roles: [support, owner]
    risk: medium
    confirmation: always
    sentence: Pay {amount} to {to}
    labels: {to: recipient, amount: amount}
    four_eyes: true
    target: {connector: shop, http: {method: POST, path: /pay, body: {to: '{to}', amount: '{amount}'}}}
  - name: pay.admin
    title: Pay as an admin says
    description: Pays somebody.
    parameters:
      properties: {to: {type: string, maxLength: 40}, amount: {type: number, minimum: 0, maximum: 10000}}
      required: [to, amount]
    roles: [support, owner]
    risk: medium
    confirmation: always
    sentence: Pay {amount} to {to}
    labels: {to: recipient, amount: amount}
    approvers: [admin]
    target: {connector: shop, http: {method: POST, path: /pay, body: {to: '{to}', amount: '{amount}'}}}
  - name: note.add
    title: Add a note
    description: Adds a note.
    parameters: {properties: {to: {type: string, maxLength: 40}, text: {type: string, maxLength: 40}}, required: [to, text]}
    roles: [support, owner]
    risk: medium
    confirmation: always
    sentence: Write to {to}
    labels: {to: recipient, text: content}
    target: {connector: letters, http: {method: POST, path: /mail, body: {to: '{to}', text: '{text}'}}}
"""
PAY = {"to": "ada", "amount": 48}

Story = Callable[[House, Shop, str], Awaitable[None]]


def told(home: Path, story: Story, **settings: str) -> None:
    """Tell it with an owner who has a second factor, and an agent that the owner made."""
    with running() as shop:

        async def whole(house: House) -> None:
            await house.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
            await house.connect("letters", kind="http", base_url=shop.url)
            await house.agree(CONTRACTS + BOTH)
            await story(house, shop, await house.make_key("helper"))

        play(home, whole, **settings)


async def join(house: House, name: str, role: str) -> str:
    """The session of another member."""
    email = f"{name}@pellow.example"
    await house.good("POST", "/v1/members", json={"email": email, "name": name, "role": role})
    return await house.sign_in(email)


async def held(house: House, agent: str, contract: str, **params: Any) -> dict[str, Any]:
    answer = await house.ask("POST", f"/v1/actions/{contract}", agent, json=params or PAY)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def agent_id(house: House, name: str = "helper") -> str:
    keys = (await house.good("GET", "/v1/keys"))["keys"]
    return str(next(key["key_id"] if "key_id" in key else key["id"] for key in keys if key["name"] == name))


async def policy(house: House, text: str) -> Any:
    return await house.good("PUT", "/v1/policy", json={"text": text})
