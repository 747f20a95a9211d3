import { expect, test } from "vitest";
import { simulate, simulationReport } from "./simulation.ts";

/** Days of `STEPS` steps each; KV_SIMULATION_RUNS=5000 and KV_SIMULATION_SEED=1 for a longer look. */
const RUNS = Number(process.env.KV_SIMULATION_RUNS ?? 15);
const FIRST_SEED = Number(process.env.KV_SIMULATION_SEED ?? 1);
const STEPS = 60;

test(
  "a server keeps its promises through days of everything at once",
  async () => {
    const reports: string[] = [];
    for (let run = 0; run < RUNS && reports.length < 3; run++) {
      const report = simulationReport(await simulate(FIRST_SEED + run, STEPS));
      if (report !== "") reports.push(report);
    }
    expect(reports.join("\n")).toBe("");
  },
  30_000 + RUNS * 1000,
);
