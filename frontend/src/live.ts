import { announce } from "./forms";

// The one event stream of a tab: says whether it is live, keeps the count in the frame and the title right, and leaves when the session is over.
function show(state: "on" | "off", words: string): void {
  const place = document.getElementById("live");
  if (!place || place.dataset.state === state) return;
  place.dataset.state = state;
  place.firstElementChild!.textContent = words;
}

let known = -1;

function count(): void {
  const list = document.querySelector<HTMLElement>("[data-waiting]");
  if (!list) return;
  const waiting = Number(list.dataset.waiting);
  if (known >= 0 && waiting > known) announce(waiting === 1 ? "A call waits for a person" : `${waiting} calls wait for a person`);
  known = waiting;
  for (const id of ["count-side", "count-foot"]) {
    const slot = document.getElementById(id);
    if (!slot) continue;
    slot.replaceChildren();
    if (waiting > 0) {
      const badge = document.createElement("span");
      badge.className = "count";
      badge.textContent = String(waiting);
      slot.append(badge);
    }
  }
  const title = document.title.replace(/^\(\d+\) /, "");
  document.title = waiting > 0 ? `(${waiting}) ${title}` : title;
}

/** The event that is shown beside the list is the marked one in it. */
function mark(): void {
  const chosen = new URLSearchParams(location.search).get("event");
  for (const row of document.querySelectorAll<HTMLElement>("[data-row]")) {
    if (row.dataset.row === chosen) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

/** What was said once after a form is not said again on a reload. */
function forgetNote(): void {
  const here = new URL(location.href);
  if (!here.searchParams.has("note")) return;
  here.searchParams.delete("note");
  history.replaceState(history.state, "", here);
}

export function watchStream(): void {
  forgetNote();
  document.addEventListener("htmx:after:history:update", mark);
  document.addEventListener("htmx:after:push:into:history", mark);
  document.addEventListener("htmx:sse:after:connection", () => show("on", "Live"));
  document.addEventListener("htmx:sse:error", () => show("off", "Reconnecting"));
  document.addEventListener("htmx:sse:close", () => show("off", "Not live"));
  document.addEventListener("signed-out", () => location.assign("/sign-in"));
  document.addEventListener("htmx:after:swap", () => {
    count();
    setTimeout(mark);
  });
  count();
}
