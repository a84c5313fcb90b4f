import { announce } from "./forms";

// A document under review: decisions without leaving the page, the keyboard, and what is chosen in the text or drawn on the page. Every step has a form that works without this.
interface Decided {
  version: number;
  changed: number;
  ids: string[];
  waiting: Record<string, number>;
}

const WORDS: Record<string, [string, string, string]> = {
  proposed: ["Waits", "wait", "wait"],
  accepted: ["Goes", "ok", "check"],
  rejected: ["Stays", "no", "cross"],
};
const STATES: Record<string, string> = { accept: "accepted", reject: "rejected", propose: "proposed" };

const all = <T extends Element>(selector: string): T[] => [...document.querySelectorAll<T>(selector)];
const one = <T extends Element>(selector: string): T | null => document.querySelector<T>(selector);

function setState(id: string, state: string): void {
  for (const place of all<HTMLElement | SVGElement>(`[data-for="${id}"]`)) place.dataset.state = state;
  const item = one<HTMLElement>(`[data-finding="${id}"]`);
  if (!item) return;
  item.dataset.state = state;
  const word = item.querySelector<HTMLElement>("[data-word]");
  const [text, tone, glyph] = WORDS[state]!;
  if (!word) return;
  word.dataset.tone = tone;
  word.querySelector("span")!.textContent = text;
  const use = word.querySelector("use");
  use?.setAttribute("href", (use.getAttribute("href") ?? "").replace(/#.*/, `#${glyph}`));
  const by = item.querySelector<HTMLElement>("[data-by]");
  if (by) by.textContent = state === "proposed" ? "" : "you, just now";
}

function complain(text: string): void {
  const place = one<HTMLElement>("[data-wrong]");
  const said = one<HTMLElement>("[data-wrong-text]");
  if (!place || !said) return;
  said.textContent = text;
  place.hidden = false;
  place.scrollIntoView({ block: "nearest" });
  announce(text);
}

let busy = Promise.resolve();
/** Of findings that were decided here while others decided too: up to which version each is known, alone and (`+`) with all of its value. The page as a whole knows no more than it showed. */
const known = new Map<string, number>();

/** One after the other, so that each names the version that the one before it made. */
function decide(kind: string, name: string, id: string, reason = ""): void {
  busy = busy.then(() => decideNow(kind, name, id, reason)).catch(() => complain("It could not be sent: look whether you are online."));
}

async function decideNow(kind: string, name: string, id: string, reason: string): Promise<void> {
  const form = one<HTMLFormElement>("[data-decide]");
  if (!form) return;
  const values = new URLSearchParams();
  const seen = Number(form.querySelector<HTMLInputElement>("[data-seen]")!.value);
  const alike = one<HTMLInputElement>("input[data-alike]")?.checked;
  values.set("seen", String(known.get(alike ? `+${id}` : id) ?? seen));
  values.set("leaf", "0");
  values.set("reason", reason);
  values.set(name, id);
  if (alike) values.set("alike", "on");
  const answer = await fetch(form.action, { method: "POST", body: values, headers: { accept: "application/json" } });
  if (answer.status === 401) return location.assign("/sign-in");
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) return complain(said.detail || said.title || "It was refused.");
  const done = said as Decided;
  if (done.version === seen + 1) for (const field of all<HTMLInputElement>("[data-seen], [data-selection] input[name=seen]")) field.value = String(done.version);
  else for (const each of done.ids) known.set(each, done.version).set(alike ? `+${each}` : each, done.version);
  for (const each of done.ids) setState(each, STATES[kind]!);
  count(done.waiting);
  announce(`${done.changed === 1 ? "One finding" : `${done.changed} findings`}: ${WORDS[STATES[kind]!]![0].toLowerCase()}`);
  filter();
}

/** How many of the whole document wait now, as the answer says. */
function count(waiting: Record<string, number>): void {
  const whole = Object.values(waiting).reduce((sum, each) => sum + each, 0);
  for (const place of all<HTMLElement>("[data-waiting-count]")) place.textContent = `${whole} of the document wait`;
  for (const place of all<HTMLElement>("[data-waiting-export]")) place.textContent = whole === 1 ? "1 finding waits." : `${whole} findings wait.`;
  const button = one<HTMLButtonElement>("[data-export][data-all-decided]");
  if (button) button.disabled = whole > 0;
  for (const label of all<HTMLElement>("[data-group-count]")) label.textContent = `${waiting[label.dataset.groupCount!] ?? 0} of ${label.dataset.of} wait`;
}

function current(): HTMLElement | null {
  return document.activeElement?.closest<HTMLElement>("[data-finding]") ?? one<HTMLElement>("[data-finding].at");
}

function show(item: HTMLElement): void {
  for (const each of all(".at")) each.classList.remove("at");
  item.classList.add("at");
  const places = all<HTMLElement | SVGElement>(`[data-for="${item.dataset.finding}"]`);
  for (const place of places) place.classList.add("at");
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const box = one<HTMLElement>(".paper");
  const target = places[0];
  if (!box || !target) return;
  const inner = target.getBoundingClientRect();
  const outer = box.getBoundingClientRect();
  if (inner.top < outer.top + 24 || inner.bottom > outer.bottom - 24)
    box.scrollTo({ top: box.scrollTop + inner.top - outer.top - outer.height / 3, behavior: still ? "auto" : "smooth" });
}

function shown(): HTMLElement[] {
  return all<HTMLElement>("[data-finding]").filter((item) => !item.hidden);
}

function step(by: number): void {
  const items = shown();
  const at = items.indexOf(current() as HTMLElement);
  const next = items[at < 0 ? (by > 0 ? 0 : items.length - 1) : at + by];
  if (!next) {
    const link = one<HTMLAnchorElement>(by > 0 ? '.sheet [rel="next"]' : '.sheet [rel="prev"]');
    if (link) location.assign(link.href);
    return;
  }
  next.querySelector<HTMLElement>("[data-item]")?.focus();
  next.scrollIntoView({ block: "nearest" });
}

function filter(): void {
  const wanted = (one<HTMLInputElement>("[data-filter]")?.value ?? "").trim().toLowerCase();
  for (const item of all<HTMLElement>("[data-finding]")) {
    const word = WORDS[item.dataset.state!]![0].toLowerCase();
    const text = `${item.querySelector(".what")?.textContent ?? ""} ${item.dataset.category!.replaceAll("_", " ")} ${item.dataset.category} ${word}`.toLowerCase();
    item.hidden = wanted !== "" && !text.includes(wanted);
  }
  for (const group of all<HTMLElement>("[data-group]")) group.hidden = !group.querySelector("[data-finding]:not([hidden])");
}

/** Why it stays, asked in place; what was focused is focused again. */
function askWhy(then: (reason: string) => void): void {
  const dialog = one<HTMLDialogElement>("#why");
  const field = one<HTMLInputElement>("#why-reason");
  if (!dialog || !field) return then("");
  const back = document.activeElement as HTMLElement | null;
  field.value = "";
  dialog.returnValue = "no";
  dialog.addEventListener(
    "close",
    () => {
      back?.focus();
      if (dialog.returnValue === "yes") then(field.value);
    },
    { once: true },
  );
  dialog.showModal();
  field.focus();
}

function pressed(button: HTMLButtonElement): void {
  const kind = button.name.replace("-all", "");
  if (kind === "reject") askWhy((reason) => decide(kind, button.name, button.value, reason));
  else decide(kind, button.name, button.value);
}

// What is chosen: a stretch of text, or an area of the page.
function bar(text: string, values: Record<string, number>): void {
  const form = one<HTMLFormElement>("[data-selection]");
  if (!form) return;
  for (const name of ["piece", "start", "end", "page", "left", "bottom", "right", "top"])
    form.querySelector<HTMLInputElement>(`input[name=${name}]`)!.value = name in values ? String(values[name]) : "";
  one<HTMLElement>("[data-chosen]")!.textContent = text;
  one<HTMLElement>("[data-everywhere]")!.hidden = "page" in values;
  form.hidden = false;
}

function dropChosen(): void {
  const form = one<HTMLFormElement>("[data-selection]");
  if (form) form.hidden = true;
  drawing()?.setAttribute("visibility", "hidden");
}

const points = (text: string): number => [...text].length;

function offset(piece: Element, node: Node, at: number): number {
  const before = document.createRange();
  before.setStart(piece, 0);
  before.setEnd(node, at);
  return points(before.toString());
}

function chosenText(): void {
  const selection = getSelection();
  if (!selection || selection.isCollapsed || !selection.rangeCount) return;
  const range = selection.getRangeAt(0);
  const inside = (node: Node): Element | null => (node instanceof Element ? node : node.parentElement)?.closest("[data-piece]") ?? null;
  const piece = inside(range.startContainer) as HTMLElement | null;
  if (!piece) return;
  const same = inside(range.endContainer) === piece;
  const start = offset(piece, range.startContainer, range.startOffset);
  const end = same ? offset(piece, range.endContainer, range.endOffset) : points(piece.textContent ?? "");
  const text = [...(piece.textContent ?? "")].slice(start, end).join("");
  if (!text.trim()) return;
  const lead = points(text) - points(text.trimStart());
  const tail = points(text) - points(text.trimEnd());
  bar(text.trim().slice(0, 80), { piece: Number(piece.dataset.piece), start: start + lead, end: end - tail });
}

function drawing(): SVGRectElement | null {
  return one<SVGRectElement>("[data-drawing]");
}

interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

let area: Area = { x: 0, y: 0, width: 0, height: 0 };

function draw(): void {
  const rect = drawing();
  const svg = rect?.ownerSVGElement;
  if (!rect || !svg) return;
  const view = svg.viewBox.baseVal;
  area.width = Math.min(Math.max(area.width, 4), view.width);
  area.height = Math.min(Math.max(area.height, 4), view.height);
  area.x = Math.min(Math.max(area.x, 0), view.width - area.width);
  area.y = Math.min(Math.max(area.y, 0), view.height - area.height);
  for (const side of ["x", "y", "width", "height"] as const) rect.setAttribute(side, String(area[side]));
  rect.setAttribute("visibility", "visible");
}

function keepArea(): void {
  const page = one<HTMLElement>("[data-page][data-way]");
  if (!page) return;
  const [a, b, c, d, e, f] = JSON.parse(page.dataset.way!) as [number, number, number, number, number, number];
  const place = (x: number, y: number): [number, number] => [a * x + c * y + e, b * x + d * y + f];
  const [x1, y1] = place(area.x, area.y);
  const [x2, y2] = place(area.x + area.width, area.y + area.height);
  bar("An area of the page", { page: Number(page.dataset.page), left: Math.min(x1, x2), bottom: Math.min(y1, y2), right: Math.max(x1, x2), top: Math.max(y1, y2) });
}

function drawMode(on: boolean): void {
  const button = one<HTMLElement>("[data-draw]");
  const svg = drawing()?.ownerSVGElement;
  if (!button || !svg) return;
  button.setAttribute("aria-pressed", String(on));
  svg.classList.toggle("marking", on);
  if (on) {
    const view = svg.viewBox.baseVal;
    area = { x: view.width * 0.35, y: view.height * 0.45, width: view.width * 0.3, height: view.height * 0.05 };
    svg.setAttribute("tabindex", "0");
    svg.setAttribute("role", "application");
    svg.setAttribute("aria-label", "An area of the page. Arrow keys move it, Shift with arrow keys changes its size, Enter keeps it, Escape drops it.");
    draw();
    svg.focus();
  } else {
    svg.setAttribute("role", "img");
    svg.removeAttribute("tabindex");
    drawing()?.setAttribute("visibility", "hidden");
    button.focus();
  }
}

function watchDrawing(svg: SVGSVGElement): void {
  let from: DOMPoint | null = null;
  const at = (event: PointerEvent): DOMPoint => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM()!.inverse());
  svg.addEventListener("pointerdown", (event) => {
    if (!svg.classList.contains("marking") || event.button) return;
    event.preventDefault();
    svg.setPointerCapture(event.pointerId);
    from = at(event);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = at(event);
    area = { x: Math.min(from.x, to.x), y: Math.min(from.y, to.y), width: Math.abs(to.x - from.x), height: Math.abs(to.y - from.y) };
    draw();
  });
  svg.addEventListener("pointerup", () => {
    if (from) keepArea();
    from = null;
  });
  svg.addEventListener("keydown", (event) => {
    if (!svg.classList.contains("marking")) return;
    const by = event.ctrlKey ? 1 : svg.viewBox.baseVal.width / 100;
    const moves: Record<string, [number, number]> = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] };
    const move = moves[event.key];
    if (move) {
      event.preventDefault();
      if (event.shiftKey) area = { ...area, width: area.width + move[0], height: area.height + move[1] };
      else area = { ...area, x: area.x + move[0], y: area.y + move[1] };
      draw();
    } else if (event.key === "Enter") {
      event.preventDefault();
      keepArea();
      one<HTMLInputElement>("#selection-category")?.focus();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      dropChosen();
      drawMode(false);
    }
  });
}

