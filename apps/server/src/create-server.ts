/**
 * createServer: a server inside another program, gone when that has finished with it.
 *
 *      await using server = await createServer({ maxmemory: "100mb" });
 *      const client = new Redis(server.port);
 *
 * Unless told otherwise it listens on any free port of 127.0.0.1, keeps nothing on disk and logs
 * nothing. With `dir` it keeps its data there.
 */

import type { Duplex } from "node:stream";
import { type ConfigOptions, ConfigStore } from "@kv/config";
import { directiveRows, type LogLevel } from "@kv/engine";
import { Server } from "./server.ts";

export interface EmbeddedOptions {
  log?: (level: LogLevel, message: string) => void;
  /** A client sent SHUTDOWN; the server has closed. */
  stopped?: () => void;
}

export interface EmbeddedServer extends AsyncDisposable {
  readonly port: number;
  /** A client connection without a socket: write requests, read replies. */
  connect(): Duplex;
  /** Saves when there are save points, and closes all connections; resolves when the disk is at rest. */
  close(): Promise<void>;
}

/** Directives of redis.conf by name, with typed values or as text. */
export async function createServer(
  options: ConfigOptions = {},
  { log = () => {}, stopped = () => {} }: EmbeddedOptions = {},
): Promise<EmbeddedServer> {
  const folder = options.dir;
  const config = new ConfigStore(directiveRows);
  config.loadOptions({
    port: 0,
    bind: ["127.0.0.1"],
    ...(folder === undefined ? { save: "" } : {}),
    ...options,
  });
  let isClosed = false;
  const complaints: string[] = [];
  const server = new Server({
    config,
    folder: typeof folder === "string" ? folder : ".",
    picksPort: true,
    log(level, message) {
      if (level === "warning") complaints.push(message);
      log(level, message);
    },
    exit() {
      isClosed = true;
      server.close();
      stopped();
    },
    failed(error) {
      throw error; // From an event of Node's: it ends the program, unless that decides otherwise.
    },
  });
  const close = (): Promise<void> => {
    if (!isClosed) {
      isClosed = true;
      server.shutdown({ save: folder === undefined ? "nosave" : "default", force: true });
      server.close();
    }
    // Whoever calls this a second time waits for the same.
    return server.settled();
  };
  if (!(await server.listen())) {
    server.close();
    throw new Error(["The server cannot listen.", ...complaints].join("\n"));
  }
  if (folder === undefined) server.run();
  else if (!(await server.load())) {
    server.close();
    const reason = isClosed ? "was not loaded: the server was shut down" : "cannot be loaded";
    throw new Error(`The data set in ${folder} ${reason}.`);
  }
  return {
    get port() {
      return server.port;
    },
    connect: () => server.connect(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
