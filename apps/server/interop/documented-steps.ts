/**
 * Pages whose commands are run. A block without a language holds lines such as `kv> GET key`, each followed by
 * lines that the reply has; a word such as 6380 stands for the port of the server that a test puts in its place.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { ServerProcess } from "@kv/testing";
import { expect } from "vitest";

interface Step {
  readonly server: string;
  readonly command: string;
  readonly lines: string[];
}

/** A server of the page: by what name it is asked, and which port it has there. */
export interface Role {
  readonly name: string;
  readonly port: number;
  readonly server: ServerProcess;
}

function stepsOf(page: string): Step[] {
  const steps: Step[] = [];
  for (const [, language, block = ""] of page.matchAll(/^```(\w*)\n(.*?)^```$/gms)) {
    if (language !== "") continue;
    for (const line of block.trimEnd().split("\n")) {
      const [, server, command] = /^([a-z]+)> (.*)$/.exec(line) ?? [];
      if (server !== undefined && command !== undefined) steps.push({ server, command, lines: [] });
      else steps.at(-1)?.lines.push(line);
    }
  }
  return steps;
}

/** Words as a shell takes them, without one. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? "");
}

/**
 * Runs a page's commands one after the other. A reply has all the lines that the page shows, at the latest a few
 * seconds after it was asked for the first time where it only tells of a state. Resolves to their number.
 */
export async function runSteps(page: URL, roles: readonly Role[]): Promise<number> {
  const steps = stepsOf(readFileSync(page, "utf8"));

  function run({ server, command }: Step): string[] {
    const role = roles.find(({ name }) => name === server);
    if (role === undefined) throw new Error(`nobody is called ${server}`);
    const words = wordsOf(command).map(
      (word) => roles.find(({ port }) => `${port}` === word)?.server.port ?? word,
    );
    const options = { encoding: "utf8", timeout: 10_000 } as const;
    const told = execFileSync(
      "redis-cli",
      ["-p", `${role.server.port}`, ...words.map(String)],
      options,
    );
    const asWritten = roles.reduce(
      (text, { port, server }) =>
        text.replaceAll(new RegExp(`\\b${server.port}\\b`, "g"), `${port}`),
      told,
    );
    return asWritten.split(/\r?\n/);
  }

  for (const step of steps) {
    const told = `${step.server}> ${step.command}`;
    const missing = () => {
      const shown = run(step);
      return step.lines.filter((line) => !shown.includes(line));
    };
    // Only what changes nothing may be asked again.
    if (/^(INFO|GET|DBSIZE|EXISTS|WAIT|SENTINEL (GET-|CKQUORUM))/.test(step.command))
      await expect.poll(missing, { timeout: 15_000, message: told }).toEqual([]);
    else expect(missing(), told).toEqual([]);
  }
  return steps.length;
}