const KEYS: Record<string, () => void> = {
  j: () => step(1),
  k: () => step(-1),
  a: () => onCurrent((item) => decide("accept", "accept", item.dataset.finding!)),
  r: () => onCurrent((item) => askWhy((reason) => decide("reject", "reject", item.dataset.finding!, reason))),
  x: () =>
    onCurrent((item) => {
      const kind = item.dataset.state === "rejected" ? "accept" : "reject";
      decide(kind, kind, item.dataset.finding!);
    }),
  u: () => one<HTMLButtonElement>("[data-undo]")?.form?.requestSubmit(),
  n: () => {
    const next = one<HTMLElement>("[data-review]")?.dataset.following;
    if (next) location.assign(next);
  },
  d: () => drawMode(one<HTMLElement>("[data-draw]")?.getAttribute("aria-pressed") !== "true"),
  t: () => {
    const fold = one<HTMLDetailsElement>("[data-add]");
    if (!fold) return;
    fold.open = true;
    one<HTMLInputElement>("#text")?.focus();
  },
  e: () => {
    const button = one<HTMLElement>("[data-export]");
    button?.scrollIntoView({ block: "center" });
    button?.focus();
  },
  "/": () => one<HTMLInputElement>("[data-filter]")?.focus(),
};

function onCurrent(deed: (item: HTMLElement) => void): void {
  const item = current();
  if (item) deed(item);
  else step(1);
}

