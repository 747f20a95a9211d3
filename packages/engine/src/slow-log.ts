/**
 * Slow log: the last `slowlog-max-len` commands that took at least `slowlog-log-slower-than`
 * microseconds, newest first. Long commands are kept shortened, secrets redacted.
 */
import type { Client } from "./client.ts";
import type { EngineCall } from "./engine-call.ts";
import { redactedWords } from "./redaction.ts";

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
      words: shortened(redactedWords(call)),
      clientAddress: client.connection.address,
      clientName: client.name,
    });
  }

  reset(): void {
    this.entries.length = 0;
  }
}

function shortened(words: string[]): string[] {
  const kept = words.length > WORDS_MAX ? words.slice(0, WORDS_MAX - 1) : words;
  const short = kept.map((word) =>
    word.length > WORD_BYTES_MAX
      ? `${word.slice(0, WORD_BYTES_MAX)}... (${word.length - WORD_BYTES_MAX} more bytes)`
      : word,
  );
  if (words.length > WORDS_MAX) short.push(`... (${words.length - WORDS_MAX + 1} more arguments)`);
  return short;
}
