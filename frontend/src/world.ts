// Where on Earth the rows are: coordinates, or countries by their names and ISO 3166 codes. Borders: Natural Earth 1:110m (public domain), by world-atlas; nothing is fetched.
import { feature } from "topojson-client";
import type { Topology } from "topojson-specification";
import atlas from "world-atlas/countries-110m.json";
import { Rows, text } from "./rows";

export type Places = { kind: "points"; latitude: number; longitude: number } | { kind: "countries"; at: number };

const LATITUDE = /^(?:.*_)?lat(?:itude)?$/i;
const LONGITUDE = /^(?:.*_)?(?:lon|lng|long|longitude)$/i;
const LOOKED_AT = 500;
const KNOWN_MIN = 0.6; // of the different texts of a column, to be countries
/** What Natural Earth shortens or calls otherwise than ISO 3166's English names, as browsers have them. */
const OTHERWISE: Record<string, string> = {
  US: "United States of America", CD: "Dem. Rep. Congo", CG: "Congo", CF: "Central African Rep.", DO: "Dominican Rep.", GQ: "Eq. Guinea", SS: "S. Sudan", BA: "Bosnia and Herz.", SB: "Solomon Is.", FK: "Falkland Is.",
  EH: "W. Sahara", TF: "Fr. S. Antarctic Lands", SZ: "eSwatini", CI: "Côte d'Ivoire", MK: "Macedonia", MM: "Myanmar", TR: "Turkey", PS: "Palestine", TL: "Timor-Leste", CZ: "Czechia", BS: "Bahamas", TT: "Trinidad and Tobago",
};
const SAID: Record<string, string> = { usa: "US", uk: "GB", "great britain": "GB", england: "GB", holland: "NL", "czech republic": "CZ", "ivory coast": "CI", burma: "MM", swaziland: "SZ", "south korea": "KR", "north korea": "KP", russia: "RU", "the netherlands": "NL" };

const plain = (said: string): string => said.normalize("NFD").replace(/[\u0300-\u036f.']/g, "").replace(/\s+/g, " ").trim().toLowerCase();

let borders: ReturnType<typeof feature> | null = null;
let names: Map<string, string> | null = null;

/** Borders as GeoJSON, for the chart. */
export function world(): ReturnType<typeof feature> {
  if (!borders) {
    borders = feature(atlas as unknown as Topology, (atlas as unknown as Topology).objects.countries!);
    const found = borders as unknown as { features: { geometry: { type: string; coordinates: Ring[] | Ring[][] } }[] };
    for (const { geometry } of found.features) for (const polygon of geometry.type === "Polygon" ? [geometry.coordinates as Ring[]] : (geometry.coordinates as Ring[][])) polygon.forEach(whole);
  }
  return borders;
}

type Ring = [number, number][];

/** What crosses 180° goes on beyond it, so that no border runs around the Earth; but for Antarctica, which does. */
function whole(ring: Ring): void {
  const crosses = ring.some(([east], at) => at > 0 && Math.abs(east - ring[at - 1]![0]) > 180);
  if (!crosses || ring.some(([, north]) => north < -85)) return;
  for (const point of ring) if (point[0] < 0) point[0] += 360;
}

/** Around these points (longitude, latitude), with something of what is about them: west and north, east and south. */
export function around(points: number[][]): [[number, number], [number, number]] {
  const first = points[0] ?? [0, 0];
  const ends = { west: first[0]!, east: first[0]!, south: first[1]!, north: first[1]! };
  for (const [east, north] of points as [number, number][]) {
    ends.west = Math.min(ends.west, east);
    ends.east = Math.max(ends.east, east);
    ends.south = Math.min(ends.south, north);
    ends.north = Math.max(ends.north, north);
  }
  const room = Math.max(3, 0.15 * (ends.east - ends.west), 0.15 * (ends.north - ends.south));
  return [[Math.max(-180, ends.west - room), Math.min(84, ends.north + room)], [Math.min(190, ends.east + room), Math.max(-84, ends.south - room)]];
}

/** The country that a text names, as the borders call it. */
export function country(said: string): string | undefined {
  if (!names) {
    names = new Map();
    const found = world() as unknown as { features: { properties: { name: string } }[] };
    for (const each of found.features) names.set(plain(each.properties.name), each.properties.name);
    const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
    const english = new Intl.DisplayNames("en", { type: "region", fallback: "none" });
    const own = new Intl.DisplayNames(undefined, { type: "region", fallback: "none" });
    for (const code of letters.flatMap((one) => letters.map((other) => one + other))) {
      const called = english.of(code);
      const known = OTHERWISE[code] ?? (called && names.get(plain(called)));
      if (!called || !known) continue;
      for (const word of [code, called, own.of(code) ?? called]) if (!names.has(plain(word))) names.set(plain(word), known);
    }
    for (const [word, code] of Object.entries(SAID)) if (names.has(plain(code))) names.set(word, names.get(plain(code))!);
  }
  return names.get(plain(said));
}

function within(rows: Rows, at: number, most: number): boolean {
  return rows.all.slice(0, LOOKED_AT).every((row) => row[at] === null || Math.abs(Number(row[at])) <= most);
}

/** null: nowhere. */
export function places(rows: Rows): Places | null {
  const numbers = rows.at("number");
  const latitude = numbers.find((at) => LATITUDE.test(rows.names[at]!) && within(rows, at, 90));
  const longitude = numbers.find((at) => LONGITUDE.test(rows.names[at]!) && within(rows, at, 180));
  if (latitude !== undefined && longitude !== undefined) return { kind: "points", latitude, longitude };
  if (!numbers.length) return null;
  for (const at of rows.at("text")) {
    const said = new Set(rows.all.slice(0, LOOKED_AT).map((row) => text(row[at])));
    const known = [...said].filter((each) => country(each)).length;
    if (known > 1 && known >= KNOWN_MIN * said.size) return { kind: "countries", at };
  }
  return null;
}
