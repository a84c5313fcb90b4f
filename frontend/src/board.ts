// A dashboard: each tile is asked anew, two at a time, and drawn as it was saved.
import { Chart, type Kind, type Named, chosen, possible } from "./charts";
import { Grid } from "./grid";
import { Refused, posted } from "./posting";
import { Rows } from "./rows";

const AT_ONCE = 2;
const figures = new Intl.NumberFormat();

export async function board(root: HTMLElement): Promise<void> {
  const tiles = [...root.querySelectorAll<HTMLElement>("[data-tile]")];
  const next = async (): Promise<void> => {
    for (let tile = tiles.shift(); tile; tile = tiles.shift()) await drawn(tile);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

async function drawn(tile: HTMLElement): Promise<void> {
  const one = <T extends HTMLElement>(selector: string): T => tile.querySelector<T>(selector)!;
  const progress = one("[data-progress]");
  const { source, statement, purpose } = tile.dataset as Record<string, string>;
  try {
    const answer = await posted("/ask/rows", new URLSearchParams({ source: source!, statement: statement!, purpose: purpose ?? "" }));
    const found = (await answer.json()) as { columns: string[]; rows: Record<string, unknown>[]; truncated: boolean };
    const rows = new Rows(found.columns);
    for (const row of found.rows) rows.add(found.columns.map((name) => row[name]));
    const kind = kindOf(tile, rows);
    progress.textContent = found.truncated ? `The first ${figures.format(rows.length)} rows: there are more.` : "";
    progress.hidden = !found.truncated;
    one("[data-grid]").hidden = kind !== "table";
    one("[data-chart]").hidden = kind === "table";
    if (kind === "table") new Grid(one("[data-grid]")).show(rows);
    else new Chart(one("[data-chart]"), document.createElement("div")).show(kind, rows, named(tile));
  } catch (error) {
    if (!(error instanceof Refused)) progress.textContent = "It could not be asked: look whether you are online.";
    else progress.textContent = error.code === "query.held" ? "Somebody has to say yes before it is run: open it." : error.message;
  }
}

/** How it was saved, where that can be drawn of this answer; else what fits. */
export function kindOf(saved: HTMLElement, rows: Rows): Kind {
  const kind = saved.dataset.chartKind as Kind;
  return possible(rows).includes(kind) ? kind : chosen(rows);
}

export function named(saved: HTMLElement): Named {
  return { by: saved.dataset.by ?? "", of: saved.dataset.of ?? "", split: saved.dataset.split ?? "" };
}
