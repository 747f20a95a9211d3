/** How figures look in the tables: as many digits as the measurement is worth. */
import type { Summary } from "./statistics.ts";

export function significant(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return "-";
  if (value === 0) return "0";
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(decimals, 6));
}

/** The median, and between which values the rounds lay. */
export function spread(summary: Summary): string {
  const { median, low, high } = summary;
  return `${significant(median)} (${significant(low)}–${significant(high)})`;
}

export function ratio(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(2)}×` : "-";
}

export function ratioSpread(summary: Summary): string {
  return `${ratio(summary.median)} (${summary.low.toFixed(2)}–${summary.high.toFixed(2)})`;
}

export function thousands(value: number): string {
  return Number.isFinite(value) ? `${Math.round(value / 1000)} k` : "-";
}

export function megabytes(bytes: number): string {
  return Number.isFinite(bytes) ? `${(bytes / 2 ** 20).toFixed(1)} MB` : "-";
}

export function milliseconds(value: number): string {
  return Number.isFinite(value) ? `${significant(value)} ms` : "-";
}

/** 5000000 as "5 M", 10000 as "10 k". */
export function count(value: number): string {
  if (value >= 1e6) return `${significant(value / 1e6, 2).replace(/\.0$/, "")} M`;
  return value >= 1000 ? `${significant(value / 1000, 2).replace(/\.0$/, "")} k` : `${value}`;
}
