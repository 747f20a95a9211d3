/** What a client asks of its ReplyParser. */

/** Limits are there against a server that is not one; each has a default that suits redis-server. */
export interface ReplyParserOptions {
  /** What strings become: "utf8" (the default), "latin1" (one character a byte) or "bytes". */
  strings?: "utf8" | "latin1" | "bytes";
  /**
   * True gives the parser the chunks it is fed: nobody may change them afterwards. Then they are not
   * copied, and with `strings: "bytes"` most replies are views of them, so that each keeps its chunk
   * alive. By default chunks are copied, and each reply has memory of its own.
   */
  keepChunks?: boolean;
  /** How many aggregates may be open inside one another; 128. */
  depthMax?: number;
  /** The longest bulk string, in bytes; 512 MiB, which is Redis's own default. */
  bulkLengthMax?: number;
  /**
   * The longest line, in bytes without its line break; 64 KiB, and at least 32. Lines are short; a
   * longer one is an attack or another protocol.
   */
  lineLengthMax?: number;
}
