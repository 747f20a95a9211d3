/**
 * ServerError: why a server that is embedded cannot start, or cannot be used any more.
 */
import { codeOf } from "./process/system-error.ts";

/** Reasons that are no error of the operating system. */
export const ownCodes = {
  options: "ERR_OPTIONS",
  dataSet: "ERR_DATA_SET",
  closed: "ERR_SERVER_CLOSED",
  runtime: "ERR_NODE_VERSION",
} as const;

/**
 * What `createServer()` rejects with, and what `connect()` throws after `close()`. `message` holds the
 * reason in words.
 */
export class ServerError extends Error {
  /** `"ServerError"`. */
  override readonly name = "ServerError";
  /**
   * The operating system's name of the error where there is one (`"EADDRINUSE"`, `"ENOENT"`, `"EACCES"`).
   * Otherwise `"ERR_OPTIONS"`: the options are wrong, also users and an `aclfile` among them;
   * `"ERR_DATA_SET"`: the file is damaged, or holds what this server does not know;
   * `"ERR_SERVER_CLOSED"`: the server was closed, or a client has shut it down; `"ERR_NODE_VERSION"`: Node is
   * older than 24.
   */
  readonly code: string;

  /** `ownCode` is the code unless `options.cause` is an error of the operating system. */
  constructor(message: string, ownCode: string, options: ErrorOptions = {}) {
    super(message, options);
    this.code = codeOf(options.cause) || ownCode;
  }
}
