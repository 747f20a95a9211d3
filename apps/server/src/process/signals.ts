/**
 * Signals.
 *
 *      SIGTERM, SIGINT   shut down in good order; a second SIGINT exits at once with 1
 *      SIGHUP, SIGPIPE   ignored
 *      SIGUSR1           ignored: without a listener Node would open its debugger to the machine
 *      SIGALRM           a line in the log: whoever sends it wants to see that the loop turns
 *      SIGABRT           crash report, then the signal takes its course
 *
 * SIGSEGV, SIGBUS, SIGFPE and SIGILL are left alone on purpose. When the processor raises them, a
 * listener never runs: its wake-up returns to the instruction that failed, which fails again, and
 * the process would spin for ever instead of ending.
 */
export interface SignalActions {
  /** Ends the process, or resolves because that was refused. */
  shutdown(signal: "SIGTERM" | "SIGINT"): Promise<void>;
  exitAtOnce(): void;
  noticed(signal: NodeJS.Signals): void;
  crashed(signal: NodeJS.Signals): void;
}

/** What Node's `process` does; tests give something else. */
export interface SignalSource {
  readonly pid: number;
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  removeAllListeners(signal: NodeJS.Signals): unknown;
  kill(pid: number, signal: NodeJS.Signals): unknown;
}

export function listenToSignals(actions: SignalActions, source: SignalSource = process): void {
  const { shutdown, exitAtOnce, noticed, crashed } = actions;
  let isShuttingDown = false;
  const begin = async (signal: "SIGTERM" | "SIGINT") => {
    isShuttingDown = true;
    await shutdown(signal);
    isShuttingDown = false;
  };
  source.on("SIGTERM", () => void begin("SIGTERM"));
  source.on("SIGINT", () => {
    if (isShuttingDown) exitAtOnce();
    else void begin("SIGINT");
  });
  for (const signal of ["SIGHUP", "SIGPIPE", "SIGUSR1"] as const) source.on(signal, () => {});
  source.on("SIGALRM", () => noticed("SIGALRM"));
  source.on("SIGABRT", () => {
    crashed("SIGABRT");
    source.removeAllListeners("SIGABRT");
    source.kill(source.pid, "SIGABRT");
  });
}
