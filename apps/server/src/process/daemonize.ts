/**
 * `daemonize yes`: the server goes on in the background.
 *
 * Node cannot fork, so the same command line is started once more in a session of its own, and
 * this process ends. The configuration has been read by then, so its errors are seen by whoever
 * started the server.
 */
import { enterFolder } from "./byte-path.ts";
import { packWords, wordsVariable } from "./command-line-words.ts";

/** Tells the second process that it is the one to stay. */
const mark = "KV_IN_BACKGROUND";

export function isInBackground(): boolean {
  return process.env[mark] === "1";
}

export interface BackgroundStart {
  /** Where the server was started: relative paths of its arguments begin there. Undefined: it is gone. */
  folder: string | undefined;
  /** The words of the command line. */
  words: readonly string[];
  /** What was read from standard input; handed on. */
  stdinText: string;
}

/** Resolves when the background process is there; the caller then exits. */
export function startInBackground({ folder, words, stdinText }: BackgroundStart): Promise<void> {
  if (folder !== undefined) enterFolder(folder);
  const { spawn } = process.getBuiltinModule("node:child_process");
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    stdio: [stdinText === "" ? "ignore" : "pipe", "ignore", "ignore"],
    env: { ...process.env, [mark]: "1", [wordsVariable]: packWords(words) },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("spawn", () => {
      child.unref();
      if (child.stdin === null) resolve();
      else child.stdin.end(Buffer.from(stdinText, "latin1"), resolve);
    });
  });
}
