/**
 * createServer: a server inside another program, gone when that has finished with it.
 *
 *      await using server = await createServer({ maxmemory: "100mb" });
 *      const client = new Redis(server.port);
 *
 * Unless told otherwise it listens on any free port of 127.0.0.1, keeps its files in memory and logs
 * nothing. With `dir` it keeps its data there.
 *
 *      options, dir checked -> listen -> load -> open ... close()
 *            └─────────────────┴─────────┴──> ServerError, and nothing is left open
 */

import * as util from "node:util";
import { type ConfigOptions, ConfigStore, Refusal } from "@kv/config";
import { directivesFor, type LogLevel, type System } from "@kv/engine";
import { readFailure, usableFolder } from "./data-folder.ts";
import { leftToTheProgram, serverDirectives } from "./implemented-directives.ts";
import { needsNode } from "./needs-node.ts";
import type { InProcessStream } from "./network/in-process-stream.ts";
import { realTimers } from "./network/real-timers.ts";
import { byteString, textOf } from "./process/byte-string.ts";
import { systemErrorText } from "./process/system-error.ts";
import { type ListenFailure, Server } from "./server.ts";
import { ownCodes, ServerError } from "./server-error.ts";

/** What a server takes from the program that it is embedded in, besides the directives. */
export interface EmbeddedOptions {
  /**
   * Called for each line that a server writes to its log, with the level and the text of it, whatever
   * `loglevel` says. Without it there is no log.
   */
  log?: ((level: LogLevel, message: string) => void) | undefined;
  /** Called when a client has sent SHUTDOWN and the server has closed; not after `close()`. */
  stopped?: (() => void) | undefined;
  /** Modules of the engine, that add commands and more: see `@kv/engine`. */
  modules?: readonly System[] | undefined;
}

