/**
 * Slow log: the last `slowlog-max-len` commands that took at least `slowlog-log-slower-than`
 * microseconds, newest first. Long commands are kept shortened, secrets redacted.
 */
import { latin1 } from "@kv/resp";
import type { Client } from "./client.ts";
import type { EngineCall } from "./engine-call.ts";
import { REDACTED, secretsOf } from "./redaction.ts";

export interface SlowCommand {
  id: number;
  timeSeconds: number;
  microseconds: number;
  words: string[];
  clientAddress: string;
  clientName: string;
}

const WORDS_MAX = 32;
const WORD_BYTES_MAX = 128;

export class SlowLog {
  /** slowlog-log-slower-than: negative is off, 0 logs everything. */
  thresholdUs = 10_000;
  /** slowlog-max-len. */
  lengthMax = 128;
  readonly entries: SlowCommand[] = [];
  private nextId = 0;

  /** The command that just ran took so long. */
  offer(call: EngineCall, client: Client, microseconds: number, nowMs: number): void {
    if (this.thresholdUs < 0 || this.lengthMax === 0) return;
    if (microseconds >= this.thresholdUs) this.push(call, client, microseconds, nowMs);
    // A lower limit takes effect here, with the next command, as it does in Redis.
    if (this.entries.length > this.lengthMax) this.entries.length = this.lengthMax;
  }

  private push(call: EngineCall, client: Client, microseconds: number, nowMs: number): void {
    this.entries.unshift({
      id: this.nextId++,
      timeSeconds: Math.floor(nowMs / 1000),
      microseconds: Math.floor(microseconds),
      words: shortenedWords(call),
      clientAddress: client.connection.address,
      clientName: client.name,
    });
  }

  reset(): void {
    this.entries.length = 0;
  }
}

/** The first words of a request, each cut short before it becomes text. */
function shortenedWords(call: EngineCall): string[] {
  const isSecret = secretsOf(call);
  const count = call.argc > WORDS_MAX ? WORDS_MAX - 1 : call.argc;
  const words: string[] = [];
  for (let index = 0; index < count; index++)
    words.push(isSecret(index) ? REDACTED : shortenedWord(call, index));
  if (call.argc > WORDS_MAX) words.push(`... (${call.argc - count} more arguments)`);
  return words;
}

function shortenedWord(call: EngineCall, index: number): string {
  const start = call.start(index);
  const more = call.length(index) - WORD_BYTES_MAX;
  if (more <= 0) return call.text(index);
  return `${latin1(call.bytes, start, start + WORD_BYTES_MAX)}... (${more} more bytes)`;
}
