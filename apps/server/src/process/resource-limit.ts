/** What Linux lets this process have of something, as `ulimit` sets it. */
import { readFileSync } from "node:fs";

export interface ResourceLimit {
  /** What holds now, */
  soft: number;
  /** and how far that may be raised. */
  hard: number;
}

/** A limit by its name in /proc: "Max open files". Infinity: there is none, or none is known. */
export function resourceLimit(name: string): ResourceLimit {
  const [, soft, hard] = new RegExp(`^${name}\\s+(\\S+)\\s+(\\S+)`, "m").exec(readLimits()) ?? [];
  return { soft: numberOf(soft), hard: numberOf(hard) };
}

function readLimits(): string {
  try {
    return readFileSync("/proc/self/limits", "latin1");
  } catch {
    return "";
  }
}

const numberOf = (text = "unlimited") =>
  text === "unlimited" ? Number.POSITIVE_INFINITY : Number(text);
