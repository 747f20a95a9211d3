/**
 * Own messages: what the running command causes for its own client. They stand behind the reply; what
 * the client's own changes did to its cache comes last, as Redis tells it when a command, a script or
 * a transaction is all over:
 *
 *      MSET a 1 b 2      +OK      event of a · event of b      invalidate a · invalidate b
 *                       reply             first                           last
 *
 * Of a client that has named another one for that (CLIENT TRACKING REDIRECT), the last go there, as late.
 */
import { ReplyWriter } from "@kv/resp";
import type { Client } from "./client.ts";

/** Messages of the same kind that come last, for whom the client has named in its own place. */
export interface NamedMessages {
  readonly target: Client;
  readonly writer: ReplyWriter;
}

/** Where messages to the client of one command gather. */
export class OwnMessages {
  readonly first = new ReplyWriter(1024);
  readonly last = new ReplyWriter(256);
  /** Empty but for clients that have named another one. */
  named: NamedMessages[] = [];

  /** `allows` says whether so many bytes may gather. */
  constructor(allows: (bytes: number) => boolean) {
    this.first.allows = allows;
    this.last.allows = allows;
  }

  /** Where to write for the client that has been named; `allows` says how much may gather there. */
  writerFor(target: Client, allows: (bytes: number) => boolean): ReplyWriter {
    const known = this.named.find((each) => each.target === target);
    if (known !== undefined) return known.writer;
    const writer = new ReplyWriter(256);
    writer.allows = allows;
    this.named.push({ target, writer });
    return writer;
  }
}
