/**
 * What the tools answer without doing their work: --help and --version, on standard output.
 *
 * The texts are loaded when somebody asks. They name the version of the engine, and a tool that
 * reads a file has no other use for that.
 */
import { writeSync } from "node:fs";
import { outputLost } from "./lost-output.ts";

type Tool = "kv-check-rdb" | "kv-check-aof";

/** True when the words were a question, which has been answered. */
export async function isAnswered(words: readonly string[], tool: Tool): Promise<boolean> {
  if (words.length !== 1) return false;
  const asksForHelp = words[0] === "--help" || words[0] === "-h";
  if (!asksForHelp && words[0] !== "--version" && words[0] !== "-v") return false;
  const { toolUsageTexts, versionLine } = await import("./usage.ts");
  try {
    writeSync(1, asksForHelp ? toolUsageTexts[tool] : versionLine(tool));
  } catch (error) {
    outputLost(error, tool);
  }
  return true;
}
