/**
 * CommandSnapshot: the data set as it was at one instant, as the commands that make it anew, while writes
 * go on: see cut-snapshot.ts for the instant and command-writer.ts for the file.
 */
import type { Keyspace } from "@kv/core";
import type { ByteSink, ChunkOutputOptions } from "../chunk-output.ts";
import { CutSnapshot, type CutSnapshotOptions, SIDE_CHUNK_BYTES } from "../cut-snapshot.ts";
import { CommandWriter } from "./command-writer.ts";
import type { KeyCommands } from "./commands/form.ts";

/** What a snapshot is told. */
export interface CommandSnapshotOptions extends CutSnapshotOptions, ChunkOutputOptions {
  /** Begin with a line that tells the time of the instant (aof-timestamp-enabled): the wall clock. */
  timestampMs?: number | undefined;
}

/** The data set at one instant on its way to a sink: see the head of this file. */
export class CommandSnapshot extends CutSnapshot<KeyCommands, CommandWriter> {
  /** Fixes the instant: the file makes what the keyspace holds now. */
  constructor(keyspace: Keyspace, sink: ByteSink, options: CommandSnapshotOptions) {
    const { arena } = keyspace;
    const writer = new CommandWriter(arena, sink, options);
    if (options.timestampMs !== undefined) writer.timestamp(options.timestampMs);
    for (const code of options.functions ?? []) writer.functionCode(code);
    const aside = { chunkBytes: SIDE_CHUNK_BYTES };
    super(keyspace, writer, (target) => new CommandWriter(arena, target, aside), options);
  }
}
