/**
 * Runs the example of a package's README as it stands there: what it prints must be what its
 * comments behind console.log() promise.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface ExampleRun {
  printed: string[];
  promised: string[];
  trouble: string;
}

/** `testUrl` is the import.meta.url of a test in the package's src folder. */
export function runReadmeExample(testUrl: string): ExampleRun {
  const folder = fileURLToPath(new URL("..", testUrl));
  const readme = readFileSync(`${folder}README.md`, "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const promised = [...example.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map(([, line]) => line);
  const options = ["--conditions=@kv/source", "--input-type=module-typescript", "-e", example];
  const run = spawnSync(process.execPath, options, { cwd: folder, encoding: "utf8" });
  return {
    printed: run.stdout.trim().split("\n"),
    promised: promised as string[],
    trouble: run.stderr,
  };
}
