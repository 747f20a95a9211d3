/**
 * What a process and the machine have used, read from /proc. Linux only, as the claims are.
 *
 * CPU time is the scheduler's own count in nanoseconds, summed over the threads of the process:
 * the figure that a busy neighbour bends least. Requests per second bend a lot.
 */
import { readdirSync, readFileSync } from "node:fs";

const PAGE_BYTES = 4096;
/** /proc counts in ticks of USER_HZ, which is 100 on every architecture that Node runs on. */
const TICK_MS = 10;

/** CPU time of all threads of the process so far. Threads that have ended are not in it. */
export function processCpuNs(pid: number): number {
  let total = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    total += parseSchedstat(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "latin1"));
  }
  return total;
}

export function parseSchedstat(text: string): number {
  return Number(text.split(" ")[0]);
}

export function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * PAGE_BYTES;
}

/**
 * Memory of a process and its children, each shared page counted once. This is what a forked
 * snapshot costs: resident sizes would count the shared pages of parent and child twice.
 */
export function familyBytes(pid: number): number {
  let total = proportionalBytes(pid);
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const children = readFileSync(`/proc/${pid}/task/${task}/children`, "latin1");
    for (const child of children.split(" ").filter(Boolean)) {
      try {
        total += familyBytes(Number(child));
      } catch {
        // A child may end between the listing and the reading; then it uses nothing.
      }
    }
  }
  return total;
}

/** Memory of the process, of what it shares with others only its part. */
export function proportionalBytes(pid: number): number {
  return parseProportionalBytes(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1"));
}

export function parseProportionalBytes(rollup: string): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? Number.NaN) * 1024;
}

/** How often the main thread has waited for something so far: at rest, how often a timer woke it. */
export function wakeUps(pid: number): number {
  return parseWaits(readFileSync(`/proc/${pid}/status`, "latin1"));
}

export function parseWaits(status: string): number {
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN);
}

/** Memory that could be taken without swapping. */
export function availableBytes(): number {
  const meminfo = readFileSync("/proc/meminfo", "latin1");
  return Number(/^MemAvailable:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) * 1024;
}

/** CPU time that everything on this machine has used, in milliseconds. */
function machineCpuMs(): number {
  return parseMachineTicks(readFileSync("/proc/stat", "latin1")) * TICK_MS;
}

/** Ticks in which a core was busy. Time stolen by the hypervisor counts: it was gone as well. */
export function parseMachineTicks(stat: string): number {
  const [user, nice, system, , , irq, softirq, steal] = stat
    .slice(0, stat.indexOf("\n"))
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return user + nice + system + irq + softirq + steal;
}

/** CPU time of this process, its threads, and the children that it has waited for. */
function ownCpuMs(): number {
  return parseOwnTicks(readFileSync("/proc/self/stat", "latin1")) * TICK_MS;
}

export function parseOwnTicks(stat: string): number {
  // The name in parentheses may hold spaces; the fields after it are numbered from 3.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const field = (number: number) => Number(fields[number - 3]);
  return field(14) + field(15) + field(16) + field(17);
}

export interface Usage {
  /** CPU time of the server process. */
  cpuNs: number;
  elapsedMs: number;
  /** Cores kept busy by processes that are no part of the measurement. */
  foreignCores: number;
}

/** Starts watching a server; the function returned says what happened since. */
export function watchUsage(pid: number, others: readonly number[] = []): () => Usage {
  const partsMs = () => others.reduce((sum, each) => sum + processCpuNs(each) / 1e6, ownCpuMs());
  const before = { cpuNs: processCpuNs(pid), machineMs: machineCpuMs(), partsMs: partsMs() };
  const startMs = performance.now();
  return () => {
    const cpuNs = processCpuNs(pid) - before.cpuNs;
    const elapsedMs = performance.now() - startMs;
    const foreignMs =
      machineCpuMs() - before.machineMs - (partsMs() - before.partsMs) - cpuNs / 1e6;
    return { cpuNs, elapsedMs, foreignCores: Math.max(0, foreignMs / elapsedMs) };
  };
}
