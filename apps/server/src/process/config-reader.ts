/**
 * What a configuration is read from: files, patterns of their names, standard input.
 *
 * The process in the background is handed what the first one has read (daemonize.ts). Not everything
 * can be read twice: a FIFO, /dev/stdin, what a shell makes of `<(...)`. And a file that changes or
 * goes meanwhile is not what was found to be right.
 */
import { readFileSync } from "node:fs";
import { globBytes } from "./byte-glob.ts";
import { pathBytes } from "./byte-string.ts";

type Source = "stdin" | "file" | "pattern";

/** A name and what was found there: a text, or the names that a pattern stands for. */
export interface Reading {
  readonly source: Source;
  readonly name: string;
  readonly found: string | readonly string[];
}

export class ConfigReader {
  /** All that was read, in order: a name may mean another file once `dir` has led elsewhere. */
  readonly readings: Reading[] = [];
  readonly #given: readonly Reading[];

  /** `given`: what another process has read for the same command line. */
  constructor(given: readonly Reading[] = []) {
    this.#given = given;
  }

  /** The three answer with bytes, a character each, and throw the system's error. */
  readonly readStdin = (): string => this.#read("stdin", "", () => readFileSync(0, "latin1"));
  readonly readFile = (path: string): string =>
    this.#read("file", path, () => readFileSync(pathBytes(path), "latin1"));
  readonly glob = (pattern: string): readonly string[] =>
    this.#read("pattern", pattern, () => globBytes(pattern));

  #read<Found extends Reading["found"]>(source: Source, name: string, look: () => Found): Found {
    const given = this.#given[this.readings.length];
    const isSame = given?.source === source && given.name === name;
    const found = isSame ? (given.found as Found) : look();
    this.readings.push({ source, name, found });
    return found;
  }
}
