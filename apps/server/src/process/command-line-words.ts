/**
 * The words of the command line as byte strings. Node gives them as text, in which bytes that are no
 * UTF-8 have become U+FFFD; Linux still knows them as they were.
 */
import { readFileSync } from "node:fs";
import { byteString, textOf } from "./byte-string.ts";

/** How a process hands its words to one that it starts, which it could only do as text otherwise. */
export const wordsVariable = "KV_ARGUMENTS";

/** The words behind the program's name. */
export function commandLineWords(): string[] {
  const given = process.env[wordsVariable];
  if (given !== undefined) {
    delete process.env[wordsVariable]; // Not for those that this process starts.
    return unpackWords(given);
  }
  const words = process.argv.slice(2);
  if (!words.some((word) => word.includes("\uFFFD"))) return words.map(byteString);
  return knownToSystem(words) ?? words.map(byteString);
}

function knownToSystem(words: readonly string[]): string[] | undefined {
  let raw: string[];
  try {
    raw = readFileSync("/proc/self/cmdline", "latin1").split("\0").slice(0, -1);
  } catch {
    return undefined;
  }
  const last = raw.slice(-words.length);
  return last.every((word, index) => textOf(word) === words[index]) ? last : undefined;
}

export function packWords(words: readonly string[]): string {
  return Buffer.from(words.map((word) => `${word}\0`).join(""), "latin1").toString("base64");
}

function unpackWords(packed: string): string[] {
  return Buffer.from(packed, "base64").toString("latin1").split("\0").slice(0, -1);
}
