/** @kv/config: the grammar of redis.conf, the table of directives, and the store of their values. */
export { type CommandLine, parseCommandLine } from "./command-line.ts";
export { type ConfFiles, type ConfLine, confLines } from "./conf-file.ts";
export {
  type ApplyListener,
  type ConfigSetContext,
  ConfigStore,
  type ConfigStoreOptions,
  type LoadCheck,
  type LoadContext,
  type NameMatcher,
  type ParseHook,
} from "./config-store.ts";
export { type AnyDirective, type Directive, type DirectiveSpec, directive } from "./directive.ts";
export {
  type Area,
  areas,
  areasWith,
  directives,
  directivesWith,
  type TableRow,
  typedAreas,
} from "./directives/index.ts";
export { maxmemoryPolicy } from "./directives/memory.ts";
export {
  ConfigFileError,
  ConfigOpenError,
  ConfigOptionsError,
  type ConfigProblem,
  ConfigSetError,
  compatibleVersion,
} from "./errors.ts";
export {
  type Kind,
  type KindSpec,
  kind,
  type MergeContext,
  Refusal,
  type ValueCodec,
  type ValueSchema,
} from "./kind.ts";
export {
  boolean,
  flags,
  integer,
  memory,
  memoryOrPercent,
  octal,
  oneOf,
  type TextRules,
  text,
} from "./kinds.ts";
export { type ConfigSources, loadConfig } from "./load-config.ts";
export { type ConfigOptions, type DirectiveName, type InputOf, parseOptions } from "./options.ts";
export type { RewriteLine, RewriteOption } from "./rewrite.ts";
export { defaultConfText } from "./sample-conf.ts";
export type {
  BufferLimit,
  BufferLimits,
  OomScores,
  PrimaryAddress,
  SavePoint,
} from "./special-kinds.ts";
export { quoteArg, splitArgs } from "./split-args.ts";
export { type LineHook, type StatementName, Statements } from "./statements.ts";
export { type Integer, intMax, intMin, longMax, uintMax, ulongMax } from "./value-grammar.ts";
