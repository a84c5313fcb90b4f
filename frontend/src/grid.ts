// A table of up to a million rows: only those in sight are in the page.
import { Rows, text } from "./rows";

const ROW_PX = 32;
const HIGHEST_PX = 15_000_000; // what browsers draw; beyond it, scrolling is scaled
const BEYOND = 8;

export class Grid {
  private rows = new Rows([]);
  private table = document.createElement("table");
  private body = document.createElement("tbody");
  private above = document.createElement("div");
  private below = document.createElement("div");
  private numbers: boolean[] = [];
  private drawing = 0;

  constructor(private readonly place: HTMLElement) {
    place.addEventListener("scroll", () => this.soon(), { passive: true });
    addEventListener("resize", () => this.soon(), { passive: true });
  }

  show(rows: Rows): void {
    this.rows = rows;
    this.numbers = rows.names.map((_, at) => rows.sort(at) === "number");
    const head = document.createElement("thead");
    const line = document.createElement("tr");
    rows.names.forEach((name, at) => {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = name;
      if (this.numbers[at]) cell.className = "num";
      line.append(cell);
    });
    head.append(line);
    this.table.replaceChildren(head, this.body);
    this.place.replaceChildren(this.above, this.table, this.below);
    this.place.scrollTop = 0;
    this.grown();
  }

  grown(): void {
    this.table.setAttribute("aria-rowcount", String(this.rows.length + 1));
    this.soon();
  }

  private soon(): void {
    if (this.drawing) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = 0;
      this.draw();
    });
  }

  private draw(): void {
    const count = this.rows.length;
    const height = Math.min(count * ROW_PX, HIGHEST_PX);
    const shown = Math.ceil(this.place.clientHeight / ROW_PX) + 2 * BEYOND;
    const most = Math.max(1, height - this.place.clientHeight);
    const part = Math.min(1, this.place.scrollTop / most);
    const scaled = count * ROW_PX > HIGHEST_PX;
    const exact = scaled ? Math.round(part * (count - shown + 2 * BEYOND)) : Math.floor(this.place.scrollTop / ROW_PX);
    const first = Math.max(0, Math.min(exact - BEYOND, count - shown));
    const last = Math.min(count, first + shown);
    const top = scaled ? Math.max(0, this.place.scrollTop - BEYOND * ROW_PX) : first * ROW_PX;
    this.above.style.height = `${Math.max(0, top)}px`;
    this.below.style.height = `${Math.max(0, height - top - (last - first) * ROW_PX)}px`;
    const lines: HTMLTableRowElement[] = [];
    for (let at = first; at < last; at++) {
      const line = document.createElement("tr");
      line.setAttribute("aria-rowindex", String(at + 2));
      this.rows.all[at]!.forEach((value, column) => {
        const cell = document.createElement("td");
        cell.textContent = text(value);
        cell.className = value === null ? "muted" : this.numbers[column] ? "num" : "";
        line.append(cell);
      });
      lines.push(line);
    }
    this.body.replaceChildren(...lines);
  }
}
