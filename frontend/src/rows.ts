// Rows of an answer, and what its columns are: found by looking, since JSON has no dates and no exact decimals.
export type Value = unknown;
export type Sort = "number" | "time" | "text";

const NUMBER = /^-?\d+(\.\d+)?$/;
const TIME = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;
const LOOKED_AT = 500;

export class Rows {
  readonly all: Value[][] = [];
  constructor(readonly names: string[]) {}

  get length(): number {
    return this.all.length;
  }

  add(row: Value[]): void {
    this.all.push(row);
  }

  sort(at: number): Sort {
    let seen = 0;
    let numbers = 0;
    let times = 0;
    for (const row of this.all.slice(0, LOOKED_AT)) {
      const value = row[at];
      if (value === null || value === undefined) continue;
      seen++;
      if (typeof value === "number" || (typeof value === "string" && NUMBER.test(value))) numbers++;
      else if (typeof value === "string" && TIME.test(value)) times++;
    }
    if (seen && numbers === seen) return "number";
    return seen && times === seen ? "time" : "text";
  }

  /** Numbers that count or measure: what names a thing is none. */
  measures(): number[] {
    return this.at("number").filter((at) => !/(^|_)(id|no|nr|code|zip|year)$/i.test(this.names[at]!));
  }

  at(sort: Sort): number[] {
    return this.names.map((_, at) => at).filter((at) => this.sort(at) === sort);
  }
}

export function text(value: Value): string {
  if (value === null || value === undefined) return "null";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
