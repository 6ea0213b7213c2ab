/** What a prompt or a run takes, in the words of the page. Pure. */

import { bound, count, plural } from "../ui/format.ts";
import type { CellForecast, WayForecast } from "../wire/plan.ts";
import type { Mode } from "../wire/mode.ts";

/** The highest price: "≤ $0.003", "no price known", "free"; with "≈" where it is no bound yet. */
export function priceText(usd: number | null, isBound: boolean): string {
  if (usd === null) return "no price known";
  if (usd === 0) return "free";
  return `${isBound ? "≤" : "≈"} ${bound(usd)}`;
}

export interface Takes {
  readonly calls: number;
  readonly onRecord: number;
  readonly priceUsd: number | null;
  readonly isBound: boolean;
  /** Whether it can be said what is on record. */
  readonly isKnown: boolean;
}

export interface PriceWords {
  /** What is paid for asking. */
  readonly price: string;
  /** What the record has, in the run's mode. */
  readonly record: string;
  readonly warns: boolean;
}

/** What running a prompt takes, in a mode. */
export function priceWords(mode: Mode, takes: Takes): PriceWords {
  const price = priceText(takes.priceUsd, takes.isBound);
  const isAll = takes.calls > 0 && takes.onRecord >= takes.calls;
  if (mode === "live") return { price, record: "", warns: false };
  if (isAll) return { price, record: mode === "reuse" ? "on record: free" : "on record", warns: false };
  if (mode === "replay") {
    return takes.isKnown
      ? { price: "", record: "not on record: would stop", warns: true }
      : { price: "", record: "", warns: false };
  }
  const left = takes.calls - takes.onRecord;
  if (takes.onRecord > 0) {
    const part = takes.priceUsd === null ? null : (takes.priceUsd * left) / takes.calls;
    return {
      price: priceText(part, takes.isBound),
      record: `${count(left)} new, ${count(takes.onRecord)} on record`,
      warns: false,
    };
  }
  return { price: takes.isKnown ? `new, ${price}` : price, record: "", warns: false };
}

/** The same of a cell in a plan. */
export function takesOf(cell: CellForecast): Takes {
  return {
    calls: cell.calls,
    onRecord: cell.state === "on_record" ? cell.calls : Math.max(0, cell.calls - cell.asked_calls),
    priceUsd: cell.price_usd,
    isBound: cell.is_bound,
    isKnown: true,
  };
}

/** A plan in short: "3 new, ≤ $0.04", "12 on record, free", "stops at cell 6". */
export function planInShort(way: WayForecast, order: readonly string[]): string {
  const stopped = way.stops[0] ?? way.missing[0];
  if (stopped !== undefined) return `stops at cell ${order.indexOf(stopped) + 1}`;
  if (!way.calls) return "no prompts";
  if (!way.asked_calls) return `${count(way.calls)} on record, free`;
  const price = wayPrice(way);
  return way.mode === "live" ? `${plural(way.asked_calls, "call")}, ${price}` : `${count(way.asked_calls)} new, ${price}`;
}

/** The highest price of a run; where some of it has no known price, it says so. */
export function wayPrice(way: WayForecast): string {
  if (!way.asked_calls) return "free";
  const price = priceText(way.price_usd, way.is_bound);
  return way.unpriced.length && way.price_usd ? `${price} and what has no known price` : price;
}

/** Whether a run may cost something. */
export function mayCost(way: WayForecast): boolean {
  return way.asked_calls > 0 && way.price_usd !== 0;
}

/** The headline of a plan: "12 prompts: 9 on record, 3 new". */
export function planTitle(way: WayForecast, mode: Mode): string {
  const all = plural(way.calls, "prompt");
  if (!way.calls) return "No prompts";
  const asked = way.asked_calls;
  if (mode === "live") return all;
  const recorded = way.calls - asked - way.missing.length;
  const parts = [`${count(Math.max(0, recorded))} on record`];
  if (asked) parts.push(`${count(asked)} new`);
  if (way.missing.length) parts.push(`${count(way.missing.length)} not on record`);
  return `${all}: ${parts.join(", ")}`;
}
