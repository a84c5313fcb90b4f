"""Attacks on the console: hostile text in what agents send, hostile markup in a swapped answer, and the headers that hold."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect
from starlette.applications import Starlette

from ostiary.asgi.caller import Proxies
from ostiary.asgi.guard import guard
from ostiary.errors import AuditUnavailable, Forbidden, NotAuthenticated, OstiaryError, TooMany
from ostiary.web.console import routes
from ostiary.web.render import FOLDER
from tests.web.conftest import Tabs
from tests.web.sample import AGENT, SESSION, SampleDoor, numbered, parameter
from tests.web.serving import Served, application, fitted

Open = Callable[..., Page]

HOSTILE = "<img src=x onerror=\"window.pwned='img'\"><script>window.pwned='script'</script>'\"--><svg onload=window.pwned=1>"
BASE = "http://localhost"


def _attributes(pattern: str) -> list[str]:
    found = []
    for template in sorted(Path(FOLDER).rglob("*.html")):
        found += [f"{template.name}: {hit}" for hit in re.findall(pattern, template.read_text())]
    return found


def test_no_template_runs_or_styles_anything_inline() -> None:
    assert _attributes(r"\s(?:style|on[a-z]+)=") == []
    assert _attributes(r"<style\b|<script(?![^>]*\bnonce=)[^>]*>|javascript:") == []


def test_no_template_marks_anything_as_safe() -> None:
    assert _attributes(r"\|\s*safe\b|Markup|autoescape|hx-on|hx-vals|hx-headers|js:") == []


def test_every_htmx_element_carries_the_nonce() -> None:
    assert _attributes(r"<[a-z]+(?=[^<>]*\shx-(?:get|post|sse|trigger))(?![^<>]*\shx-nonce=)[^<>]*>") == []


def ask(door: SampleDoor, story: Callable[[httpx.AsyncClient], Any], *, secure: bool = False) -> Any:
    async def whole() -> Any:
        transport = httpx.ASGITransport(application(fitted(door, BASE, secure=secure)))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            client.cookies.set("__Host-ostiary" if secure else "ostiary", SESSION)
            return await story(client)

    return asyncio.run(whole())


POLICY = re.compile(
    r"default-src 'none'; script-src 'nonce-([0-9A-Za-z]{22})'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    r"frame-ancestors 'none'; form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types htmx"
)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/approvals",
        f"/approvals/{numbered('apr', 2)}/card",
        "/sign-in/second-factor",
        "/setup",
        "/audit",
        "/calls/nope",
    ],
)
def test_the_policy_is_on_every_page_with_a_fresh_nonce(door: SampleDoor, path: str) -> None:
    async def story(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [await client.get(path), await client.get(path)]

    nonces = []
    for answer in ask(door, story):
        policy = POLICY.fullmatch(answer.headers["content-security-policy"])
        assert policy
        nonces.append(policy[1])
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"
    assert len(set(nonces)) == 2


def test_forms_need_our_own_page(door: SampleDoor) -> None:
    async def story(client: httpx.AsyncClient) -> list[int]:
        path, form = f"/approvals/{numbered('apr', 3)}/reject", {"reason": "no"}
        sent = (
            {},
            {"origin": "https://evil.example"},
            {"origin": BASE, "sec-fetch-site": "cross-site"},
            {"origin": "null"},
            {"origin": BASE, "content-type": "text/plain"},
            {"origin": BASE, "sec-fetch-site": "same-origin"},
        )
        return [(await client.post(path, data=form, headers=headers)).status_code for headers in sent]

    assert ask(door, story) == [403, 403, 403, 403, 400, 303]


def test_a_page_opened_by_number_moves_to_its_name(door: SampleDoor) -> None:
    async def whole() -> httpx.Response:
        app = guard(
            Starlette(routes=routes(fitted(door, "http://localhost:8080"))),
            hosts=frozenset({"127.0.0.1"}), proxies=Proxies(), https=False,
        )  # fmt: skip
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
            return await client.get("/audit?decision=refused")

    assert asyncio.run(whole()).headers["location"] == "http://localhost:8080/audit?decision=refused"


def test_a_mistake_of_ours_shows_nothing_of_itself(door: SampleDoor) -> None:
    async def story(client: httpx.AsyncClient) -> list[httpx.Response]:
        door.approvals[1]["parameters"] = [{"secret detail": 1}]
        return [await client.get(f"/approvals/{numbered('apr', 2)}"), await client.get("/contracts")]

    broken, whole = ask(door, story)
    assert (broken.status_code, whole.status_code) == (500, 200)
    assert "Something went wrong." in broken.text
    assert "secret detail" not in broken.text
    assert "Traceback" not in broken.text
    assert POLICY.fullmatch(broken.headers["content-security-policy"])


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (Forbidden(), 403, "Someone whose role permits it"),
        (AuditUnavailable(), 503, "Nothing passes until the log can be written"),
        (TooMany(retry_after_s=7), 429, "Wait a moment"),
        (NotAuthenticated(), 303, ""),
    ],
)
def test_a_refusal_says_what_to_do(door: SampleDoor, error: OstiaryError, status: int, said: str) -> None:
    door.wrong["approval.list"] = error

    async def story(client: httpx.AsyncClient) -> httpx.Response:
        return await client.get("/approvals")

    answer = ask(door, story)
    assert answer.status_code == status
    assert said in answer.text
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)


def test_over_tls_the_cookie_is_bound_to_the_host(door: SampleDoor) -> None:
    async def story(client: httpx.AsyncClient) -> httpx.Response:
        client.cookies.clear()
        form = {"request": numbered("cod", 1), "code": "12345678", "email": "a@b.example"}
        return await client.post("/sign-in/code", data=form, headers={"origin": BASE})

    cookie = ask(door, story, secure=True).headers["set-cookie"]
    assert re.fullmatch(
        r"__Host-ostiary=s{43}; HttpOnly; Max-Age=43200; Path=/; SameSite=lax; Secure", cookie
    )


@pytest.mark.parametrize(
    "after", ["https://evil.example", "//evil.example", "/\\evil.example", "/ok\nX: 1", "evil"]
)
def test_signing_in_never_leads_elsewhere(door: SampleDoor, after: str) -> None:
    async def story(client: httpx.AsyncClient) -> httpx.Response:
        form = {"code": "123456", "next": after}
        return await client.post("/sign-in/second-factor", data=form, headers={"origin": BASE})

    assert ask(door, story).headers["location"] == "/"


def test_too_many_fields_and_too_much_are_refused(door: SampleDoor) -> None:
    async def story(client: httpx.AsyncClient) -> list[int]:
        headers = {"origin": BASE, "content-type": "application/x-www-form-urlencoded"}
        bodies = ["&".join(f"a{i}=1" for i in range(500)), "file=" + "a" * 1_200_000, "%ff=%zz", "a"]
        return [
            (await client.post("/contracts/check", content=body, headers=headers)).status_code
            for body in bodies
        ]

    assert ask(door, story) == [400, 413, 400, 400]


def test_somebody_elses_approval_and_a_made_up_one_look_the_same(door: SampleDoor) -> None:
    async def story(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [
            await client.get(f"/approvals/{numbered('apr', 99)}"),
            await client.get("/approvals/..%2f..%2fetc"),
        ]

    first, second = ask(door, story)
    assert (first.status_code, second.status_code) == (404, 404)


def _hostile(door: SampleDoor) -> None:
    for card in door.approvals:
        card["sentence"] = "Pay {amount} to " + HOSTILE
        card["parameters"] = [
            parameter("amount", HOSTILE, "untrusted", HOSTILE),
            parameter(HOSTILE, [HOSTILE], "said"),
        ]
        card["request"] = {"method": "POST", "url": HOSTILE, "headers": {HOSTILE: HOSTILE}, "body": HOSTILE}
        card["behalf"] = card["reason"] = card["title"] = card["why"] = HOSTILE
        card["asked_by"] = {"kind": "agent", "id": AGENT, "name": HOSTILE}
        card["reasons"] = [{"rule": HOSTILE, "why": HOSTILE, "name": HOSTILE, "pointer": HOSTILE, "label": "", "kind": "", "source": HOSTILE, "detail": {"why": HOSTILE}}]  # fmt: skip
        card["answer"] = {"result": {HOSTILE: HOSTILE}} if card["state"] == "done" else card["answer"]


@pytest.mark.browser
@pytest.mark.xdist_group("browser_too")
def test_what_an_agent_sends_is_text(open_page: Open, door: SampleDoor) -> None:
    _hostile(door)
    page = open_page(f"/approvals/{numbered('apr', 2)}")
    expect(page.locator("#sentence")).to_contain_text("<script>window.pwned='script'</script>")
    origin = page.url.split("/approvals")[0]
    for path in (
        "/",
        "/approvals?state=any",
        f"/approvals/{numbered('apr', 5)}",
        f"/approvals/{numbered('apr', 8)}",
        "/calls",
        f"/calls/{numbered('cal', 105)}",
        "/search?q=" + "%3Cscript%3Ewindow.pwned%3D1%3C%2Fscript%3E",
        "/audit?action=%22%3E%3Cscript%3Ewindow.pwned%3D1%3C%2Fscript%3E",
    ):
        page.goto(origin + path)
        assert page.evaluate("window.pwned") is None, path
        assert page.locator("main img, main script").count() == 0


SWAPPED = {
    "an inline script": "<script>window.pwned='inline'</script>",
    "a script with a guessed nonce": "<script nonce='guess'>window.pwned='nonce'</script>",
    "a script from our own address": "<script src='/static/evil.js'></script>",
    "a module from our own address": "<script type='module' src='/static/evil.js'></script>",
    "an image that fails": "<img src='/nothing.png' onerror=\"window.pwned='onerror'\">",
    "an element of htmx without the nonce": "<b id='bait' hx-get='/static/evil.js' hx-trigger='load'>x</b>",
    "code for htmx": "<b hx-on:click=\"window.pwned='on'\" id='click'>x</b>",
    "a frame with a document": "<iframe srcdoc=\"<script>parent.pwned='frame'</script>\"></iframe>",
    "a link that is code": "<a id='click' href=\"javascript:window.pwned='link'\">x</a>",
    "a base for other addresses": "<base href='https://evil.example/'>",
    "a form to elsewhere": "<form action='https://evil.example/'><button id='click'>x</button></form>",
}


@pytest.mark.browser
@pytest.mark.xdist_group("browser_too")
@pytest.mark.parametrize("name", SWAPPED)
def test_hostile_markup_in_a_swapped_answer_runs_nothing(tabs: Tabs, console: Served, name: str) -> None:
    page = tabs.open("/approvals")
    expect(page.locator("#live[data-state=on]")).to_be_visible()
    asked: list[str] = []

    def answer(route: Route) -> None:
        route.fulfill(
            body=f"<div id='approval-list'><i id='swapped'>here</i>{SWAPPED[name]}</div>",
            content_type="text/html",
        )

    def evil(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(body="window.pwned='src'", content_type="text/javascript")

    page.route("**/approvals/list*", answer)
    page.route("**/static/evil.js", evil)
    page.route("https://evil.example/**", evil)
    console.changed()
    page.wait_for_timeout(600)
    if page.locator("#click").count():
        page.locator("#click").click(force=True, no_wait_after=True)
        page.wait_for_timeout(200)
    assert page.evaluate("window.pwned") is None
    assert asked == []
    assert page.url.startswith(console.origin)
    tabs.complaints.clear()  # that the policy was broken is said in the console: that is the point


@pytest.mark.browser
@pytest.mark.xdist_group("browser_too")
def test_the_same_swap_works_when_it_is_honest(tabs: Tabs, console: Served) -> None:
    page = tabs.open("/approvals")
    expect(page.locator("#live[data-state=on]")).to_be_visible()
    page.route(
        "**/approvals/list*",
        lambda route: route.fulfill(
            body="<div id='approval-list'><i id='swapped'>here</i></div>", content_type="text/html"
        ),
    )
    console.changed()
    expect(page.locator("#swapped")).to_be_visible()


@pytest.mark.browser
@pytest.mark.xdist_group("browser_too")
def test_the_console_cannot_be_framed(tabs: Tabs) -> None:
    page = tabs.open("/setup", signed_in=False)
    page.route(
        "http://outside.example/",
        lambda route: route.fulfill(
            body=f"<iframe src='{tabs.console.origin}/approvals'></iframe>", content_type="text/html"
        ),
    )
    page.goto("http://outside.example/")
    page.wait_for_timeout(300)
    assert all("Approvals" not in frame.content() for frame in page.frames)
    tabs.complaints.clear()
