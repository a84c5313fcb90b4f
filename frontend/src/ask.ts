// Asking a database: what would be run, rows as they come, a table that holds a million of them, and charts. The page works without this, with one screen of rows.
import { announce } from "./forms";
import { board, kindOf, named } from "./board";
import { Chart, type Kind, KINDS, chosen, possible } from "./charts";
import { Grid } from "./grid";
import { Refused, posted } from "./posting";
import { Rows } from "./rows";

interface Weighed {
  sql: string;
  masks: Record<string, string>;
  consent: "run" | "confirm" | "approve";
  rule: string;
  agreed: boolean;
  cost: number | null;
}

const MASKS: Record<string, string> = { full: "hidden", partial: "in part", hash: "as a hash", token: "as a token", generalise: "coarser", null: "left out" };
const figures = new Intl.NumberFormat();

function start(root: HTMLElement): void {
  const one = <T extends HTMLElement>(selector: string): T => root.querySelector<T>(selector)!;
  const form = one<HTMLFormElement>("[data-ask-form]");
  const area = one<HTMLTextAreaElement>("#statement");
  const stop = one<HTMLButtonElement>("[data-cancel]");
  const progress = one<HTMLElement>("[data-progress]");
  const said = one<HTMLElement>("[data-said]");
  const grid = new Grid(one<HTMLElement>("[data-grid]"));
  const chart = new Chart(one<HTMLElement>("[data-chart]"), one<HTMLElement>("[data-chart-fields]"));
  const streams = root.dataset.streams === "yes";
  let running: AbortController | null = null;
  let rows = new Rows([]);
  let kind: Kind = "table";

  let questions: string[] = [];
  let opening = "opening" in root.dataset;

  const say = (which: "refused" | "failed" | "told" | "asked" | "", why = ""): void => {
    said.replaceChildren();
    if (!which) return;
    const note = one<HTMLTemplateElement>(`template[data-${which}]`).content.cloneNode(true) as DocumentFragment;
    note.querySelector("[data-why]")!.textContent = why;
    said.append(note);
    announce(why);
  };

  const filled = (): URLSearchParams => new URLSearchParams(new FormData(form) as unknown as Record<string, string>);

  async function sent(path: string, more: Record<string, string> = {}): Promise<Response> {
    const values = filled();
    for (const [name, value] of Object.entries(more)) values.set(name, value);
    return posted(path, values, running?.signal ?? null);
  }

  function tell(weighed: Weighed): void {
    one("[data-weighed]").hidden = false;
    one("[data-sql]").textContent = weighed.sql;
    one("[data-cost]").textContent = weighed.cost === null ? "" : `cost ${figures.format(Math.round(weighed.cost))}`;
    const masked = Object.entries(weighed.masks).map(([column, mask]) => `${column} ${MASKS[mask] ?? mask}`);
    one("[data-masks]").textContent = masked.length ? masked.join(", ") : "Nothing of it is masked.";
    const asks = weighed.consent !== "run" && !weighed.agreed;
    one("[data-agree]").hidden = !asks;
    const files = root.querySelector<HTMLElement>("[data-save-form]");
    if (files) files.hidden = weighed.consent !== "run";
    if (!asks) return;
    for (const each of root.querySelectorAll<HTMLElement>("[data-consent]")) each.hidden = each.dataset.consent !== weighed.consent;
    one("[data-rule]").textContent = weighed.rule === "cost" ? "Because of what it would cost." : `Rule: ${weighed.rule}.`;
    for (const field of root.querySelectorAll<HTMLInputElement>("[data-agree-form] input")) field.value = (form.elements.namedItem(field.name) as HTMLInputElement | null)?.value ?? "";
  }

  function draw(): void {
    const body = one("[data-chart-body]");
    body.hidden = kind === "table";
    one("[data-grid]").hidden = kind !== "table";
    for (const button of root.querySelectorAll<HTMLButtonElement>("[data-kind]")) button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
    if (kind === "table") grid.show(rows);
    else chart.show(kind, rows);
  }

  function offer(): void {
    const bar = one("[data-kinds]");
    bar.replaceChildren(
      ...possible(rows).map((each) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "btn";
        button.dataset.kind = each;
        button.textContent = KINDS[each];
        button.addEventListener("click", () => {
          kind = each;
          draw();
        });
        return button;
      }),
    );
  }

  function count(truncated: boolean, over: boolean): void {
    const text = `${figures.format(rows.length)} ${rows.length === 1 ? "row" : "rows"}${truncated ? ", truncated: there are more" : ""}`;
    one("[data-count]").textContent = text;
    progress.textContent = over ? "" : `${figures.format(rows.length)} rows so far`;
    if (over) announce(text);
  }

  /** Rows as they come; whether there were more. */
  async function streamed(): Promise<boolean> {
    const reader = (await sent("/ask/stream")).body!.getReader();
    const decoder = new TextDecoder();
    let rest = "";
    let last: { rows: number; truncated: boolean } | null = null;
    let drawn = 0;
    for (;;) {
      const { value, done } = await reader.read();
      const lines = (rest + decoder.decode(value, { stream: !done })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const found = JSON.parse(line) as unknown;
        if (Array.isArray(found)) rows.add(found);
        else if ("columns" in (found as object)) begun(new Rows((found as { columns: string[] }).columns));
        else last = found as { rows: number; truncated: boolean };
      }
      if (performance.now() - drawn > 100 || done) {
        if (!drawn && rows.length) grid.show(rows);
        else grid.grown();
        count(false, false);
        drawn = performance.now();
      }
      if (done) break;
    }
    if (!last) throw new Refused("The connection was cut: what you see is not the whole answer.");
    return last.truncated;
  }

  async function atOnce(): Promise<boolean> {
    const found = (await (await sent("/ask/rows")).json()) as { columns: string[]; rows: Record<string, unknown>[]; truncated: boolean };
    begun(new Rows(found.columns));
    for (const row of found.rows) rows.add(found.columns.map((name) => row[name]));
    return found.truncated;
  }

  function begun(next: Rows): void {
    rows = next;
    kind = "table";
    one("[data-answer]").hidden = false;
    one("[data-chart-body]").hidden = true;
    one("[data-kinds]").replaceChildren();
    one("[data-grid]").hidden = false;
    grid.show(rows);
    for (const field of root.querySelectorAll<HTMLInputElement>("[data-save-form] input[name=statement], [data-save-form] input[name=purpose]"))
      field.value = (form.elements.namedItem(field.name) as HTMLInputElement | null)?.value ?? "";
  }

  async function run(only: boolean): Promise<void> {
    if (running || !form.reportValidity()) return;
    running = new AbortController();
    stop.hidden = false;
    one("[data-run]").setAttribute("aria-busy", "true");
    say("");
    progress.textContent = "Asking";
    try {
      const weighed = (await (await sent("/ask/weigh")).json()) as Weighed;
      tell(weighed);
      if (only || (weighed.consent !== "run" && !weighed.agreed)) return;
      const truncated = await (streams && weighed.consent === "run" ? streamed() : atOnce());
      count(truncated, true);
      kind = opening ? kindOf(root, rows) : chosen(rows);
      offer();
      draw();
      if (opening && kind !== "table") chart.show(kind, rows, named(root));
      opening = false;
    } catch (error) {
      if (running.signal.aborted) say("told", "Stopped. The database has been told.");
      else if (error instanceof Refused) say(rows.length && progress.textContent?.includes("so far") ? "failed" : "refused", error.message);
      else say("failed", "It could not be sent, or was cut: look whether you are online.");
    } finally {
      running = null;
      stop.hidden = true;
      one("[data-run]").removeAttribute("aria-busy");
      progress.textContent = "";
    }
  }

  /** A question in words: alone, or as what goes on from the one before it. */
  async function word(): Promise<void> {
    const field = one<HTMLInputElement>("#question");
    const question = field.value.trim();
    if (!question || running) return field.focus();
    say("");
    try {
      type Found = { understood: string; by: string; asked_back: string; choices: string[]; statement: string };
      const ask = async (before: string[], provider: boolean): Promise<Found> => {
        const values = filled();
        for (const each of before) values.append("before", each);
        if (!provider) values.set("provider", "no");
        return (await (await posted("/ask/words", values)).json()) as Found;
      };
      progress.textContent = "Understanding";
      let before: string[] = [];
      let found = await ask([], !questions.length);
      if (!found.statement && questions.length) [found, before] = [await ask(questions, true), questions];
      if (!found.statement) return say("asked", [found.asked_back, ...found.choices].join(" · "));
      questions = [...before, question].slice(-5);
      area.value = found.statement;
      await run(false);
      const may = found.by === "provider" ? " A model provider understood it so, and may be wrong: look at the statement." : "";
      if (!said.childElementCount) say("told", `Understood as: ${found.understood}.${may}`);
    } catch (error) {
      say("refused", error instanceof Refused ? error.message : "It could not be sent: look whether you are online.");
    } finally {
      progress.textContent = "";
    }
  }

  /** Into the form, for what is saved: how the answer is drawn now. */
  function drawnAs(): void {
    if (!rows.length) return;
    const now = { kind, ...(kind === "table" ? { by: "", of: "", split: "" } : chart.named) };
    for (const [name, value] of Object.entries(now)) one<HTMLInputElement>(`[name=chart_${name}]`).value = value;
  }

  form.addEventListener("submit", (event) => {
    const button = event.submitter as HTMLButtonElement | null;
    if (button && "sent" in button.dataset) return drawnAs();
    event.preventDefault();
    if (button?.value === "words") return void word();
    void run(button?.value === "weigh");
  });
  one("#question").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    void word();
  });
  one("#title").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    form.requestSubmit(form.querySelector<HTMLButtonElement>("[value=save], [value=save-new]"));
  });
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    void run(false);
  });
  stop.addEventListener("click", () => running?.abort());
  one("[data-agree-form]").addEventListener("submit", async (event) => {
    event.preventDefault();
    const wanted = (event as SubmitEvent).submitter as HTMLButtonElement;
    try {
      const answer = await sent("/ask/agree", { do: wanted.value });
      if (answer.status === 202) return say("told", "Somebody else is asked now: see Approvals. Run it when they have said yes.");
      one("[data-agree]").hidden = true;
      await run(false);
    } catch (error) {
      say("refused", (error as Error).message);
    }
  });
  root.addEventListener("click", (event) => {
    const word = (event.target as Element).closest<HTMLElement>("[data-word]")?.dataset.word;
    if (word) {
      const question = one<HTMLInputElement>("#question");
      question.value = word;
      question.focus();
      return;
    }
    const name = (event.target as Element).closest<HTMLElement>("[data-insert]")?.dataset.insert;
    if (!name) return;
    area.setRangeText(/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`, area.selectionStart, area.selectionEnd, "end");
    area.focus();
  });
  if (opening) void run(false);
}

const root = document.querySelector<HTMLElement>("[data-ask]");
if (root) start(root);
const tiles = document.querySelector<HTMLElement>("[data-board]");
if (tiles) void board(tiles);
