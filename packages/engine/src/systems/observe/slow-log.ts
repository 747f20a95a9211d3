/**
 * Slow log: the last `slowlog-max-len` commands that took at least `slowlog-log-slower-than`
 * microseconds, newest first. Long commands are kept shortened, secrets redacted.
 *
 * Entries are records of bytes (record-log.ts); all of them together take no more than 64 MiB,
 * whatever `slowlog-max-len` says: beyond that the oldest go. A record:
 *
 *      id f64 | time in seconds f64 | microseconds f64 | count of texts u32 | text | text ...
 *      text = length u32, bytes                       the words, then the client's address and name
 */
import type { ConfigStore } from "@kv/config";
import { writeLatin1 } from "@kv/resp";
import type { Client } from "../../kernel/client.ts";
import type { ClientCall } from "../../kernel/client-call.ts";
import { RecordLog } from "./record-log.ts";
import { REDACTED, secretsOf } from "./redaction.ts";

const LOG_BYTES_MAX = 64 * 2 ** 20;
const WORDS_MAX = 32;
const WORD_BYTES_MAX = 128;
/** Longer addresses and names of clients are cut off. */
const CLIENT_TEXT_BYTES_MAX = 1024;
/** What may stand behind a word or in place of words: "... (4294967295 more arguments)". */
const NOTE_BYTES_MAX = 40;
const HEAD_BYTES = 28;
const LENGTH_BYTES = 4;

/** What one entry tells, as it is read. Texts are bytes[start, end) of what text() is given. */
export interface SlowLogVisitor {
  entry(id: number, timeSeconds: number, microseconds: number, wordCount: number): void;
  /** Each word, then the address, then the name. */
  text(bytes: Uint8Array, view: DataView, start: number, end: number): void;
}

export class SlowLog {
  /** slowlog-log-slower-than: negative is off, 0 logs everything. */
  thresholdUs = 10_000;
  /** slowlog-max-len. */
  lengthMax = 128;
  private readonly records: RecordLog;
  private nextId = 0;
  private at = 0;

  private readonly config: ConfigStore;

  /** All entries together take about `bytesMax` at most. The configuration knows what is secret. */
  constructor(config: ConfigStore, bytesMax = LOG_BYTES_MAX) {
    this.config = config;
    this.records = new RecordLog(bytesMax);
  }

  /** Entries kept. */
  get length(): number {
    return this.records.count;
  }

  /** Memory that the entries take. */
  get keptBytes(): number {
    return this.records.keptBytes;
  }

  /** The command that just ran took so long. */
  offer(call: ClientCall, client: Client, microseconds: number, nowMs: number): void {
    if (this.thresholdUs < 0 || this.lengthMax === 0) return;
    if (microseconds >= this.thresholdUs) this.push(call, client, microseconds, nowMs);
    // A lower limit takes effect here, with the next command, as it does in Redis.
    if (this.records.count > this.lengthMax) this.records.trim(this.lengthMax);
  }

  private push(call: ClientCall, client: Client, microseconds: number, nowMs: number): void {
    const { records } = this;
    const { argc } = call;
    const isSecret = secretsOf(call, this.config);
    const shown = argc > WORDS_MAX ? WORDS_MAX - 1 : argc;
    const { address } = client.connection;
    const { name } = client;
    let sizeMax = HEAD_BYTES + 2 * (LENGTH_BYTES + CLIENT_TEXT_BYTES_MAX) + NOTE_BYTES_MAX;
    for (let index = 0; index < shown; index++) {
      sizeMax += LENGTH_BYTES + Math.min(call.length(index), WORD_BYTES_MAX) + NOTE_BYTES_MAX;
    }
    const start = records.begin(sizeMax);
    const { view } = records;
    view.setFloat64(start, this.nextId++, true);
    view.setFloat64(start + 8, Math.floor(nowMs / 1000), true);
    view.setFloat64(start + 16, Math.floor(microseconds), true);
    view.setUint32(start + 24, Math.min(argc, WORDS_MAX), true);
    this.at = start + HEAD_BYTES;
    for (let index = 0; index < shown; index++) {
      if (isSecret(index)) this.writeText(REDACTED);
      else this.writeWord(call, index);
    }
    if (argc > WORDS_MAX) this.writeText(`... (${argc - shown} more arguments)`);
    this.writeText(address);
    this.writeText(name);
    records.commit(this.at);
  }

  /** A word of the request, cut short. */
  private writeWord(call: ClientCall, index: number): void {
    const { bytes, view } = this.records;
    const length = call.length(index);
    const shown = Math.min(length, WORD_BYTES_MAX);
    const from = call.start(index);
    const lengthAt = this.at;
    let at = lengthAt + LENGTH_BYTES;
    for (let i = 0; i < shown; i++) bytes[at++] = call.bytes[from + i] as number;
    if (length > shown) at = writeLatin1(bytes, at, `... (${length - shown} more bytes)`);
    view.setUint32(lengthAt, at - lengthAt - LENGTH_BYTES, true);
    this.at = at;
  }

  /** A text with a character for each byte. */
  private writeText(text: string): void {
    const { bytes, view } = this.records;
    const lengthAt = this.at;
    const shown = text.length > CLIENT_TEXT_BYTES_MAX ? text.slice(0, CLIENT_TEXT_BYTES_MAX) : text;
    view.setUint32(lengthAt, shown.length, true);
    this.at = writeLatin1(bytes, lengthAt + LENGTH_BYTES, shown);
  }

  /** Shows the newest `count` entries, the newest first. */
  each(count: number, visitor: SlowLogVisitor): void {
    this.records.each(count, (bytes, view, start) => {
      const wordCount = view.getUint32(start + 24, true);
      visitor.entry(
        view.getFloat64(start, true),
        view.getFloat64(start + 8, true),
        view.getFloat64(start + 16, true),
        wordCount,
      );
      let at = start + HEAD_BYTES;
      for (let index = 0; index < wordCount + 2; index++) {
        const from = at + LENGTH_BYTES;
        at = from + view.getUint32(at, true);
        visitor.text(bytes, view, from, at);
      }
    });
  }

  reset(): void {
    this.records.clear();
  }
}
