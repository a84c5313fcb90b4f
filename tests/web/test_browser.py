"""What a person at the console can do, in Chromium: with the mouse, with the keyboard alone, on a phone, and without JavaScript."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from ostiary.clock import rfc3339
from tests.web.sample import ADA, AGENT, SESSION, TOTP, SampleDoor, numbered
from tests.web.sample_agents import TASK
from tests.web.sample_imports import IMPORT
from tests.web.serving import Served

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Open = Callable[..., Page]
REFUND, ATTACK, TICKET, OWN = (f"/approvals/{numbered('apr', number)}" for number in (1, 2, 3, 4))
SESSION_PAGE = f"/sessions/{TASK}"
REVIEW = f"/contracts/imports/{IMPORT}"
PAGES = (
    "/", "/approvals", REFUND, ATTACK, OWN, f"/approvals/{numbered('apr', 5)}?state=any", f"/approvals/{numbered('apr', 7)}?state=any", "/calls",
    f"/calls/{numbered('cal', 105)}", "/contracts", "/contracts/invoice.refund", "/contracts/apply", "/contracts/imports", REVIEW, f"{REVIEW}/draft?name=billing.create_shipment", "/connectors", "/connectors/billing",
    "/connectors/new", "/connectors/new?kind=postgresql", "/audit", "/audit/checkpoints", f"/audit?event={numbered('evt', 116)}", "/jobs", f"/jobs/{numbered('job', 1)}", f"/jobs/{numbered('job', 3)}", f"/jobs/{numbered('job', 4)}", f"/jobs/{numbered('job', 6)}",
    "/keys", "/keys/new", f"/keys/{AGENT}",
    "/members", "/roles", "/roles/matrix", "/masking", "/retention", "/retention/erase", f"/retention/erasures/{numbered('era', 1)}",
    "/encryption", "/backups", "/quotas", "/limits", "/intent-keys", "/issuers", "/connected", "/sessions", "/sessions/new", SESSION_PAGE, "/settings", "/search?q=re", f"/approvals/{numbered('apr', 77)}",
)  # fmt: skip


def decisions(door: SampleDoor) -> list[str]:
    return [name for name, _ in door.asked if name in ("approval.approve", "approval.reject")]


def live(page: Page) -> None:
    expect(page.locator("#live[data-state=on]")).to_be_visible()


def test_a_high_risk_call_is_approved_by_holding_and_not_by_a_click(
    open_page: Open, door: SampleDoor
) -> None:
    page = open_page(ATTACK)
    page.locator("#approve-button").click()
    page.locator("#approve-button").click(delay=300)
    assert decisions(door) == []
    page.locator("#approve-button").click(delay=1_400)
    expect(page.locator("#approval-card")).to_contain_text("Done, once.")
    expect(page.get_by_text("Approved. It runs now")).to_be_visible()
    assert decisions(door) == ["approval.approve"]
    expect(page).not_to_have_url(re.compile("note="))


def test_the_keyboard_alone_goes_down_the_list_and_approves(open_page: Open, door: SampleDoor) -> None:
    page = open_page("/approvals")
    page.keyboard.press("j")
    expect(page.locator("#sentence")).to_have_text("Refund EUR 48.00 of invoice INV-2041 to Ada Marsh")
    page.keyboard.press("j")
    expect(page.locator("#sentence")).to_contain_text("Pay EUR 2,400.00")
    page.keyboard.press("j")
    expect(page.locator("#sentence")).to_contain_text("Close ticket T-881")
    page.keyboard.press("k")
    expect(page.locator("#sentence")).to_contain_text("Pay EUR 2,400.00")
    page.keyboard.press("a")
    expect(page.locator("#approve-button")).to_be_focused()
    page.keyboard.down("Space")
    expect(page.locator("#approval-card")).to_contain_text("Done, once.")
    page.keyboard.up("Space")
    assert decisions(door) == ["approval.approve"]


def test_rejecting_takes_a_reason(open_page: Open, door: SampleDoor) -> None:
    page = open_page(TICKET)
    page.keyboard.press("r")
    expect(page.locator("#reason")).to_be_focused()
    page.keyboard.press("Enter")
    assert decisions(door) == []
    page.keyboard.type("Jonas still waits for an answer")
    page.keyboard.press("Enter")
    expect(page.locator("#approval-card")).to_contain_text("Jonas still waits for an answer")
    assert decisions(door) == ["approval.reject"]


def test_the_second_factor_is_asked_for_on_the_card(open_page: Open, door: SampleDoor) -> None:
    page = open_page(REFUND)
    page.locator("#approve-button").click(delay=1_400)
    assert decisions(door) == []
    expect(page.locator("#second_factor")).to_be_focused()
    page.locator("#second_factor").fill(TOTP)
    page.locator("#approve-button").click(delay=1_400)
    expect(page.locator("#approval-card")).to_contain_text("Done, once.")


def test_a_wrong_second_factor_keeps_the_form(open_page: Open, door: SampleDoor) -> None:
    page = open_page(REFUND)
    page.locator("#second_factor").fill("000000")
    page.locator("#approve-button").click(delay=1_400)
    expect(page.get_by_text("That code is wrong")).to_be_visible()
    page.locator("#second_factor").fill(TOTP)
    page.get_by_role("button", name="Confirm and go on").click()
    expect(page.locator("#approval-card")).to_contain_text("Done, once.")


def test_a_card_decided_elsewhere_changes_here_without_reload(
    open_page: Open, door: SampleDoor, console: Served
) -> None:
    page = open_page(ATTACK)
    live(page)
    page.locator("#reason").fill("half a thought")
    door.approvals[2]["state"] = "rejected"
    console.changed()
    expect(page.locator("#approval-list li")).to_have_count(3)
    expect(page.locator("#reason")).to_have_value("half a thought")
    door.approvals[1].update(
        state="rejected", reason="Ben was quicker", decided_by=ADA, decided_at=rfc3339(door.now_us)
    )
    console.changed()
    expect(page.locator("#approval-card")).to_contain_text("Ben was quicker")
    expect(page.locator("#count-side")).to_contain_text("2")
    expect(page).to_have_title("(2) Approvals · Ostiary")


def test_a_new_call_appears_by_itself(open_page: Open, door: SampleDoor, console: Served) -> None:
    kept, door.approvals = door.approvals, []
    page = open_page("/approvals")
    live(page)
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    door.approvals = kept[:1]
    console.changed()
    expect(page.locator("#approval-list li")).to_have_count(1)


def test_a_session_that_ends_elsewhere_ends_here_within_a_second(open_page: Open, door: SampleDoor) -> None:
    page = open_page("/approvals")
    live(page)
    door.signed_in = False
    page.wait_for_url("**/sign-in*", timeout=4_000)


def test_the_palette_finds_pages_and_ids(open_page: Open) -> None:
    page = open_page("/")
    page.keyboard.press("Control+k")
    page.keyboard.type("mask")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Masking")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type(numbered("apr", 2))
    page.keyboard.press("Enter")
    expect(page.locator("#sentence")).to_contain_text("Pay EUR 2,400.00")
    page.wait_for_load_state()  # keys work once the script has run
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.wait_for_url("**/audit")


def test_an_event_opens_beside_the_list_and_its_proof_is_recomputed(open_page: Open) -> None:
    page = open_page("/audit")
    page.locator("[data-item]").nth(2).click()
    expect(page.locator("#proof")).to_have_attribute("data-verdict", "good")
    expect(page.locator("#proof")).to_contain_text("checked its signature")
    expect(page.locator("[data-row][aria-current]")).to_have_count(1)
    expect(page).to_have_url(re.compile("event=evt_"))
    page.go_back()
    expect(page.locator("#event article")).to_have_count(0)


@pytest.mark.parametrize("what", ["event", "path", "signature", "size"])
def test_a_proof_that_was_changed_is_red(open_page: Open, what: str) -> None:
    page = open_page("/settings")
    changes = {
        "event": lambda text: text.replace("refused", "ran", 1),
        "path": lambda text: re.sub(r"(hashes&#34;:\[&#34;)[0-9a-f]", r"\g<1>z", text, count=1),
        "signature": lambda text: re.sub(r"(\\n\\n— \S+ \S{20})\S", r"\g<1>A", text, count=1),
        "size": lambda text: text.replace("size&#34;:5", "size&#34;:6", 1),
    }

    def tamper(route: object) -> None:
        answer = route.fetch()  # type: ignore[attr-defined]
        head, mark, rest = answer.text().partition("data-proof=")
        route.fulfill(response=answer, body=head + mark + changes[what](rest))  # type: ignore[attr-defined]

    page.route("**/audit?event=*", tamper)
    page.goto(page.url.replace("/settings", f"/audit?event={numbered('evt', 116)}"))
    expect(page.locator("#proof")).to_have_attribute("data-verdict", "bad")
    expect(page.locator("#proof")).to_contain_text("This does not prove")


def test_times_are_relative_with_the_exact_one_on_hover(open_page: Open) -> None:
    page = open_page(REFUND)
    asked = page.locator(".facts time")
    expect(asked).to_have_text("2 min ago")
    assert re.fullmatch(r"\d{1,2} \w{3} \d{4}, \d\d:\d\d:\d\d CES?T", asked.get_attribute("title") or "")
    expect(page.locator(".hero .badges time")).to_have_text(re.compile(r"^2\d min \d+ s left$"))


def test_the_theme_is_chosen_once_and_right_at_first_paint(open_page: Open) -> None:
    page = open_page("/settings")
    page.locator("#look ~ *, [aria-labelledby=look]").get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_css("background-color", "rgb(21, 22, 26)")
    page.reload()
    assert 'data-theme="dark"' in page.content()


def test_reading_searching_and_approving_work_without_javascript(open_page: Open, door: SampleDoor) -> None:
    page = open_page("/approvals", java_script_enabled=False)
    page.get_by_text("Pay EUR 2,400.00").first.click()
    expect(page.locator("#approval-card time").first).to_contain_text("UTC")
    expect(page.get_by_text("Hold to approve")).to_be_hidden()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("hold the button, or type approve")).to_be_visible()
    page.goto(page.url.removesuffix("/approve"))
    page.locator("#confirm").fill("approve")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#approval-card")).to_contain_text("Done, once.")
    page.locator(".find input").fill(numbered("apr", 5))
    page.locator(".find input").press("Enter")
    expect(page).to_have_url(re.compile(numbered("apr", 5)))
    page.goto(page.url.split("/approvals")[0] + "/audit")
    page.locator("#f-decision").select_option("refused")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".timeline .row").first).to_contain_text("Refused")
    page.locator(".timeline .row").first.click()
    expect(page.locator("#event")).to_contain_text("What would have made it pass")


def test_signing_in_with_code_and_second_factor(open_page: Open) -> None:
    page = open_page("/approvals", signed_in=False)
    page.get_by_label("Email address").fill("ada@northwind.example")
    page.keyboard.press("Enter")
    page.get_by_label("Code").fill("1234 5678")
    page.keyboard.press("Enter")
    page.get_by_label("Code").fill(TOTP)
    page.keyboard.press("Enter")
    page.wait_for_url("**/approvals")
    cookie = next(one for one in page.context.cookies() if one["name"] == "ostiary")
    assert (cookie["value"], cookie["httpOnly"], cookie["sameSite"]) == (SESSION, True, "Lax")
    assert SESSION not in page.content()
    assert page.evaluate("document.cookie.includes('ostiary=')") is False


def test_the_second_factor_is_set_up_with_a_drawing(open_page: Open, door: SampleDoor) -> None:
    door.enrolled = False
    page = open_page("/settings")
    page.get_by_role("button", name="Set it up").click()
    assert page.locator(".qr").evaluate("image => image.complete && image.naturalWidth > 0")
    page.get_by_label("The code it shows now").fill("111111")
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_text("That code is wrong")).to_be_visible()
    page.get_by_label("The code it shows now").fill(TOTP)
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_text("Your second factor is on.")).to_be_visible()


def test_a_viewer_is_not_offered_what_they_may_not_do(open_page: Open, door: SampleDoor) -> None:
    door.person = replace(
        door.person,
        permissions=frozenset({"approval.read", "call.read", "me.own", "session.own", "contract.read"}),
    )
    page = open_page("/contracts")
    expect(page.get_by_role("link", name="Apply a file")).to_have_count(0)
    expect(page.locator(".side").get_by_role("link", name="Audit")).to_have_count(0)
    expect(page.locator(".side").get_by_role("link", name="Approvals")).to_have_count(1)


def test_who_may_see_no_approvals_is_left_in_peace(open_page: Open, door: SampleDoor) -> None:
    door.person = replace(door.person, permissions=frozenset({"me.own", "session.own"}))
    page = open_page("/settings")
    live(page)
    page.wait_for_timeout(1_500)
    assert page.url.endswith("/settings")


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_no_page_scrolls_sideways(open_page: Open, width: int) -> None:
    page = open_page("/", width=width)
    origin = page.url.rstrip("/")
    wide = {}
    for path in PAGES:
        page.goto(origin + path)
        over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if over > 0:
            wide[path] = over
    assert wide == {}


def test_the_first_page_is_small_and_nothing_comes_from_elsewhere(open_page: Open) -> None:
    page = open_page("/settings")
    origin = page.url.removesuffix("/settings")
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(origin + "/")
    live(page)
    assert 20_000 < sum(sizes) < 50_000
    for path in PAGES:
        page.goto(origin + path)
    assert [url for url in seen if not url.startswith((origin, "data:"))] == []


def test_nothing_moves_while_a_page_loads(open_page: Open) -> None:
    page = open_page("/settings")
    origin = page.url.removesuffix("/settings")
    page.add_init_script(
        "window.shift=0;new PerformanceObserver(l=>{for(const e of l.getEntries())if(!e.hadRecentInput)window.shift+=e.value})"
        ".observe({type:'layout-shift',buffered:true})"
    )
    shifts = {}
    for path in ("/", "/approvals", REFUND, "/audit", "/contracts", "/keys"):
        page.goto(origin + path)
        live(page)
        shifts[path] = page.evaluate("window.shift")
    assert max(shifts.values()) < 0.02, shifts


def test_without_a_second_factor_the_card_says_how_to_get_one(open_page: Open, door: SampleDoor) -> None:
    door.enrolled = False
    page = open_page(REFUND)
    expect(page.get_by_text("you have none yet")).to_be_visible()
    expect(page.locator("#approve-button")).to_have_count(0)
    expect(page.get_by_role("button", name="Reject")).to_be_visible()


def test_the_file_form_begins_with_what_stands(open_page: Open) -> None:
    page = open_page("/contracts/apply")
    expect(page.locator("#file")).to_have_value(
        re.compile(r"^version: 1\nactions:\n- name: customer\.read\n")
    )
    page.locator("#file").fill("risk: hihg")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("2 things to put right")).to_be_visible()
    page.locator("#file").fill("fine")
    page.get_by_role("button", name="Check").click()
    expect(page.locator(".diff .add").first).to_have_text("+ 500")
    page.get_by_role("button", name="Yes, apply").click()
    expect(page.get_by_text("Applied.")).to_be_visible()


def test_a_job_is_started_followed_and_cancelled(open_page: Open, door: SampleDoor) -> None:
    page = open_page("/jobs")
    page.locator("summary", has_text="Start a job").click()
    page.get_by_role("button", name="Export the audit log").first.click()
    expect(page.get_by_text("Started. It goes on")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "34")
    asked = len([name for name, _ in door.asked if name == "job.show"])
    page.wait_for_function(
        "() => performance.getEntriesByType('resource').some(e => e.name.includes('/jobs/'))"
    )
    assert len([name for name, _ in door.asked if name == "job.show"]) > asked, "it looks again by itself"
    page.locator("summary", has_text="Cancel").click()
    page.get_by_role("button", name="Cancel the job").click()
    expect(page.get_by_text("It stops before its next step.", exact=True)).to_be_visible()
    assert ("job.cancel", {"job_id": numbered("job", 1)}) in door.asked


def test_jobs_work_without_javascript(open_page: Open, door: SampleDoor) -> None:
    page = open_page(f"/jobs/{numbered('job', 4)}", java_script_enabled=False)
    page.get_by_role("button", name="Go on from where it was").click()
    expect(page).to_have_url(re.compile("note="))
    assert ("job.retry", {"job_id": numbered("job", 4)}) in door.asked
    page.goto(page.url.partition("/jobs")[0] + "/jobs")
    page.locator("summary", has_text="Start a job").click()
    page.get_by_role("button", name="Export the audit log").first.click()
    expect(page).to_have_url(re.compile("note=job-started"))
    assert ("job.start", {"kind": "audit.export"}) in door.asked
    expect(page.get_by_text("Look again")).to_be_visible()


def test_an_export_is_one_file_of_all_its_parts(open_page: Open) -> None:
    page = open_page(f"/jobs/{numbered('job', 6)}")
    with page.expect_download() as started:
        page.get_by_role("link", name="Download the export").click()
    assert started.value.suggested_filename.startswith("ostiary-audit-job_")
    assert started.value.path().read_text() == '{"log":""}\n{"checkpoint":""}\n'
