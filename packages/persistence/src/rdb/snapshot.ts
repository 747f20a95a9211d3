/**
 * RdbSnapshot: the data set as it was at one instant, as an RDB file, while writes go on: see
 * cut-snapshot.ts.
 */
import type { Keyspace } from "@kv/core";
import type { ByteSink } from "../chunk-output.ts";
import { CutSnapshot, type CutSnapshotOptions, SIDE_CHUNK_BYTES } from "../cut-snapshot.ts";
import { RDB_FIELD_EXPIRY_SINCE, RDB_VERSION_DEFAULT, type RdbWriteVersion } from "./format.ts";
import { type RdbFacts, RdbWriter, type RdbWriterOptions } from "./writer.ts";

/** What a snapshot is told. */
export interface RdbSnapshotOptions extends RdbWriterOptions, CutSnapshotOptions {
  /** What the file says about itself. */
  facts: RdbFacts;
}

/**
 * The version of the file: a later one than asked for when the data set has now what only that knows.
 * What gets an expiry while the file is being written is handed over as it is now, without.
 */
export function versionFor(
  keyspace: Keyspace,
  asked: RdbWriteVersion = RDB_VERSION_DEFAULT,
): RdbWriteVersion {
  if (asked >= RDB_FIELD_EXPIRY_SINCE || keyspace.fieldExpiryCount === 0) return asked;
  return RDB_FIELD_EXPIRY_SINCE;
}

/** The data set at one instant on its way to a sink: see the head of this file. */
export class RdbSnapshot extends CutSnapshot<number, RdbWriter> {
  /** Keys with an expiry in each database at the instant; -1: the file has told the sizes. */
  private readonly expiryCounts: number[];

  /** Fixes the instant: the file holds what the keyspace holds now. */
  constructor(keyspace: Keyspace, sink: ByteSink, options: RdbSnapshotOptions) {
    const { arena } = keyspace;
    const written = { ...options, version: versionFor(keyspace, options.version) };
    const writer = new RdbWriter(arena, sink, written);
    writer.header(options.facts);
    for (const code of options.functions ?? []) writer.functionCode(code);
    const sideOptions = { ...written, checksum: false, chunkBytes: SIDE_CHUNK_BYTES };
    super(keyspace, writer, (aside) => new RdbWriter(arena, aside, sideOptions), options);
    this.expiryCounts = keyspace.databases.map((database) => database.expires.count);
  }

  /** @internal The first time it also tells how many keys the database has. */
  protected override selectDatabase(writer: RdbWriter, databaseIndex: number): void {
    writer.selectDatabase(databaseIndex);
    const expiryCount = this.expiryCounts[databaseIndex];
    if (expiryCount === -1) return;
    // Sizes are told once, and are a hint.
    this.expiryCounts[databaseIndex] = -1;
    writer.resizeDatabase(this.keyCounts[databaseIndex], expiryCount);
  }
}
