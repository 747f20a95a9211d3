/**
 * `daemonize yes`: the server goes on in the background.
 *
 * Node cannot fork, so the same command line is started once more in a session of its own, and
 * this process ends. The configuration has been read by then, so its errors are seen by whoever
 * started the server, and the second process is handed what was read:
 *
 *      kv-server kv.conf  --read--> kv.conf, included files, standard input
 *           | spawn                        |
 *           v                              v  descriptor 3, as JSON
 *      kv-server kv.conf  <----------------+
 */
import { closeSync, readFileSync } from "node:fs";
import type { Writable } from "node:stream";
import { enterFolder } from "./byte-path.ts";
import { packWords, wordsVariable } from "./command-line-words.ts";
import type { Reading } from "./config-reader.ts";

/** Tells the second process that it is the one to stay. */
const mark = "KV_IN_BACKGROUND";
/** Where that one finds what the first has read. */
const HANDOVER_DESCRIPTOR = 3;

/** What the first process has read, once; undefined: this is the first. */
export function takeReadings(): readonly Reading[] | undefined {
  if (process.env[mark] !== "1") return undefined;
  delete process.env[mark]; // Not for those that this process starts: they may be servers, too.
  const text = readFileSync(HANDOVER_DESCRIPTOR, "utf8");
  closeSync(HANDOVER_DESCRIPTOR);
  return JSON.parse(text) as readonly Reading[];
}

export interface BackgroundStart {
  /** Where the server was started: relative paths of its arguments begin there. Undefined: it is gone. */
  folder: string | undefined;
  /** The words of the command line. */
  words: readonly string[];
  /** All that the configuration was read from. */
  readings: readonly Reading[];
}

/** Resolves when the background process is there; the caller then exits. */
export function startInBackground({ folder, words, readings }: BackgroundStart): Promise<void> {
  if (folder !== undefined) enterFolder(folder);
  const { spawn } = process.getBuiltinModule("node:child_process");
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    stdio: ["ignore", "ignore", "ignore", "pipe"],
    env: { ...process.env, [mark]: "1", [wordsVariable]: packWords(words) },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("spawn", () => {
      child.unref();
      (child.stdio[HANDOVER_DESCRIPTOR] as Writable).end(JSON.stringify(readings), resolve);
    });
  });
}
