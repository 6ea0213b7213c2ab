/** Money, numbers and times as people read them. */

export function count(n: number): string {
  return n.toLocaleString("en-US");
}

/** "1 cell", "3 cells". */
export function plural(n: number, one: string, several = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : several}`;
}

/** What was spent: two digits that count. */
export function spent(usd: number): string {
  if (usd === 0) return "$0";
  if (usd >= 0.1) return `$${usd.toFixed(2)}`;
  return `$${Number(usd.toPrecision(2)).toFixed(decimals(usd) + 1)}`;
}

/** An upper bound: rounded up to a digit that counts. */
export function bound(usd: number): string {
  if (usd === 0) return "$0";
  if (usd >= 1) return `$${(Math.ceil(usd * 100) / 100).toFixed(2)}`;
  const places = decimals(usd);
  const scale = 10 ** places;
  // A sum of floats that is a hair above a digit is that digit.
  return `$${(Math.ceil(usd * scale - 1e-9) / scale).toFixed(Math.max(places, 2))}`;
}

/** Behind the point, up to the first digit that counts: 2 for 0.034. */
function decimals(usd: number): number {
  return Math.max(0, -Math.floor(Math.log10(usd)));
}

export function seconds(s: number): string {
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 120) return `${Math.round(s)} s`;
  return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
}

/** "3 s", "5 minutes", "2 hours": about how long. */
export function roughTime(s: number): string {
  if (s < 60) return plural(Math.round(s), "second");
  if (s < 5400) return plural(Math.round(s / 60), "minute");
  return s < 129_600 ? plural(Math.round(s / 3600), "hour") : plural(Math.round(s / 86_400), "day");
}

/** "820 kB", "1.4 MB". */
export function size(bytes: number): string {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  const [unit, word] = bytes < 1e9 ? [1e6, "MB"] : [1e9, "GB"];
  return `${(bytes / unit).toFixed(1)} ${word}`;
}

/** What writes times. It is made when there is one to write: the browser takes milliseconds to make it. */
export function timeWriter(options: Intl.DateTimeFormatOptions): (at: Date) => string {
  let format: Intl.DateTimeFormat | undefined;
  return (at) => (format ??= new Intl.DateTimeFormat("en-GB", options)).format(at);
}

const clock = timeWriter({ hour: "2-digit", minute: "2-digit" });
const weekday = timeWriter({ weekday: "short", day: "numeric" });
const date = timeWriter({ day: "numeric", month: "short" });
const DAY_MS = 86_400_000;

/** "14:02" today, then "Sun 22, 14:02", then "2 Nov". */
export function moment(iso: string, now: Date = new Date()): string {
  const at = new Date(iso);
  if (at.toDateString() === now.toDateString()) return clock(at);
  const days = (now.getTime() - at.getTime()) / DAY_MS;
  if (days < 7) return `${weekday(at)}, ${clock(at)}`;
  return at.getFullYear() === now.getFullYear() ? date(at) : `${date(at)} ${at.getFullYear()}`;
}

export function words(text: string): number {
  return text.trim() ? text.trim().split(/\s+/).length : 0;
}
