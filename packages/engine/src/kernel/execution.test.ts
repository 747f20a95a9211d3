import type { CommandRow } from "@kv/commands";
import { ArgVector, encodeRequest, RequestReader } from "@kv/resp";
import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { type EngineCall, engineCommand } from "../module/engine-call.ts";
import type { System } from "../module/system.ts";
import { type PropagationSink, Target } from "./propagate.ts";

/** Runs one request in the place of the running command; answers where its reply begins. */
function runStored(call: EngineCall, ...words: string[]): number {
  const { engine } = call;
  const batch = new ArgVector();
  const bytes = encodeRequest(words);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  new RequestReader(engine.requestLimits).read(bytes, view, 0, bytes.length, batch);
  const row = engine.commands.byName.get(words[0] as string) as CommandRow;
  return engine.execution.run(batch, row, () => null);
}

/** TWICE key: sets it, then a key of that name and "2", and counts a change of its own. */
const nesting: System = {
  name: "nesting",
  commands: [
    engineCommand({
      name: "twice",
      group: "string",
      since: "7.2.0",
      summary: "Sets two keys.",
      complexity: "O(1)",
      arity: -2,
      flags: ["write"],
      arityBecause: "The second word is optional here.",
      run(call) {
        const { engine, reply } = call;
        const key = call.text(1);
        const isOuter = call.argc === 2;
        call.dirty++;
        call.propagateAs("SET", key, "rewritten");
        engine.execution.open();
        expect(engine.situation.isNested).toBe(true);
        reply.rewind(runStored(call, "set", `${key}1`, "v"));
        if (isOuter) reply.rewind(runStored(call, "twice", `${key}2`, "inner"));
        engine.execution.close();
        // What the inner ones did is theirs; the words and the change are this command's again.
        expect([call.text(1), call.dirty, call.rewritten?.length]).toEqual([key, 1, 1]);
        reply.integer(call.argc);
      },
    }),
  ],
};

class Recorder implements PropagationSink {
  readonly targets: number;
  readonly words: string[] = [];

  constructor(targets: number) {
    this.targets = targets;
  }

  append(_databaseIndex: number, bytes: Uint8Array, start: number, end: number): void {
    const text = new TextDecoder().decode(bytes.subarray(start, end));
    this.words.push(
      text
        .split("\r\n")
        .filter((line) => line !== "" && !/^[*$]/.test(line))
        .join(" "),
    );
  }
}

describe("a frame of execution", () => {
  test("gives the outer command back its words, its changes and its rewriting", () => {
    const kv = harness({ modules: [nesting] });
    expect(kv.send("TWICE", "k")).toBe(2);
    expect(kv.send("KEYS", "*")).toEqual(expect.arrayContaining(["k1", "k21"]));
    expect(kv.engine.situation.isNested).toBe(false);
  });

  test("inside EXEC all leaves together, and only the outermost end lets it go", () => {
    const kv = harness({ modules: [nesting] });
    const log = new Recorder(Target.LOG);
    kv.engine.propagator.sinks.push(log);
    kv.engine.effects.updateInterest();
    kv.send("MULTI");
    kv.send("TWICE", "a");
    kv.send("SET", "b", 1);
    expect(kv.send("EXEC")).toEqual([2, "OK"]);
    expect(log.words).toEqual([
      "MULTI",
      "set a1 v",
      "set a21 v",
      "SET a2 rewritten",
      "SET a rewritten",
      "SET b 1",
      "EXEC",
    ]);
  });
});

describe("what is propagated", () => {
  test("goes to those it is for: messages to replicas alone", () => {
    const kv = harness();
    const [log, replicas] = [new Recorder(Target.LOG), new Recorder(Target.REPLICAS)];
    kv.engine.propagator.sinks.push(log, replicas);
    kv.engine.effects.updateInterest();
    kv.send("SET", "k", "v");
    kv.send("PUBLISH", "news", "hello");
    kv.send("MULTI");
    kv.send("PUBLISH", "news", "again");
    kv.send("SET", "k", "w");
    kv.send("EXEC");
    expect(log.words).toEqual(["SET k v", "SET k w"]);
    expect(replicas.words).toEqual([
      "SET k v",
      "PUBLISH news hello",
      "MULTI",
      "PUBLISH news again",
      "SET k w",
      "EXEC",
    ]);
  });
});
