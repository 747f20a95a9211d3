/**
 * Sentinel mode: the program watches primaries in place of serving data. Asked for with `--sentinel`,
 * or by the name under which the program is called.
 */
import type { ConfigStore } from "@kv/config";
import { checkStatements, type System } from "@kv/engine";
import { type ProgramEnd, type Programs, sentinelPortNumber, sentinelSystems } from "@kv/sentinel";
import { pathBytes, textOf } from "./process/byte-string.ts";

/** Whether a program of this name, with or without that option, is a sentinel. */
export function isSentinel(hasOption: boolean, programPath: string): boolean {
  return hasOption || /(?:^|[\\/])(?:kv|redis)-sentinel(?:\.mjs)?$/.test(programPath);
}

/** Its defaults, before the configuration is read; returns the systems of such a server. */
export function prepareSentinel(config: ConfigStore): readonly System[] {
  config.assign("port", sentinelPortNumber);
  // Clients and other sentinels are elsewhere.
  config.assign("protected-mode", false);
  const systems = sentinelSystems(programs);
  checkStatements(config, [], systems);
  return systems;
}

/** What a script ends with that could not be started: it is not tried again. */
const NOT_STARTED = 2;

/** Scripts of the operator: processes beside this one. */
const programs: Programs = {
  isExecutable(path) {
    const { accessSync, constants } = process.getBuiltinModule("node:fs");
    try {
      accessSync(pathBytes(path), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  },
  run(path, words, ended) {
    const { spawn } = process.getBuiltinModule("node:child_process");
    const { signals } = process.getBuiltinModule("node:os").constants;
    let isOver = false;
    const end = (how: ProgramEnd) => {
      if (!isOver) ended(how);
      isOver = true;
    };
    const child = spawn(textOf(path), words.map(textOf), {
      stdio: ["ignore", "inherit", "inherit"],
    });
    child.once("error", () => end({ exitCode: NOT_STARTED, signal: 0 }));
    child.once("exit", (exitCode, signal) =>
      end({ exitCode: exitCode ?? 0, signal: signal === null ? 0 : signals[signal] }),
    );
    return { processId: child.pid ?? -1, kill: () => child.kill("SIGKILL") };
  },
};
