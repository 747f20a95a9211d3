import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { listenToSignals } from "./signals.ts";

/** A process that can be sent signals, and what it did. */
function fakeProcess() {
  const done: string[] = [];
  let refuse = () => {};
  const source = Object.assign(new EventEmitter(), {
    pid: 1,
    kill: (pid: number, signal: string) => done.push(`kill ${pid} ${signal}`),
  });
  listenToSignals(
    {
      shutdown(signal) {
        done.push(`shutdown ${signal}`);
        return new Promise((resolve) => {
          refuse = resolve;
        });
      },
      exitAtOnce: () => done.push("exit"),
      noticed: (signal) => done.push(`noticed ${signal}`),
      crashed: (signal) => done.push(`crashed ${signal}`),
    },
    source,
  );
  return {
    done,
    send: (...signals: string[]) => {
      for (const signal of signals) source.emit(signal);
    },
    async refuses() {
      refuse();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe("signals", () => {
  test("a second SIGINT does not wait for the shutdown", () => {
    const { done, send } = fakeProcess();
    send("SIGINT", "SIGINT");
    expect(done).toEqual(["shutdown SIGINT", "exit"]);
  });

  test("nor does one after SIGTERM; more SIGTERMs change nothing at once", () => {
    const { done, send } = fakeProcess();
    send("SIGTERM", "SIGTERM", "SIGINT");
    expect(done).toEqual(["shutdown SIGTERM", "shutdown SIGTERM", "exit"]);
  });

  test("after a shutdown that was refused, SIGINT asks again", async () => {
    const { done, send, refuses } = fakeProcess();
    send("SIGINT");
    await refuses();
    send("SIGINT");
    expect(done).toEqual(["shutdown SIGINT", "shutdown SIGINT"]);
  });

  test("some have no effect, and none starts the debugger", () => {
    const { done, send } = fakeProcess();
    send("SIGHUP", "SIGUSR1", "SIGPIPE");
    expect(done).toEqual([]);
  });

  test("SIGALRM is only noticed", () => {
    const { done, send } = fakeProcess();
    send("SIGALRM");
    expect(done).toEqual(["noticed SIGALRM"]);
  });

  test("SIGABRT is reported and takes its course", () => {
    const { done, send } = fakeProcess();
    send("SIGABRT");
    expect(done).toEqual(["crashed SIGABRT", "kill 1 SIGABRT"]);
  });
});
