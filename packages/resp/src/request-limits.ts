/**
 * How much one client may send at a time, and what a reader answers when asked to read.
 *
 * The limits guard memory, so each is checked on what was announced before anything is kept.
 */

/** Offsets are 32-bit; a higher client-query-buffer-limit is read as this. */
export const REQUEST_BYTES_MAX = 0x7fff0000;

/** Limits of a reader; one object may serve all readers and change at any time. */
export interface RequestLimits {
  /** The longest argument, in bytes: proto-max-bulk-len. */
  bulkLengthMax: number;
  /** The most bytes of one client that may wait: client-query-buffer-limit. */
  queryBufferMax: number;
  /** The most arguments of a request; memory is guarded by queryBufferMax. */
  argumentCountMax: number;
  /** The longest inline request or header line, in bytes. */
  inlineLengthMax: number;
  /** Whether a new reader starts without the limits for strangers. */
  authenticated: boolean;
}

/** The limits of a server with default settings. */
export function defaultRequestLimits(): RequestLimits {
  return {
    bulkLengthMax: 512 * 1024 * 1024,
    queryBufferMax: 1024 * 1024 * 1024,
    // As in Redis: what a request may weigh bounds its arguments long before this does.
    argumentCountMax: 0x7fffffff,
    inlineLengthMax: 64 * 1024,
    authenticated: true,
  };
}

/**
 * The limits of what was done elsewhere before it is told here: only that offsets in a batch have 32 bits.
 * Whoever refused what another server has taken would not have the same data any more.
 */
export function toldRequestLimits(): RequestLimits {
  return {
    ...defaultRequestLimits(),
    bulkLengthMax: REQUEST_BYTES_MAX,
    queryBufferMax: REQUEST_BYTES_MAX,
  };
}

/** What RequestReader answers when it is asked to read; a plain number. */
export const ReadStatus = {
  /** All whole requests are in the batch. */
  DONE: 0,
  /** The batch was full: execute it, clear it, call more(). */
  MORE: 1,
  /** Execute the batch, answer `error` and close; with `overLimit` close without a word. */
  ERROR: 2,
} as const;

/** How many arguments a request may have before authentication. */
export const STRANGER_ARGUMENTS_MAX = 10;

/** How long each of them may be. */
export const STRANGER_BULK_MAX = 16384;

/** How many bytes may wait before authentication. */
export const STRANGER_BUFFER_MAX = 1024 * 1024;
