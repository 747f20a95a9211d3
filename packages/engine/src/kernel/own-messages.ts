/**
 * Own messages: what the running command causes for its own client. They stand behind the reply; what
 * the client's own changes did to its cache comes last, as Redis tells it when a command, a script or
 * a transaction is all over:
 *
 *      MSET a 1 b 2      +OK      event of a · event of b      invalidate a · invalidate b
 *                       reply             first                           last
 */
import { ReplyWriter } from "@kv/resp";

/** Where messages to the client of one command gather. */
export class OwnMessages {
  readonly first = new ReplyWriter(1024);
  readonly last = new ReplyWriter(256);

  /** `allows` says whether so many bytes may gather. */
  constructor(allows: (bytes: number) => boolean) {
    this.first.allows = allows;
    this.last.allows = allows;
  }
}
