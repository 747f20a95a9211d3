import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ffi } from "./c-library.ts";

const module = fileURLToPath(new URL("./stack-limit.ts", import.meta.url));

/** Nests deeper than a small stack has room for, as V8 lets it, and says what the stack may have. */
const script = `
  const { ensureStack, stackLimit } = await import(${JSON.stringify(module)});
  const text = ensureStack();
  const deep = () => deep() + 1;
  if (text === undefined) try { deep(); } catch {}
  console.log(text ?? stackLimit().soft);`;

const reason =
  process.platform !== "linux"
    ? "only Linux is asked to raise it"
    : ffi() === undefined
      ? "this Node has no node:ffi"
      : undefined;
if (reason !== undefined) console.log(`limit of the stack: not tested, ${reason}`);

/** Runs it in a process whose stack is limited by `ulimit` with these words; what it says. */
function under(limit: string): string {
  const words = [process.execPath, "--conditions=@kv/source", "--input-type=module", "-e", script];
  const { stdout, signal, stderr } = spawnSync("sh", [
    "-c",
    `ulimit ${limit} && exec "$@"`,
    "sh",
    ...words,
  ]);
  expect(`${signal} ${stderr}`).toBe("null ");
  return String(stdout).trim();
}

test.skipIf(reason !== undefined)(
  "a limit that is too low for the runtime is raised as far as is of use",
  () => {
    expect(under("-S -s 256")).toBe(String(8 * 2 ** 20));
  },
);

test.skipIf(reason !== undefined)("a hard limit is kept where it is enough", () => {
  expect(under("-S -s 256 && ulimit -H -s 2048")).toBe(String(2 * 2 ** 20));
});

test.skipIf(reason !== undefined)(
  "a hard limit that is too low is told of, but to those who may raise it",
  () => {
    expect(under("-s 256")).toMatch(/^(8388608|WARNING: .* may have no more than 256 kB, .*)$/);
  },
);
