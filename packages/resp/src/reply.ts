/**
 * What a server's replies are as JavaScript values: the plain ones where JavaScript has them, and a
 * class for each kind that it lacks.
 */
import { TracelessError } from "./traceless-error.ts";

/**
 * A whole reply. Strings are `string`, or Uint8Array when the parser was asked for bytes; integers
 * are `number` as far as that is exact (2^53 - 1) and `bigint` beyond; null is each of RESP's nulls.
 */
export type Reply =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | ReplyError
  | VerbatimReply
  | PushReply
  | AttributedReply
  | Reply[]
  | Map<Reply, Reply>
  | Set<Reply>;

/**
 * An error that the server answered with: a value like any other, which the parser never throws. Its
 * message is what the server wrote, its code included, without "-" and line break.
 * Its `stack` names no callers: whoever throws it at its caller adds a `cause` or a trace.
 */
export class ReplyError extends TracelessError {
  /** Always "ReplyError"; which error it is says `code`. */
  override readonly name = "ReplyError";

  /** The first word, as in ERR or WRONGTYPE; the whole message when it is one word. */
  get code(): string {
    const space = this.message.indexOf(" ");
    return space < 0 ? this.message : this.message.slice(0, space);
  }
}

/**
 * What came is not RESP, or more than the limits allow. ReplyParser.next() throws it, and throws it
 * again whenever it is asked afterwards: where the next reply would begin is not known any more.
 */
export class ReplySyntaxError extends Error {
  /** Always "ReplySyntaxError"; `message` says what is wrong. */
  override readonly name = "ReplySyntaxError";
}

/** Something the server says unasked (RESP3), such as a published message or an invalidation. */
export class PushReply {
  /** The parts in order; the first names the kind, as in "message" or "invalidate". */
  readonly push: Reply[];

  /** `push` is kept, not copied. */
  constructor(push: Reply[]) {
    this.push = push;
  }
}

/** A value with attributes that the server attached to it (RESP3). */
export class AttributedReply {
  /** What is said about the value, by name. */
  readonly attributes: Map<Reply, Reply>;
  /** The reply proper, which may be attributed once more. */
  readonly value: Reply;

  /** Both are kept, not copied. */
  constructor(attributes: Map<Reply, Reply>, value: Reply) {
    this.attributes = attributes;
    this.value = value;
  }
}

/** Text that says what kind of text it is (RESP3), as INFO and LATENCY DOCTOR answer. */
export class VerbatimReply {
  /** Three letters: "txt" or "mkd". */
  readonly format: string;
  /** The text, read as UTF-8 whatever the parser makes of strings. */
  readonly text: string;

  /** `format` has three characters, which are not checked here. */
  constructor(format: string, text: string) {
    this.format = format;
    this.text = text;
  }
}
