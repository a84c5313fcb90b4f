// The keyboard: j and k in lists, a and r on an approval, g for places, ? for help.
const PLACES: Record<string, string> = { a: "/approvals", o: "/", c: "/calls", l: "/audit", s: "/settings" };
let going = 0;

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}

function move(by: number): void {
  const items = [...document.querySelectorAll<HTMLAnchorElement>("[data-keys] [data-item]")];
  if (!items.length) return;
  let at = items.indexOf(document.activeElement as HTMLAnchorElement);
  if (at < 0) at = items.findIndex((item) => item.hasAttribute("aria-current"));
  const next = items[at < 0 ? (by > 0 ? 0 : items.length - 1) : Math.min(items.length - 1, Math.max(0, at + by))]!;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  if (next.closest(".waiting")) openBeside(next);
}

/** On a wide screen the card beside the list follows the keys. */
function openBeside(link: HTMLAnchorElement): void {
  if (link.hasAttribute("aria-current") || !matchMedia("(min-width: 761px)").matches) return;
  location.assign(link.href);
}

function focusKey(key: string): boolean {
  const target = document.querySelector<HTMLElement>(`[data-key="${key}"]`);
  target?.focus();
  target?.scrollIntoView({ block: "nearest" });
  return target !== null;
}

export function watchKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      const open = document.querySelector<HTMLDetailsElement>("details.menu[open]");
      if (open) {
        open.open = false;
        open.querySelector("summary")?.focus();
      } else if (typing(event.target)) (event.target as HTMLElement).blur();
      return;
    }
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    if (Date.now() - going < 1000 && PLACES[event.key]) {
      event.preventDefault();
      going = 0;
      location.assign(PLACES[event.key]!);
      return;
    }
    switch (event.key) {
      case "j":
      case "k":
        event.preventDefault();
        move(event.key === "j" ? 1 : -1);
        break;
      case "a":
      case "r":
        if (focusKey(event.key)) event.preventDefault();
        break;
      case "g":
        going = Date.now();
        break;
      case "?":
        event.preventDefault();
        document.querySelector<HTMLDialogElement>("#keys-help")?.showModal();
        break;
    }
  });
  document.addEventListener("click", (event) => {
    const opener = (event.target as Element).closest<HTMLElement>("[data-open]");
    if (opener) document.querySelector<HTMLDialogElement>(`#${opener.dataset.open}`)?.showModal();
    if (event.target instanceof HTMLDialogElement) event.target.close(); // a click beside it
  });
  // After j or k opened the next card, the list goes on from there.
  const current = document.querySelector<HTMLElement>(".waiting [aria-current]");
  if (current && document.referrer.includes("/approvals")) current.focus({ preventScroll: true });
}
