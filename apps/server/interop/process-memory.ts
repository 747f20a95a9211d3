/** Memory of a running server, as Linux tells it. */
import { readFileSync } from "node:fs";

/** All that is in memory: data, heaps, and those pages of its program that it has used of late. */
export function residentBytes(pid: number | undefined): number {
  return statusBytes(pid, "VmRSS");
}

/** What is in memory for this process alone. Pages of the program, which come and go, are not in it. */
export function ownBytes(pid: number | undefined): number {
  return statusBytes(pid, "RssAnon");
}

function statusBytes(pid: number | undefined, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024;
}
