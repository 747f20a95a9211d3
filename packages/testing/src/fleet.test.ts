import { expect, test } from "vitest";
import { fleetReport, runFleet, runFleetDay } from "./fleet.ts";

/** Days of `STEPS` steps each; KV_FLEET_RUNS=1000 and KV_FLEET_SEED=1 for a longer look. */
const RUNS = Number(process.env.KV_FLEET_RUNS ?? 20);
const FIRST_SEED = Number(process.env.KV_FLEET_SEED ?? 1);
const FAILURES_MAX = Number(process.env.KV_FLEET_FAILURES ?? 2);
const STEPS = 60;

test(
  "servers that follow each other come together again whatever happens",
  async () => {
    const reports: string[] = [];
    for (let run = 0; run < RUNS && reports.length < FAILURES_MAX; run++) {
      const report = fleetReport(await runFleet(FIRST_SEED + run, STEPS));
      if (report !== "") reports.push(report);
    }
    expect(reports.join("\n")).toBe("");
  },
  30_000 + RUNS * 1000,
);

test("three servers live a whole day", async () => {
  const report = fleetReport(await runFleetDay(FIRST_SEED));
  expect(report).toBe("");
}, 120_000);
