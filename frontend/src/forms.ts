// Forms: sent once, shown as busy at once. Copy buttons, and files from the viewer's disk into a text field.
export function announce(text: string): void {
  let place = document.getElementById("announce");
  if (!place) {
    place = document.createElement("div");
    place.id = "announce";
    place.className = "unseen";
    place.setAttribute("role", "status");
    document.body.append(place);
  }
  place.textContent = text;
}

async function copy(button: HTMLElement): Promise<void> {
  await navigator.clipboard.writeText(button.dataset.copy ?? "");
  const use = button.querySelector("use");
  const before = use?.getAttribute("href") ?? "";
  use?.setAttribute("href", before.replace(/#.*/, "#check"));
  announce("Copied");
  setTimeout(() => use?.setAttribute("href", before), 1200);
}

async function pick(input: HTMLInputElement): Promise<void> {
  const file = input.files?.[0];
  const target = document.getElementById(input.dataset.into ?? "");
  if (file && target instanceof HTMLTextAreaElement) target.value = await file.text();
}

function goToLine(link: HTMLElement): void {
  const area = document.getElementById("file");
  if (!(area instanceof HTMLTextAreaElement)) return;
  const line = Number(link.dataset.line) - 1;
  const before = area.value.split("\n").slice(0, line).join("\n").length + (line > 0 ? 1 : 0);
  const end = area.value.indexOf("\n", before);
  area.focus();
  area.setSelectionRange(before, end < 0 ? area.value.length : end);
  area.scrollTop = Math.max(0, line - 4) * parseFloat(getComputedStyle(area).lineHeight);
}

export function watchForms(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    if (!form.matches("[data-once]")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    const button = event.submitter ?? form.querySelector("button");
    button?.setAttribute("aria-busy", "true");
  });
  // Back in the history brings the page back as it was left: it may be sent again.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll<HTMLFormElement>("form[data-sent]")) {
      delete form.dataset.sent;
      form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
    }
  });
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const copying = target.closest<HTMLElement>("[data-copy]");
    if (copying) void copy(copying);
    const line = target.closest<HTMLElement>("[data-line]");
    if (line) {
      event.preventDefault();
      goToLine(line);
    }
    for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
      if (!menu.contains(target)) menu.open = false;
    }
  });
  document.addEventListener("change", (event) => {
    const input = event.target as HTMLInputElement;
    if (input.matches?.("input[type=file][data-into]")) void pick(input);
  });
}