function watchKeys(): void {
  document.addEventListener(
    "keydown",
    (event) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || target.matches?.("input, textarea, select") || one("dialog[open]")) return;
      const deed = KEYS[event.key];
      if (!deed) return;
      event.preventDefault();
      event.stopPropagation();
      deed();
    },
    true,
  );
}

function watchUpload(): void {
  const form = one<HTMLFormElement>("form[data-upload]");
  const input = form?.querySelector<HTMLInputElement>("input[type=file]");
  if (!form || !input) return;
  const place = form.querySelector<HTMLElement>("[data-progress]")!;
  const meter = place.querySelector("progress")!;
  const words = place.querySelector("span")!;
  const field = input.closest<HTMLElement>(".field")!;
  field.addEventListener("dragover", (event) => {
    event.preventDefault();
    field.classList.add("over");
  });
  field.addEventListener("dragleave", () => field.classList.remove("over"));
  field.addEventListener("drop", (event) => {
    event.preventDefault();
    field.classList.remove("over");
    if (event.dataTransfer?.files.length) input.files = event.dataTransfer.files;
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const file = input.files?.[0];
    if (!file || form.dataset.sent) return;
    place.hidden = false;
    if (file.size > Number(input.dataset.most)) {
      words.textContent = "It is larger than 50 MB: redact it at the command line.";
      return;
    }
    form.dataset.sent = "1";
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("accept", "application/json");
    request.upload.addEventListener("progress", (done) => {
      if (!done.lengthComputable) return;
      meter.value = (done.loaded / done.total) * 100;
      words.textContent = done.loaded === done.total ? "It is being sealed." : `${Math.round(meter.value)} % sent`;
    });
    request.addEventListener("loadend", () => {
      delete form.dataset.sent;
      let said: { location?: string; detail?: string; title?: string } = {};
      try {
        said = JSON.parse(request.responseText);
      } catch {
        said = {};
      }
      if (request.status === 200 && said.location?.startsWith("/documents/")) location.assign(said.location);
      else words.textContent = said.detail || said.title || "It was not uploaded: look whether you are online.";
    });
    request.send(new FormData(form));
  });
}

export function watchReview(): void {
  watchUpload();
  const review = one<HTMLElement>("[data-review]");
  if (!review) return;
  watchKeys();
  const svg = drawing()?.ownerSVGElement;
  if (svg) watchDrawing(svg);
  one("[data-draw]")?.addEventListener("click", () => KEYS.d!());
  one("[data-drop]")?.addEventListener("click", dropChosen);
  one("[data-filter]")?.addEventListener("input", filter);
  one("[data-decide]")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = (event as SubmitEvent).submitter;
    if (button instanceof HTMLButtonElement) pressed(button);
  });
  document.addEventListener("focusin", (event) => {
    const item = (event.target as Element).closest<HTMLElement>("[data-finding]");
    if (item) show(item);
  });
  for (const name of ["pointerup", "keyup"])
    one(".paper")?.addEventListener(name, (event) => {
      if (!(event.target as Element).closest("svg")) chosenText();
    });
  one(".paper")?.addEventListener("click", (event) => {
    const place = (event.target as Element).closest<HTMLElement | SVGElement>("[data-for]");
    if (place && (getSelection()?.isCollapsed ?? true)) one<HTMLElement>(`[data-finding="${place.dataset.for}"] [data-item]`)?.focus();
  });
}
