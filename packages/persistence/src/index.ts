/** @kv/persistence: snapshots of a keyspace and append-only files, written and read. See README.md. */

export * from "./aof/check.ts";
export { CommandOutput, commandWord, type Text } from "./aof/command-output.ts";
export * from "./aof/command-snapshot.ts";
export { CommandWriter } from "./aof/command-writer.ts";
export type { CommandForm, CommandTarget, ItemWriter, KeyCommands } from "./aof/commands/form.ts";
export * from "./aof/file-input.ts";
export * from "./aof/manifest.ts";
export { type AofDamage, AofReader, type AofReaderOptions } from "./aof/reader.ts";
export * from "./check-file.ts";
export * from "./check-rdb.ts";
export { type ByteSink, ChunkOutput, type ChunkOutputOptions } from "./chunk-output.ts";
export * from "./cut-snapshot.ts";
export * from "./file-loader.ts";
export * from "./formats.ts";
export * from "./load-file.ts";
export type { Crc64 } from "./rdb/crc64.ts";
export { Distinct } from "./rdb/distinct.ts";
export { RDB_VERSION_DEFAULT, RDB_VERSION_MAX, type RdbWriteVersion } from "./rdb/format.ts";
export { dumpFunctions, readFunctions } from "./rdb/function-payload.ts";
export { RdbInput, RdbString, Status } from "./rdb/input.ts";
export * from "./rdb/load.ts";
export { ObjectReader } from "./rdb/object.ts";
export { RdbOutput, type RdbOutputOptions } from "./rdb/output.ts";
export * from "./rdb/payload.ts";
export * from "./rdb/reader.ts";
export { ShortString } from "./rdb/short-string.ts";
export type { Skipper } from "./rdb/skip-string.ts";
export * from "./rdb/snapshot.ts";
export type {
  ElementWriter,
  RdbForm,
  ReadForm,
  ValueOutput,
  ValueReader,
  WriteForm,
} from "./rdb/values/form.ts";
export { rdbTypeName, skipValue } from "./rdb/values/form-table.ts";
export type { ValueEnd } from "./rdb/values/value-end.ts";
export * from "./rdb/writer.ts";
export * from "./save.ts";
export * from "./save-file.ts";
export * from "./storage.ts";
