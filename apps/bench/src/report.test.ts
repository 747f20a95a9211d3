import { describe, expect, test } from "vitest";
import { holds, plainClaims, plainSection, type RunFacts, renderResults } from "./report.ts";
import type { Section } from "./scenario.ts";

const facts: RunFacts = {
  date: "2026-01-02",
  cpuModel: "Model",
  cores: 2,
  memoryGb: 24,
  kernel: "6.1",
  node: "26.10.0",
  redis: "redis-server 7.0.15",
  sizes: "full",
  rounds: 7,
  niceness: 0,
};

const section = (name: string, figure: string): Section => ({
  name,
  title: `Title of ${name}`,
  method: "How.",
  tables: [{ columns: ["a", "long column"], rows: [[figure, "x"]] }],
  claims: [{ text: `claim of ${name}`, measured: 0.5, atMost: 1, unit: "×" }],
  remarks: ["Remark."],
});

const order = ["one", "two"];

describe("RESULTS.md", () => {
  test("a run of one scenario keeps the figures of the others", () => {
    const first = renderResults("", facts, [section("one", "1111"), section("two", "2222")], order);
    const second = renderResults(first, facts, [section("two", "3333")], order);
    expect(second).toContain("1111");
    expect(second).toContain("3333");
    expect(second).not.toContain("2222");
    expect(second.indexOf("Title of one")).toBeLessThan(second.indexOf("Title of two"));
  });

  test("what people wrote stays, however often it is written anew", () => {
    const first = renderResults("", facts, [section("one", "1")], order);
    let text = first.replace("Nothing yet.", "By hand: **SPOP** was missed.");
    for (let run = 0; run < 3; run++)
      text = renderResults(text, facts, [section("one", "2")], order);
    expect(text.match(/By hand/g)).toHaveLength(1);
    expect(renderResults(text, facts, [section("one", "2")], order)).toBe(text);
  });

  test("a figure that was not measured does not hold", () => {
    const claim = { text: "c", atMost: 1, unit: "" };
    expect(holds({ ...claim, measured: 1 })).toBe(true);
    expect(holds({ ...claim, measured: 1.01 })).toBe(false);
    expect(holds({ ...claim, measured: Number.NaN })).toBe(false);
  });
});

test("columns line up on a terminal", () => {
  const lines = plainSection(section("one", "123456")).split("\n");
  const row = lines.find((line) => line.includes("123456"))!;
  const header = lines.find((line) => line.includes("long column"))!;
  expect(row.indexOf("x")).toBe(header.indexOf("long column"));
  expect(plainClaims([section("one", "1")])).toContain("claim of one");
});