/** A running server. It keeps the process alive until it is closed, unless `unref()` is called. */
export interface EmbeddedServer extends AsyncDisposable {
  /**
   * The address for clients: `redis://127.0.0.1:50000`, `rediss://` when it listens for TLS alone,
   * `unix:///tmp/kv.sock` when on a Unix socket alone, undefined when it listens nowhere. It holds no
   * password.
   */
  readonly url: string | undefined;
  /**
   * The numeric address of `url`: the first that the server listens on, or of those that stand for all
   * addresses the loopback one. Undefined without TCP.
   */
  readonly host: string | undefined;
  /** The TCP port, also where any free one was asked for; 0 where there is none without TLS. */
  readonly port: number;
  /** The port for TLS, also where any free one was asked for; 0 without TLS. */
  readonly tlsPort: number;
  /** The absolute path of the Unix socket; undefined without. */
  readonly socketPath: string | undefined;
  /**
   * A client's connection without a socket, see `InProcessStream`. Throws a ServerError with the code
   * `"ERR_SERVER_CLOSED"` when the server is closed.
   */
  connect(): InProcessStream;
  /** Lets the process end while the server is open and nothing else keeps it alive. */
  unref(): EmbeddedServer;
  /** Takes `unref()` back. */
  ref(): EmbeddedServer;
  /**
   * Saves when there is a `dir` and there are save points, and ends all connections, also those without
   * a socket. Resolves when the disk is at rest and the server's sockets are given back; calling it again
   * waits for the same.
   */
  close(): Promise<void>;
  /** The same as `close()`: for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a server. `options` are directives of redis.conf by name, with typed values or as text (Unicode,
 * which is UTF-8 to the server). The defaults differ in three: `port` 0 takes any free port; `bind` is
 * 127.0.0.1 (`bind: ""` listens nowhere, and leaves `connect()`); and without `dir` files are kept in
 * memory, so that SAVE, BGSAVE and save points work and nothing is ever written to a disk. The folder
 * cannot be changed later.
 *
 * `tls-port` listens for TLS, 0 on any free port, and without `port` on no other.
 *
 * Resolves when clients are served. Rejects with a ServerError when Node is too old, an option is wrong,
 * `dir` is missing or no file can be written there, an address cannot be listened on or the data set
 * cannot be loaded; nothing is left open then.
 *
 * Times to live follow `Date`, and periodic work the global timers: both move with fake timers.
 */
export async function createServer(
  options: ConfigOptions = {},
  embedding: EmbeddedOptions = {},
): Promise<EmbeddedServer> {
  const { log = () => {}, stopped = () => {}, modules = [] } = embedding;
  const { config, folder } = configured(options, modules);
  let isClosed = false;
  /** Of the start alone: a server that runs for months keeps none. */
  const complaints: string[] = [];
  let isStarting = true;
  const server = made(() => {
    return new Server({
      config,
      folder,
      modules,
      isEmbedded: true,
      anyPort: portsAskedFor(options),
      log(level, message) {
        if (isStarting && level === "warning") complaints.push(message);
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
  });
  const closed = (what: string) => new ServerError(what, ownCodes.closed);
  const giveUp = async (reason: () => ServerError): Promise<never> => {
    const error = isClosed ? closed("The server was shut down while it started.") : reason();
    server.close();
    await atRest(server);
    throw error;
  };

  if (!(await server.listen())) await giveUp(() => cannotListen(server.failure));
  for (const text of config.ineffective()) log("warning", text);
  complaints.length = 0;
  const failure = await loadFailure(server);
  if (failure !== undefined) {
    const name = config.text("dbfilename");
    await giveUp(() => cannotLoad(folder, name, failure.thrown, complaints));
  }
  if (isClosed) await giveUp(() => closed("The server was shut down while it started."));
  isStarting = false;

  const close = async (): Promise<void> => {
    if (!isClosed) {
      isClosed = true;
      try {
        server.shutdown({ save: folder === undefined ? "nosave" : "default", force: true });
      } finally {
        server.close(); // Also when a module's hook throws.
      }
    }
    // Whoever calls this a second time waits for the same.
    return atRest(server);
  };
  const embedded: EmbeddedServer = {
    get url() {
      return urlOf(server);
    },
    get host() {
      return reachable(server.host);
    },
    get port() {
      return server.port;
    },
    get tlsPort() {
      return server.tlsPort;
    },
    get socketPath() {
      return socketPathOf(server);
    },
    connect() {
      if (isClosed) throw closed("The server is closed.");
      return server.connect();
    },
    ref() {
      server.setReferenced(true);
      return embedded;
    },
    unref() {
      server.setReferenced(false);
      return embedded;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  return embedded;
}

/** The configuration, and the absolute path of the folder if there is one. */
function configured(
  options: ConfigOptions,
  modules: readonly System[],
): { config: ConfigStore; folder: string | undefined } {
  needsNode();
  // Of a port or a path alone nothing would be heard: it has no names.
  if (typeof options !== "object" || options === null)
    throw new ServerError("Options are an object: { port: 6379 }", ownCodes.options);
  const { dir } = options;
  const defaults = { port: 0, bind: ["127.0.0.1"], ...(dir === undefined ? { save: "" } : {}) };
  let config: ConfigStore;
  try {
    const implemented = serverDirectives(modules);
    config = new ConfigStore(leftToTheProgram(directivesFor(modules)), { implemented });
    config.loadOptions({ ...defaults, ...inBytes(options) });
  } catch (error) {
    throw new ServerError((error as Error).message, ownCodes.options, { cause: error });
  }
  let folder: string | undefined;
  if (dir !== undefined) {
    try {
      folder = usableFolder(String(dir));
    } catch (error) {
      const reason = `The data folder ${dir} cannot be used: ${systemErrorText(error)}`;
      throw new ServerError(reason, ownCodes.options, { cause: error });
    }
  }
  const fixed = folder === undefined ? "" : byteString(folder);
  config.assign("dir", fixed);
  // The working directory is the program's, and files that are in memory have no other place.
  config.onParse<string>("dir", (value) =>
    value === fixed ? value : new Refusal("the folder of an embedded server is fixed"),
  );
  return { config, folder };
}

/**
 * The options that are given, with text as the configuration holds it: a character for each byte of
 * UTF-8. One that is undefined is not given, and must take the place of no default.
 */
function inBytes(options: ConfigOptions): ConfigOptions {
  const bytesOf = (value: unknown) => (typeof value === "string" ? byteString(value) : value);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    given.map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(bytesOf) : bytesOf(value),
    ]),
  );
}

/**
 * Resolves when a closed server has given back all it had. The loop lets go of sockets at the end of a
 * round: who opens and closes servers in turns, and waits for nothing else, would else have all of them.
 */
async function atRest(server: Server): Promise<void> {
  await server.settled();
  for (let round = 0; round < 2; round++) {
    await new Promise<void>((done) => realTimers.setImmediate(done));
  }
}

/** Users and the `aclfile` are read when a server is made. */
function made(make: () => Server): Server {
  try {
    return make();
  } catch (error) {
    if (!util.types.isNativeError(error)) throw error;
    throw new ServerError(error.message, ownCodes.options, { cause: error });
  }
}

function cannotListen(failure: ListenFailure | undefined): ServerError {
  const reason = `The server cannot listen on ${failure?.place}: ${failure?.reason}`;
  return new ServerError(reason, ownCodes.options, { cause: failure?.error });
}

/** Undefined: the data set is loaded. A module's hook may have thrown. */
async function loadFailure(server: Server): Promise<{ thrown: unknown } | undefined> {
  try {
    return (await server.load()) ? undefined : { thrown: undefined };
  } catch (thrown) {
    return { thrown };
  }
}

/** Without a folder a module had something to load. */
function cannotLoad(
  folder: string | undefined,
  name: string,
  thrown: unknown,
  complaints: readonly string[],
): ServerError {
  const failure = folder === undefined ? undefined : readFailure(folder, name);
  const told = util.types.isNativeError(thrown) ? thrown.message : undefined;
  const reason =
    complaints[0] ??
    told ??
    (folder === undefined ? "a module says no" : "the file cannot be read");
  // Of a damaged file the log says more than one line: where in it, and what a check of it finds.
  const cause = failure ?? thrown ?? new Error(complaints.join("\n"));
  const place = folder === undefined ? "" : ` in ${folder}`;
  const text = `The data set${place} cannot be loaded: ${reason}`;
  return new ServerError(text, ownCodes.dataSet, { cause });
}

/** An address to connect to: those for all addresses are none. */
function reachable(host: string | undefined): string | undefined {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

/** Whoever names `tls-port` alone wants no other: nobody is to come in unencrypted by a default. */
function portsAskedFor(options: ConfigOptions): ("port" | "tls-port")[] {
  const names = (["port", "tls-port"] as const).filter((name) => options[name] !== undefined);
  return names.length > 0 ? names : ["port"];
}

function socketPathOf({ unixPath }: Server): string | undefined {
  return unixPath === undefined ? undefined : textOf(unixPath);
}

function urlOf(server: Server): string | undefined {
  const host = reachable(server.host);
  if (host === undefined) {
    const path = socketPathOf(server);
    return path === undefined ? undefined : `unix://${path}`;
  }
  const name = host.includes(":") ? `[${host}]` : host;
  const { port, tlsPort } = server;
  return port === 0 ? `rediss://${name}:${tlsPort}` : `redis://${name}:${port}`;
}
