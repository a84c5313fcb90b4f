// Times become relative, in the viewer's words and zone; the exact one is on hover. Numbers get the viewer's separators.
const HOUR = 3600;
const DAY = 24 * HOUR;
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const number = new Intl.NumberFormat();

const STEPS: [number, Intl.RelativeTimeFormatUnit, number][] = [
  [60, "second", 1],
  [HOUR, "minute", 60],
  [DAY, "hour", HOUR],
  [30 * DAY, "day", DAY],
  [365 * DAY, "month", 30 * DAY],
  [Infinity, "year", 365 * DAY],
];

function ago(seconds: number): string {
  const size = Math.abs(seconds);
  if (size < 10) return relative.format(0, "second");
  const [, unit, per] = STEPS.find(([limit]) => size < limit)!;
  return relative.format(Math.trunc(seconds / per), unit);
}

/** "4 min 12 s left", "2 h 5 min left", "3 days left", or "over". */
function left(seconds: number): string {
  if (seconds <= 0) return "over";
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s left`;
  if (whole < HOUR) return `${Math.floor(whole / 60)} min ${whole % 60} s left`;
  if (whole < DAY) return `${Math.floor(whole / HOUR)} h ${Math.floor((whole % HOUR) / 60)} min left`;
  const days = Math.floor(whole / DAY);
  return days === 1 ? "1 day left" : `${number.format(days)} days left`;
}

function text(time: HTMLTimeElement, at: Date, now: number): string {
  const seconds = (at.getTime() - now) / 1000;
  switch (time.dataset.mode) {
    case "clock":
      return clock.format(at);
    case "hour":
      return hour.format(at);
    case "day":
      return day.format(at);
    case "exact":
      return `${exact.format(at)} (${ago(seconds)})`;
    case "left":
      return left(seconds);
    default:
      return ago(seconds);
  }
}

export function paint(root: ParentNode = document): void {
  const now = Date.now();
  for (const time of root.querySelectorAll<HTMLTimeElement>("time[data-mode]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const words = text(time, at, now);
    if (time.textContent !== words) time.textContent = words;
    if (!time.title) time.title = exact.format(at);
  }
  for (const element of root.querySelectorAll<HTMLElement>("[data-number]")) {
    const value = Number(element.textContent);
    if (Number.isFinite(value) && element.dataset.number !== "done") {
      element.textContent = number.format(value);
      element.dataset.number = "done";
    }
  }
}

export function watchTimes(): void {
  paint();
  setInterval(() => document.hidden || paint(), 1000);
  document.addEventListener("htmx:after:swap", () => paint());
}
