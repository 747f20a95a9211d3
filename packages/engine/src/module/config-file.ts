/** The configuration file: writing what is in force over it. */

import { matchesGlob } from "@kv/commands";
import { quoteArg } from "@kv/config";
import type { Ports } from "./ports.ts";

/**
 * Writes the configuration over the file. With `whole`, every directive gets a line. Undefined, or
 * what the host had against it.
 */
export function rewriteFile(ports: Ports, path: string, whole: boolean): string | undefined {
  const { host, config } = ports;
  try {
    let text = readConfigFile(ports, path);
    if (whole) {
      // A directive that stands in the file keeps its line, at its default or not.
      const lines = config
        .configGet(["*"], matchesGlob)
        .map(([name, value]) => `${name} ${quoteArg(value)}`);
      text = `${text}\n${lines.join("\n")}\n`;
    }
    host.writeText(path, config.rewrite(text));
    return undefined;
  } catch (error) {
    if (error instanceof Error) return error.message;
    throw error;
  }
}

/**
 * The text of the configuration file; "" where it has gone meanwhile, so that it is written anew. Throws
 * what the host has against reading it otherwise.
 */
export function readConfigFile({ host }: Pick<Ports, "host">, path: string): string {
  try {
    return host.readText(path);
  } catch (error) {
    if (error instanceof Error && /ENOENT|[Nn]o such file/.test(`${error.message}`)) return "";
    throw error;
  }
}
