/**
 * Errors that the client caused. Each is made once: throwing one costs about a microsecond and
 * allocates nothing. Dispatch cuts the reply back to where the command began and writes `reply`.
 */
export class CommandError extends Error {
  override name = "CommandError";
  /** The whole error line without "-" and CR LF: `ERR syntax error`. */
  readonly reply: string;

  constructor(reply: string) {
    super(reply);
    this.reply = reply;
    // A ready-made error has no use for the stack of the module that made it.
    this.stack = undefined;
  }
}

export const errors = {
  outOfMemory: new CommandError("OOM command not allowed when used memory > 'maxmemory'."),
  syntax: new CommandError("ERR syntax error"),
  wrongType: new CommandError("WRONGTYPE Operation against a key holding the wrong kind of value"),
  notAnInteger: new CommandError("ERR value is not an integer or out of range"),
  notAFloat: new CommandError("ERR value is not a valid float"),
  noSuchKey: new CommandError("ERR no such key"),
  outOfRange: new CommandError("ERR value is out of range"),
  indexOutOfRange: new CommandError("ERR index out of range"),
  offsetOutOfRange: new CommandError("ERR offset is out of range"),
  stringTooLong: new CommandError("ERR string exceeds maximum allowed size (proto-max-bulk-len)"),
  nameTooLong: new CommandError("ERR name is too long"),
  overflow: new CommandError("ERR increment or decrement would overflow"),
  notANumber: new CommandError("ERR increment would produce NaN or Infinity"),
  dbIndexOutOfRange: new CommandError("ERR DB index is out of range"),
  sameObject: new CommandError("ERR source and destination objects are the same"),
  invalidCursor: new CommandError("ERR invalid cursor"),
  hashNotAnInteger: new CommandError("ERR hash value is not an integer"),
  hashNotAFloat: new CommandError("ERR hash value is not a float"),
  mustBePositive: new CommandError("ERR value is out of range, must be positive"),
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
