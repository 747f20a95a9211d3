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

  test("--help says what the tool does, and with which exit code it ends", () => {
    const { stdout } = ask(tool, "--help");
    expect(stdout).toMatch(/^Reads /m);
    expect(stdout).toMatch(/The exit code is 0 when (all|the file) is good, and 1 otherwise\.\n$/);
    // Each option that is named is told of, too.
    for (const [, option] of stdout.matchAll(/[[|](--[a-z-]+)/g))
      expect(stdout.split(option as string).length).toBe(3);
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
