import { TracelessError } from "@kv/resp";

/**
 * Errors that the client caused. Each is made once: throwing one costs about a microsecond and
 * allocates nothing. Dispatch cuts the reply back to where the command began and writes `reply`.
 */
export class CommandError extends TracelessError {
  /** The name of the class, whatever a bundler makes of that. */
  override name = "CommandError";
  /** The whole error line without "-" and CR LF: `ERR syntax error`. */
  readonly reply: string;
  /** INFO counts it already: it is what another command has answered. */
  readonly isCounted: boolean;

  constructor(reply: string, isCounted = false) {
    super(reply);
    this.reply = reply;
    this.isCounted = isCounted;
    // A ready-made error has no use for the stack of the module that made it.
    this.stack = undefined;
  }
}

/**
 * The errors that several commands give, ready-made. Compare with `===`: there is one object of
 * each.
 */
export const errors = {
  /** No memory for a command that needs some. */
  outOfMemory: new CommandError("OOM command not allowed when used memory > 'maxmemory'."),
  /** Options that do not fit together or do not exist. */
  syntax: new CommandError("ERR syntax error"),
  /** The key holds another type. */
  wrongType: new CommandError("WRONGTYPE Operation against a key holding the wrong kind of value"),
  /** No 64-bit integer. */
  notAnInteger: new CommandError("ERR value is not an integer or out of range"),
  /** No number. */
  notAFloat: new CommandError("ERR value is not a valid float"),
  /** The key has to exist. */
  noSuchKey: new CommandError("ERR no such key"),
  /** A number beyond what makes sense. */
  outOfRange: new CommandError("ERR value is out of range"),
  /** A position beyond a list's ends. */
  indexOutOfRange: new CommandError("ERR index out of range"),
  /** A negative or too large offset. */
  offsetOutOfRange: new CommandError("ERR offset is out of range"),
  /** The result would be too long. */
  stringTooLong: new CommandError("ERR string exceeds maximum allowed size (proto-max-bulk-len)"),
  /** No name is as long as this word. */
  nameTooLong: new CommandError("ERR name is too long"),
  /** The sum needs more than 64 bits. */
  overflow: new CommandError("ERR increment or decrement would overflow"),
  /** The sum is infinite or no number. */
  notANumber: new CommandError("ERR increment would produce NaN or Infinity"),
  /** There is no database of this number. */
  dbIndexOutOfRange: new CommandError("ERR DB index is out of range"),
  /** Two keys, or databases, that must differ. */
  sameObject: new CommandError("ERR source and destination objects are the same"),
  /** No cursor that a SCAN gave. */
  invalidCursor: new CommandError("ERR invalid cursor"),
  /** The field holds no 64-bit integer. */
  hashNotAnInteger: new CommandError("ERR hash value is not an integer"),
  /** The field holds no number. */
  hashNotAFloat: new CommandError("ERR hash value is not a float"),
  /** A count below zero. */
  mustBePositive: new CommandError("ERR value is out of range, must be positive"),
  /** Cluster mode is off. */
  clusterDisabled: new CommandError("ERR This instance has cluster support disabled"),
} as const;

/** An error whose text depends on the request. Allocates: not for hot paths. */
export function fail(reply: string): never {
  throw new CommandError(reply);
}

/** A word of the request as an error quotes it: to its first zero byte, as C ends its strings. */
export function quoted(word: string): string {
  const end = word.indexOf("\0");
  return end === -1 ? word : word.slice(0, end);
}

/** `ERR wrong number of arguments for 'get' command`. */
export function arityError(fullName: string): CommandError {
  return new CommandError(`ERR wrong number of arguments for '${fullName}' command`);
}

/** `ERR invalid expire time in 'set' command`. */
export function expireError(fullName: string): CommandError {
  return new CommandError(`ERR invalid expire time in '${fullName}' command`);
}
