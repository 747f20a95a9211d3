/**
 * The thread of the watchdog: sleeps until the deadline, and when that has not been moved on, writes
 *
 *      12345:signal-handler (1769860000)
 *      --- WATCHDOG TIMER EXPIRED ---
 *
 *      ------ STACK TRACE ------
 *          at sleepMs (file:///.../node-host.ts:58:15)
 *          ...
 *      12345:signal-handler (1769860000) --------
 *
 * The form is the one that operators and tools know; it names the signal handler that other servers
 * write it from. The stack comes from the debugger that is part of the runtime: it stops the main
 * thread for about a millisecond, also while that waits, but not in the middle of a system call.
 */
import type { Debugger } from "node:inspector";
import { workerData } from "node:worker_threads";
import { Log } from "./log.ts";
import { Slot, type Watch } from "./watchdog.ts";

const { slots, logFile, patienceMs } = workerData as Watch;

const log = new Log({
  file: () => logFile,
  level: () => (Atomics.load(slots, Slot.SILENT) === 1n ? "nothing" : "warning"),
  role: () => "M",
});

function deadline(): bigint {
  return Atomics.load(slots, Slot.DEADLINE_NS);
}

/** Watches for as long as the thread lives. A hang is reported once. */
async function watch(): Promise<void> {
  for (let reported = 0n; ; ) {
    const due = deadline();
    const leftNs = due - process.hrtime.bigint();
    if (leftNs <= 0n && due !== reported) {
      reported = due;
      await report(due);
    }
    await rest(leftNs > 0n ? Number(leftNs / 1_000_000n) + 1 : REST_MS);
  }
}

/** Between two looks at whether a hang that was reported is over. */
const REST_MS = 50;

function rest(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

/** The heading is written at once, in case that no more comes of it. */
async function report(due: bigint): Promise<void> {
  log.raw(`${prefix()}\n--- WATCHDOG TIMER EXPIRED ---\n`);
  log.raw(`\n------ STACK TRACE ------\n${await stackText(due)}\n`);
  log.raw(`${prefix()}--------\n\n`);
}

function prefix(): string {
  return `${process.pid}:signal-handler (${Math.floor(Date.now() / 1000)}) `;
}

async function stackText(due: bigint): Promise<string> {
  try {
    const frames = await framesOfMainThread();
    // A stack from after the hang would put the blame on somebody else.
    if (deadline() !== due) return "(none: the server went on before it could be stopped)";
    return frames?.join("\n") ?? "(none: the server does not stop, it may be in a system call)";
  } catch (error) {
    return `(none: ${error})`; // A runtime may have been built without the debugger.
  }
}

/** Where the main thread is, the innermost call first. Undefined: it did not stop in time. */
async function framesOfMainThread(): Promise<string[] | undefined> {
  const { Session } = await import("node:inspector");
  const session = new Session();
  const files = new Map<string, string>();
  session.on("Debugger.scriptParsed", ({ params }) => files.set(params.scriptId, params.url));
  session.connectToMainThread();
  try {
    return await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), patienceMs);
      session.once("Debugger.paused", ({ params }) => {
        session.post("Debugger.resume");
        clearTimeout(timer);
        resolve(params.callFrames.map((frame) => frameLine(frame, files)));
      });
      session.post("Debugger.enable");
      session.post("Debugger.pause");
    });
  } finally {
    // Where the orders above were not even read, these take them back before they have an effect.
    session.post("Debugger.disable");
    session.disconnect();
  }
}

/** As in the stack of an error. The debugger counts from 0. */
function frameLine(
  { functionName, location }: Debugger.CallFrame,
  files: ReadonlyMap<string, string>,
): string {
  const { scriptId, lineNumber, columnNumber = 0 } = location;
  const place = `${files.get(scriptId) ?? "?"}:${lineNumber + 1}:${columnNumber + 1}`;
  return `    at ${functionName || "<anonymous>"} (${place})`;
}

await watch();
