/** A program that uses the library, as a process of its own and run from the sources. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../..", import.meta.url));
const PATIENCE_MS = 15_000;

export interface ScriptRun {
  stdout: string;
  stderr: string;
  /** Null: it did not end by itself, and was killed. */
  code: number | null;
}

/** Runs TypeScript with `createServer` and `ServerError` at hand until it ends by itself. */
export function runScript(code: string): Promise<ScriptRun> {
  const program = `import { createServer, ServerError } from "@kv/server";\n${code}`;
  const words = ["--conditions=@kv/source", "--input-type=module-typescript", "-e", program];
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      words,
      { cwd: folder, timeout: PATIENCE_MS, killSignal: "SIGKILL" },
      (_error, stdout, stderr) => resolve({ stdout, stderr, code: child.exitCode }),
    );
  });
}
