/**
 * Start-up: file, standard input and command line become one text, in this order, so that the
 * last word counts; then the store takes it.
 */
import type { CommandLine } from "./command-line.ts";
import { type ConfFiles, readConf } from "./conf-file.ts";
import type { ConfigStore } from "./config-store.ts";

/** Where a configuration comes from, and how its files are reached. */
export interface ConfigSources extends ConfFiles {
  /** What parseCommandLine() made of the words. */
  readonly commandLine: CommandLine;
  /** What standard input said, when the command line has a lone dash. */
  readonly stdinText?: string;
}

/** Throws ConfigFileError or ConfigOpenError; their messages are for the operator. */
export function loadConfig(store: ConfigStore, sources: ConfigSources): void {
  const { commandLine, stdinText = "" } = sources;
  const { configFile, optionsText, sentinel } = commandLine;
  const fileText = configFile === undefined ? "" : readConf(configFile, sources);
  store.load(`${fileText}${stdinText}\n${optionsText}`, { ...sources, sentinel });
}
