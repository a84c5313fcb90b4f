// Charts of an answer, drawn by ECharts onto a canvas. Which ones make sense follows from the shape of the data; one may choose another.
import { BarChart, LineChart, MapChart, PieChart, ScatterChart } from "echarts/charts";
import { AriaComponent, DataZoomComponent, GeoComponent, GridComponent, LegendComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { Rows, text } from "./rows";
import { around, country, places, world } from "./world";

echarts.use([BarChart, LineChart, MapChart, PieChart, ScatterChart, AriaComponent, DataZoomComponent, GeoComponent, GridComponent, LegendComponent, TooltipComponent, VisualMapComponent, CanvasRenderer]);

export type Kind = "table" | "number" | "bar" | "line" | "area" | "scatter" | "pie" | "pivot" | "map";
export const KINDS: Record<Kind, string> = { table: "Table", number: "Number", bar: "Bars", line: "Line", area: "Area", scatter: "Points", pie: "Pie", pivot: "Pivot", map: "Map" };
const BARS_MAX = 500;
const SLICES_MAX = 12;
const SERIES_MAX = 12;
const PIVOT_MAX = 200;
const POINTS_MAX = 100_000;
/** Of the Earth, as far as people live: west and north, east and south. */
const INHABITED = [[-170, 80], [190, -56]];

/** What can be drawn of it at all. */
export function possible(rows: Rows): Kind[] {
  const found: Kind[] = ["table"];
  if (!rows.length) return found;
  const numbers = rows.at("number");
  const names = rows.names.length - numbers.length;
  if (rows.length === 1 && numbers.length) found.push("number");
  if (numbers.length && rows.length > 1) {
    if (rows.names.length > 1) found.push("bar", "line", "area");
    if (numbers.length > 1) found.push("scatter");
    if (names && rows.length <= 1_000) found.push("pie");
    if (names > 1) found.push("pivot");
  }
  if (rows.length > 1 && places(rows)) found.push("map");
  return found;
}

/** What is shown first. */
export function chosen(rows: Rows): Kind {
  const measures = rows.measures();
  const texts = rows.at("text").length;
  const times = rows.at("time").length;
  if (rows.length === 1 && rows.names.length === 1 && measures.length === 1) return "number";
  if (rows.length < 2 || !measures.length) return "table";
  if (places(rows)?.kind === "points") return "map";
  if (times === 1 && texts <= 1) return "line";
  if (texts === 1 && !times && rows.names.length <= 4 && rows.length <= 50) return "bar";
  if (measures.length === 2 && rows.names.length === 2 && rows.length > 10) return "scatter";
  return "table";
}

interface Chosen {
  by: number;
  of: number;
  split: number;
}

/** Columns by their names; "" for what fits. */
export type Named = Record<keyof Chosen, string>;

export class Chart {
  private drawn: echarts.ECharts | null = null;
  private rows = new Rows([]);
  private kind: Kind = "table";
  private fields: Chosen = { by: 0, of: 0, split: -1 };

  constructor(
    private readonly place: HTMLElement,
    private readonly bar: HTMLElement,
  ) {
    // The renderer empties its place by innerHTML, which Trusted Types refuse from anybody.
    Object.defineProperty(place, "innerHTML", { set: () => place.replaceChildren(), get: () => "" });
    addEventListener("resize", () => this.drawn?.resize(), { passive: true });
    new MutationObserver(() => this.draw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** `wanted`: columns that somebody chose before, as far as they are there. */
  show(kind: Kind, rows: Rows, wanted?: Named): void {
    if (rows !== this.rows || kind !== this.kind || wanted) this.fields = this.first(kind, rows);
    for (const key of ["by", "of", "split"] as const) {
      const at = wanted?.[key] ? rows.names.indexOf(wanted[key]) : -1;
      if (at >= 0) this.fields = { ...this.fields, [key]: at };
    }
    this.rows = rows;
    this.kind = kind;
    this.offer();
    this.draw();
  }

  /** What is drawn now. */
  get named(): Named {
    const { by, of, split } = this.fields;
    const name = (at: number): string => this.rows.names[at] ?? "";
    return { by: name(by), of: name(of), split: name(split) };
  }

  private get label(): string {
    const { names, length } = this.rows;
    return `${KINDS[this.kind]}: ${names[this.fields.of] ?? "rows"} by ${names[this.fields.by] ?? ""}, ${length} rows`;
  }

  private first(kind: Kind, rows: Rows): Chosen {
    const measures = rows.measures();
    const numbers = measures.length ? measures : rows.at("number");
    const [time] = rows.at("time");
    const texts = rows.at("text");
    const at = kind === "map" ? places(rows) : null;
    if (at?.kind === "countries") return { by: at.at, of: numbers[0] ?? 0, split: -1 };
    if (at) return { by: texts[0] ?? at.latitude, of: numbers.find((each) => each !== at.latitude && each !== at.longitude) ?? -1, split: -1 };
    if (kind === "scatter") return { by: numbers[0] ?? 0, of: numbers[1] ?? rows.at("number")[1] ?? 0, split: -1 };
    const by = time ?? texts[0] ?? rows.names.findIndex((_, at) => at !== numbers.at(-1));
    const split = kind === "pivot" ? (texts.find((at) => at !== by) ?? -1) : time !== undefined && texts.length === 1 ? texts[0]! : -1;
    return { by, of: numbers.find((at) => at !== by) ?? numbers[0] ?? 0, split };
  }

  private offer(): void {
    const { names } = this.rows;
    const numbers = this.rows.at("number");
    const every = names.map((_, at) => at);
    const field = (label: string, key: keyof Chosen, from: number[], none = false): HTMLElement => {
      const box = document.createElement("label");
      box.className = "small";
      const select = document.createElement("select");
      for (const at of none ? [-1, ...from] : from) select.add(new Option(at < 0 ? "nothing" : names[at], String(at), false, at === this.fields[key]));
      select.addEventListener("change", () => {
        this.fields = { ...this.fields, [key]: Number(select.value) };
        this.draw();
      });
      box.append(`${label} `, select);
      return box;
    };
    if (this.kind === "number") this.bar.replaceChildren();
    else if (this.kind === "scatter") this.bar.replaceChildren(field("Across", "by", numbers), field("Up", "of", numbers));
    else if (this.kind === "map") this.bar.replaceChildren(field("Value", "of", numbers, places(this.rows)?.kind === "points"));
    else if (this.kind === "pie") this.bar.replaceChildren(field("Slices", "by", every), field("Size", "of", numbers));
    else this.bar.replaceChildren(field(this.kind === "pivot" ? "Rows" : "Across", "by", every), field("Value", "of", numbers), field(this.kind === "pivot" ? "Columns" : "Split by", "split", every, true));
  }

  private colour(name: string): string {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  private draw(): void {
    const { kind, rows } = this;
    if (kind === "table" || !rows.length) return;
    this.place.setAttribute("aria-label", this.label);
    if (kind === "number" || kind === "pivot") {
      this.drawn?.dispose();
      this.drawn = null;
      this.place.classList.add("plain");
      this.place.setAttribute("role", kind === "pivot" ? "region" : "img");
      this.place.replaceChildren(kind === "number" ? this.number() : this.pivot());
      return;
    }
    this.place.classList.remove("plain");
    this.place.setAttribute("role", "img");
    if (!this.drawn) {
      this.place.replaceChildren();
      this.drawn = echarts.init(this.place, null, { renderer: "canvas" });
    }
    this.drawn.setOption(this.option(), { notMerge: true });
    this.drawn.resize();
  }

  private number(): HTMLElement {
    const box = document.createElement("div");
    box.className = "kpi";
    const row = this.rows.all[0]!;
    for (const at of this.rows.at("number")) {
      const each = document.createElement("div");
      const value = document.createElement("b");
      value.textContent = new Intl.NumberFormat(undefined, { maximumFractionDigits: 6 }).format(Number(row[at]));
      const name = document.createElement("span");
      name.textContent = this.rows.names[at]!;
      each.append(value, name);
      box.append(each);
    }
    return box;
  }

  /** Sums of the value, by two columns. */
  private pivot(): HTMLElement {
    const { by, of, split } = this.fields;
    const sums = new Map<string, Map<string, number>>();
    const columns = new Set<string>();
    for (const row of this.rows.all) {
      const across = split < 0 ? this.rows.names[of]! : text(row[split]);
      columns.add(across);
      const line = sums.get(text(row[by])) ?? new Map<string, number>();
      sums.set(text(row[by]), line);
      line.set(across, (line.get(across) ?? 0) + Number(row[of]));
    }
    const table = document.createElement("table");
    const shown = [...columns].slice(0, PIVOT_MAX);
    const cell = (kind: "th" | "td", said: string, number = false): HTMLElement => {
      const made = document.createElement(kind);
      made.textContent = said;
      if (number) made.className = "num";
      return made;
    };
    const head = table.createTHead().insertRow();
    head.append(cell("th", this.rows.names[by]!), ...shown.map((each) => cell("th", each, true)));
    const body = table.createTBody();
    const format = new Intl.NumberFormat(undefined, { maximumFractionDigits: 6 });
    for (const [name, line] of [...sums].slice(0, PIVOT_MAX)) {
      const row = body.insertRow();
      row.append(cell("th", name), ...shown.map((each) => cell("td", line.has(each) ? format.format(line.get(each)!) : "", true)));
    }
    return table;
  }

  private option(): echarts.EChartsCoreOption {
    const { kind, rows } = this;
    const { by, of } = this.fields;
    const ink = this.colour("--ink-2");
    const line = this.colour("--line");
    const shared = {
      animation: false,
      color: ["--accent", "--ok-fill", "--wait-fill", "--odd-fill", "--no-fill", "--calm-fill"].map((name) => this.colour(name)),
      textStyle: { color: ink, fontFamily: getComputedStyle(document.body).fontFamily },
      aria: { enabled: true, decal: { show: kind === "pie" } },
      tooltip: { renderMode: "richText", trigger: kind === "pie" || kind === "scatter" || kind === "map" ? "item" : "axis", confine: true, backgroundColor: this.colour("--surface"), borderColor: line, textStyle: { color: this.colour("--ink") } },
    };
    const axis = { axisLine: { lineStyle: { color: line } }, axisLabel: { color: ink, hideOverlap: true }, splitLine: { lineStyle: { color: line } } };
    if (kind === "map") return { ...shared, ...this.map(ink, line), aria: { enabled: true, label: { description: this.label } } };
    if (kind === "pie") return { ...shared, series: [{ type: "pie", radius: ["35%", "70%"], data: this.slices(), label: { color: ink } }] };
    const grid = { left: 8, right: 16, top: 32, bottom: 8, containLabel: true };
    if (kind === "scatter") {
      const data = new Float64Array(rows.length * 2);
      rows.all.forEach((row, at) => data.set([Number(row[by]), Number(row[of])], at * 2));
      return { ...shared, grid, xAxis: { type: "value", name: rows.names[by], scale: true, ...axis }, yAxis: { type: "value", name: rows.names[of], scale: true, ...axis }, series: [{ type: "scatter", data, dimensions: ["x", "y"], large: rows.length > 2_000, largeThreshold: 2_000, symbolSize: rows.length > 2_000 ? 3 : 7 }] };
    }
    const time = rows.sort(by) === "time";
    const numeric = rows.sort(by) === "number" && kind !== "bar";
    const found = this.series(time || numeric);
    return {
      ...shared,
      grid: { ...grid, bottom: rows.length > BARS_MAX ? 48 : 8, top: found.size > 1 ? 40 : 32 },
      legend: found.size > 1 ? { type: "scroll", textStyle: { color: ink }, top: 0 } : undefined,
      dataZoom: rows.length > BARS_MAX ? [{ type: "inside" }, { type: "slider", height: 20, bottom: 8 }] : [{ type: "inside", zoomOnMouseWheel: "ctrl" }],
      xAxis: { type: time ? "time" : numeric ? "value" : "category", scale: true, ...axis, splitLine: { show: false } },
      yAxis: { type: "value", name: rows.names[of], ...axis },
      series: [...found].map(([name, data]) => ({
        name,
        data,
        type: kind === "bar" ? "bar" : "line",
        areaStyle: kind === "area" ? { opacity: 0.25 } : undefined,
        showSymbol: data.length <= 60,
        sampling: kind === "bar" ? undefined : "lttb",
        large: true,
      })),
    };
  }

  /** Countries by their sums, or a point for each row. */
  private map(ink: string, line: string): echarts.EChartsCoreOption {
    const { rows } = this;
    const { by, of } = this.fields;
    if (!echarts.getMap("world")) echarts.registerMap("world", world() as unknown as Parameters<typeof echarts.registerMap>[1]);
    const look = { map: "world", roam: "move" as const, left: 0, right: 0, top: 0, bottom: 0, boundingCoords: INHABITED, itemStyle: { areaColor: this.colour("--calm-soft"), borderColor: line }, label: { show: false }, emphasis: { label: { show: false }, itemStyle: { areaColor: this.colour("--wait-fill") } } };
    const range = (values: number[]): object => {
      const min = values.reduce((one, other) => Math.min(one, other), 0);
      const max = values.reduce((one, other) => Math.max(one, other), Number.MIN_VALUE);
      const format = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
      return { type: "continuous", min, max, text: [format.format(max), format.format(min)], left: 8, bottom: 8, itemHeight: 80, textStyle: { color: ink }, inRange: { color: [this.colour("--accent-soft"), this.colour("--accent")] } };
    };
    const at = places(rows);
    if (at?.kind === "points") {
      const shown = rows.all.slice(0, POINTS_MAX).filter((row) => row[at.latitude] !== null && row[at.longitude] !== null);
      const data = shown.map((row) => ({ name: text(row[by]), value: [Number(row[at.longitude]), Number(row[at.latitude]), ...(of < 0 ? [] : [Number(row[of])])] }));
      const legend = of < 0 ? {} : { visualMap: { ...range(data.map((each) => each.value[2]!)), dimension: 2 } };
      return { ...legend, geo: { ...look, silent: true, boundingCoords: around(data.map((each) => each.value)) }, series: [{ type: "scatter", coordinateSystem: "geo", data, symbolSize: data.length > 2_000 ? 3 : 8, large: data.length > 2_000 && of < 0 }] };
    }
    const sums = new Map<string, number>();
    for (const row of rows.all) {
      const name = country(text(row[by]));
      if (name) sums.set(name, (sums.get(name) ?? 0) + Number(row[of]));
    }
    const data = [...sums].map(([name, value]) => ({ name, value }));
    return { visualMap: range(data.map((each) => each.value)), series: [{ ...look, type: "map", name: rows.names[of], data }] };
  }

  private series(exact: boolean): Map<string, [string | number, number][]> {
    const { by, of, split } = this.fields;
    const found = new Map<string, [string | number, number][]>();
    for (const row of this.rows.all) {
      const name = split < 0 ? this.rows.names[of]! : text(row[split]);
      let data = found.get(name);
      if (!data) {
        if (found.size >= SERIES_MAX) continue;
        found.set(name, (data = []));
      }
      const across = row[by];
      data.push([exact && typeof across === "number" ? across : text(across), row[of] === null ? NaN : Number(row[of])]);
    }
    return found;
  }

  /** The largest, and what is left in one. */
  private slices(): { name: string; value: number }[] {
    const { by, of } = this.fields;
    const sums = new Map<string, number>();
    for (const row of this.rows.all) sums.set(text(row[by]), (sums.get(text(row[by])) ?? 0) + Number(row[of]));
    const sorted = [...sums].map(([name, value]) => ({ name, value })).sort((one, other) => other.value - one.value);
    const rest = sorted.slice(SLICES_MAX).reduce((sum, each) => sum + each.value, 0);
    return rest > 0 ? [...sorted.slice(0, SLICES_MAX), { name: "the rest", value: rest }] : sorted;
  }
}
