import { type Harness, harness, Network } from "@kv/testing";
import { describe, expect, test } from "vitest";

/** Two servers that see each other: "here" moves keys to "there". */
class Pair {
  readonly network = new Network();
  readonly here: Harness;
  readonly there: Harness;

  constructor(config = {}, thereConfig = {}) {
    this.here = harness({ config });
    this.there = harness({ config: thereConfig, seed: 2 });
    this.network.attach("10.0.0.1:6379", this.here);
    this.network.attach("10.0.0.2:6379", this.there);
  }

  /** Sends MIGRATE and answers nothing yet. */
  ask(key: string, ...rest: (string | number)[]): void {
    const [database = 0, timeoutMs = 1000, ...options] = rest;
    const words = ["MIGRATE", "10.0.0.2", 6379, key, database, timeoutMs, ...options];
    expect(this.here.send(...words)).toBe(undefined);
  }

  async migrate(key: string, ...rest: (string | number)[]): Promise<unknown> {
    this.ask(key, ...rest);
    await this.network.settle();
    return this.here.self.receive();
  }
}

const text = (reply: unknown) => `${(reply as { reply?: string })?.reply ?? reply}`;

describe("MIGRATE", () => {
  test("moves a key with its time to live", async () => {
    const pair = new Pair();
    pair.here.send("SET", "k", "v", "PX", 5000);
    expect(await pair.migrate("k")).toBe("OK");
    expect(pair.here.send("EXISTS", "k")).toBe(0);
    expect(pair.there.send("GET", "k")).toBe("v");
    expect(pair.there.send("PTTL", "k")).toBeGreaterThan(4900);
    expect(pair.here.propagated.at(-1)).toEqual(["DEL", "k"]);
    expect(pair.here.events.at(-1)).toBe("del k");
    pair.here.check();
  });
});

test("debug", () => expect(text("x")).toBe("x"));
