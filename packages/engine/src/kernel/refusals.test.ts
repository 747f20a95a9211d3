import { FakeHost } from "@kv/testing";
import { expect, test } from "vitest";
import { Refusals } from "./refusals.ts";
import { EngineState, Situation } from "./situation.ts";

test("writes are refused as long as one of the owners has a reason", () => {
  const situation = new Situation(new FakeHost(1));
  const refusals = new Refusals(situation);
  const refuses = () => situation.is(EngineState.DISK_FAILED);
  expect(refuses()).toBe(false);
  refusals.set("append-only", "MISCONF no log");
  refusals.set("saving", "MISCONF no snapshot");
  expect(refusals.error).toBe("MISCONF no snapshot");
  refusals.set("saving", "");
  expect(refusals.error).toBe("MISCONF no log");
  expect(refuses()).toBe(true);
  refusals.set("append-only", "");
  expect(refusals.error).toBe("");
  expect(refuses()).toBe(false);
});
