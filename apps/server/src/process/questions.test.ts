/** What the tools answer on standard output, run as programs. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

/** Runs a tool from its source. */
function ask(tool: string, ...words: string[]) {
  const source = fileURLToPath(new URL(`../${tool.slice(3)}.ts`, import.meta.url));
  const script = `process.argv[1] = "/bin/${tool}"; (await import(${JSON.stringify(source)})).main();`;
  const options = ["--conditions=@kv/source", "--input-type=module", "--eval", script, tool];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...options, ...words], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe.each(["kv-check-rdb", "kv-check-aof"])("%s", (tool) => {
  test("--help and -h", () => {
    for (const flag of ["--help", "-h"]) {
      const { status, stdout, stderr } = ask(tool, flag);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toContain(`Usage: ${tool} `);
    }
  });

  test("--version and -v", () => {
    for (const flag of ["--version", "-v"]) {
      const { status, stdout, stderr } = ask(tool, flag);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toMatch(new RegExp(`^${tool} v=7\\.2\\.\\d+ .* build=kv-\\d\\S+\n$`));
    }
  });

  test("anything else is work, or a mistake", () => {
    for (const words of [["--version", "--help"], ["--nope"], []]) {
      const { status, stdout, stderr } = ask(tool, ...words);
      expect(status).toBe(1);
      expect(stdout + stderr).not.toBe("");
    }
  });
});
