/**
 * The program: command line, start in the order that operators know, signals, exit.
 *
 *      read configuration -> supervisor, background -> pid file, title, banner, warnings
 *        -> listen -> load -> ready ... SIGTERM, SHUTDOWN -> save -> remove pid file -> exit 0
 */

import { closeSync, openSync, writeSync } from "node:fs";
import { isatty } from "node:tty";
import {
  type CommandLine,
  ConfigFileError,
  ConfigOpenError,
  ConfigStore,
  compatibleVersion,
  loadConfig,
  parseCommandLine,
  Refusal,
} from "@kv/config";
import {
  AclStartError,
  checkStatements,
  directiveRows,
  engineVersion,
  type System,
  unsupportedDirectives,
} from "@kv/engine";
import { SentinelStartError } from "@kv/sentinel";
import { implementedDirectives } from "./implemented-directives.ts";
import { realTimers } from "./network/real-timers.ts";
import { banner } from "./process/banner.ts";
import { absolutePath, appendFlags, enterFolder, workingFolder } from "./process/byte-path.ts";
import { byteString, pathBytes, textOf } from "./process/byte-string.ts";
import { CHeap } from "./process/c-heap.ts";
import { commandLineWords } from "./process/command-line-words.ts";
import { ConfigReader } from "./process/config-reader.ts";
import { errorReport, signalReport } from "./process/crash-report.ts";
import { startInBackground, takeReadings } from "./process/daemonize.ts";
import { Ending } from "./process/ending.ts";
import { Log, type Role } from "./process/log.ts";
import { testMemory } from "./process/memory-test.ts";
import { mayNeedPrivilege, OomScore } from "./process/oom-score.ts";
import { defaultPidFile, PidFile } from "./process/pid-file.ts";
import { processTitle } from "./process/process-title.ts";
import { ProgramPages } from "./process/program-pages.ts";
import { Rest } from "./process/rest.ts";
import { listenToSignals } from "./process/signals.ts";
import { ensureStack } from "./process/stack-limit.ts";
import {
  announceStart,
  findSupervisor,
  notifySystemd,
  type Supervisor,
} from "./process/supervised.ts";
import { systemErrorText } from "./process/system-error.ts";
import { SystemLog } from "./process/system-log.ts";
import { usageText, versionLine } from "./process/usage.ts";
import { backlogWarning, checkSystem, folderWarning, startWarnings } from "./process/warnings.ts";
import { Watchdog } from "./process/watchdog.ts";
import { isSentinel, prepareSentinel } from "./sentinel-mode.ts";
import { Server, type ServerOptions } from "./server.ts";

/** Runs the program. Resolves when the server is ready, or has given up. */
export async function main(): Promise<void> {
  const words = commandLineWords();
  const commandLine = parseCommandLine(words);
  switch (commandLine.action) {
    case "version":
      return print(versionLine());
    case "help":
      return print(usageText);
    case "check-system":
      process.exitCode = checkSystem(print) ? 0 : 1;
      return;
    case "test-memory":
      process.exitCode = testMemory(commandLine.megabytes, print) ? 0 : 1;
      return;
    case "refuse":
      return printError(commandLine.message, 1);
    case "run":
      return new Program(commandLine, words).run();
  }
}

function print(text: string): void {
  try {
    writeSync(1, text, null, "latin1");
  } catch (error) {
    // As of `--check-system | head`: nobody reads on, which is no fault of ours.
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
    process.exit(1);
  }
}

function printError(text: string, code: number): void {
  writeSync(2, text, null, "latin1");
  process.exitCode = code;
}

class Program {
  readonly #commandLine: CommandLine;
  readonly #words: readonly string[];
  /** Where the program was started; `dir` leads elsewhere. */
  readonly #startFolder = workingFolder();
  readonly #configFile: string;
  /** There is something: this is the process in the background. */
  readonly #handedOn = takeReadings();
  readonly #reader = new ConfigReader(this.#handedOn);
  readonly #isSentinel: boolean;
  /** Those of a sentinel; undefined: of a data server. */
  #systems: readonly System[] | undefined;
  readonly #config = new ConfigStore(directiveRows, { implemented: implementedDirectives });
  readonly #log: Log;
  readonly #systemLog = new SystemLog({
    isEnabled: () => this.#config.boolean("syslog-enabled"),
    ident: () => this.#config.text("syslog-ident"),
    facility: () => this.#config.text("syslog-facility"),
    warn: (message) => this.#log.warning(message),
  });
  readonly #pidFile = new PidFile();
  #supervisor: Supervisor = "no";
  readonly #oomScore = new OomScore();
  readonly #watchdog: Watchdog;
  /** Past the start-up phase that logs as "C". */
  #isUp = false;
  #isReady = false;
  #hasToldStopping = false;
  readonly #ending = new Ending({
    isSettled: () => this.#server?.isSettled ?? true,
    settled: async () => this.#server?.settled(),
    hurry: () => this.#server?.hurry(),
    exit: (code) => process.exit(code),
    kill: () => process.kill(process.pid, "SIGKILL"),
    warn: (message) => this.#log.warning(message),
    after: (delayMs, action) => setTimeout(action, delayMs),
  });
  #secondDueMs = 0;
  readonly #rest = new Rest();
  readonly #programPages = new ProgramPages();
  readonly #cHeap = new CHeap();
  #server: Server | undefined;

  constructor(commandLine: CommandLine, words: readonly string[]) {
    const { configFile } = commandLine;
    this.#isSentinel = isSentinel(commandLine.sentinel, process.argv[1] ?? "");
    this.#commandLine = { ...commandLine, sentinel: this.#isSentinel };
    this.#words = words;
    this.#configFile = configFile === undefined ? "" : absolutePath(configFile);
    this.#log = new Log({
      file: () => this.#config.text("logfile"),
      level: () => this.#config.text("loglevel"),
      role: () => this.#role,
      further: (level, message) => this.#systemLog.write(level, message),
    });
    this.#watchdog = new Watchdog({
      logFile: () => this.#config.text("logfile"),
      logLevel: () => this.#config.text("loglevel"),
      hz: () => this.#server?.engine.hz ?? this.#config.number("hz"),
      failed: (error) => this.#log.warning(`The watchdog has ended: ${error.message}`),
    });
  }

  get #role(): Role {
    if (this.#isSentinel) return "X";
    if (!this.#isUp) return "C";
    return this.#config.value("replicaof") === null ? "M" : "S";
  }

  async run(): Promise<void> {
    const config = this.#config;
    const log = this.#log;
    const stdinText = this.#readStdin();
    if (!this.#loadConfig(stdinText)) return process.exit(1);

    this.#supervisor = findSupervisor(config.text("supervised"), process.env);
    const isDaemon = config.boolean("daemonize") && this.#supervisor === "no";
    if (isDaemon && this.#handedOn === undefined) {
      const { readings } = this.#reader;
      await startInBackground({ folder: this.#startFolder, words: this.#words, readings });
      return process.exit(0);
    }
    this.#logStart();
    announceStart(this.#supervisor, log);
    this.#listenToTrouble();

    this.#isUp = true;
    this.#listenToSignals();
    this.#writePidFile(isDaemon);
    this.#setTitle();
    this.#setOomScore(true);
    const server = this.#makeServer();
    if (server === undefined) return this.#exit(1);
    this.#server = server;
    const isListening = await server.listen();
    if (this.#ending.hasBegun) return;
    if (!isListening) return this.#exit(1);
    // Whoever waits for the process's number in the log connects when it is there.
    this.#showBanner();
    const backlogText = backlogWarning(config.number("tcp-backlog"));
    if (backlogText !== undefined) log.warning(backlogText);
    log.notice("Server initialized");
    for (const text of startWarnings()) log.warning(text);
    const stackText = ensureStack();
    if (stackText !== undefined) log.warning(stackText);
    for (const text of config.ineffective()) log.warning(text);
    this.#tryFolder();
    this.#setWatchdog();
    notifySystemd(this.#supervisor, "", "Loading the data set", log);
    const isLoaded = await server.load();
    if (this.#ending.hasBegun) return;
    if (!isLoaded) return this.#exit(1);
    this.#isReady = true;
    this.#ready(server);
  }

  #readStdin(): string {
    if (!this.#commandLine.readStdin) return "";
    // Said with the defaults: the configuration is still to be read.
    this.#log.notice("Reading config from stdin");
    return this.#reader.readStdin();
  }

  /** False: it is wrong, and standard error says how. */
  #loadConfig(stdinText: string): boolean {
    const config = this.#config;
    config.onParse<string>("dir", folderEntered);
    if (this.#isSentinel) this.#systems = prepareSentinel(config);
    else checkStatements(config);
    config.onLoaded(unsupportedDirectives);
    try {
      loadConfig(config, {
        commandLine: { ...this.#commandLine, configFile: this.#configFile || undefined },
        stdinText,
        readFile: this.#reader.readFile,
        glob: this.#reader.glob,
      });
      if (config.text("dir") === ".") this.#tellFolder();
      this.#tryLogFile();
      return true;
    } catch (error) {
      if (error instanceof ConfigOpenError) this.#log.warning(error.message);
      else if (error instanceof ConfigFileError) printError(`\n${error.message}\n`, 1);
      else throw error;
      return false;
    }
  }

  #tryLogFile(): void {
    const path = this.#config.text("logfile");
    if (path === "") return;
    try {
      closeSync(openSync(pathBytes(path), appendFlags, 0o666));
    } catch (error) {
      throw new ConfigFileError({
        reason: `Can't open the log file: ${systemErrorText(error)}`,
      });
    }
  }

  /** Without save points nothing is written that somebody did not ask for, and who asks is told. */
  #tryFolder(): void {
    const text =
      this.#config.print("save") === "" ? undefined : folderWarning(this.#config.text("dir"));
    if (text !== undefined) this.#log.warning(text);
  }

  #logStart(): void {
    const log = this.#log;
    log.notice("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo");
    log.notice(
      `Redis version=${compatibleVersion}, bits=64, commit=00000000, modified=0, pid=${process.pid}, just started (kv ${engineVersion}, node ${process.versions.node})`,
    );
    if (this.#words.length === 0) {
      log.warning(
        "Warning: no config file specified, using the default config. In order to specify a config file use kv-server /path/to/redis.conf",
      );
    } else {
      log.notice("Configuration loaded");
    }
  }

  #writePidFile(isDaemon: boolean): void {
    const path = this.#config.text("pidfile") || (isDaemon ? defaultPidFile : "");
    if (path === "") return;
    const problem = this.#pidFile.write(path);
    if (problem !== undefined) this.#log.notice(`Failed to write PID file: ${problem}`);
  }

  #setTitle(): void {
    if (!this.#config.boolean("set-proc-title")) return;
    const title = processTitle(this.#config, {
      executable: byteString(process.argv[1] ?? "kv-server"),
      configFile: this.#configFile,
      isSentinel: this.#isSentinel,
    });
    process.title = textOf(title);
  }

  get #mode() {
    if (this.#isSentinel) return "sentinel";
    return this.#config.boolean("cluster-enabled") ? "cluster" : "standalone";
  }

  #showBanner(): void {
    const config = this.#config;
    const port = config.number("port") || config.number("tls-port");
    const mode = this.#mode;
    // A log that is read by people in a terminal gets the picture, others a line.
    const isShown =
      config.boolean("always-show-logo") || (config.text("logfile") === "" && isatty(1));
    if (isShown) this.#log.raw(banner({ mode, port, processId: process.pid }));
    else this.#log.notice(`Running mode=${mode}, port=${port}.`);
  }

  /** Undefined: its users, or who is to be watched, cannot be had, and the log says why. */
  #makeServer(): Server | undefined {
    try {
      return new Server(this.#serverOptions());
    } catch (error) {
      if (!(error instanceof AclStartError || error instanceof SentinelStartError)) throw error;
      this.#log.warning(error.message);
      return undefined;
    }
  }

  #serverOptions(): ServerOptions {
    return {
      config: this.#config,
      configFile: this.#configFile,
      systems: this.#systems,
      folder: ".",
      log: (level, message) => this.#log.write(level, message),
      exit: (code) => this.#exit(code),
      failed: (error) => this.#crash(errorReport(error, this.#crashFacts)),
      reconfigured: (name) => this.#reconfigured(name),
      roleChanged: () => this.#setOomScore(false),
      beat: () => {
        this.#watchdog.beat();
        this.#onceASecond();
      },
    };
  }

  #ready(server: Server): void {
    const log = this.#log;
    for (const transport of server.transports) {
      log.notice(`Ready to accept connections ${transport}`);
    }
    const memoryMax = this.#config.number("maxmemory");
    if (memoryMax > 0 && memoryMax < 1024 * 1024) {
      log.warning(
        `WARNING: You specified a maxmemory value that is less than 1MB (current value is ${memoryMax} bytes). Are you sure this is what you really want?`,
      );
    }
    notifySystemd(this.#supervisor, "READY=1", "Ready to accept connections", log);
  }

  /** CONFIG SET of what belongs to the process. Returns why it cannot be. */
  #reconfigured(name: string): string | undefined {
    if (name.startsWith("oom-score-adj")) return this.#setOomScore(name.endsWith("-values"));
    if (name === "watchdog-period") return this.#setWatchdog();
    this.#setTitle();
    return undefined;
  }

  #onceASecond(): void {
    const nowMs = realTimers.monotonicMs();
    if (nowMs < this.#secondDueMs) return;
    this.#secondDueMs = nowMs + 1000;
    this.#tellFolder();
    if (this.#isReady && this.#server !== undefined) this.#giveBackMemory(nowMs, this.#server);
  }

  #giveBackMemory(nowMs: number, { engine }: Server): void {
    const isAtRest = this.#rest.isAt(nowMs, engine.stats.commandsProcessed);
    const knownBytes = engine.memory.usedBytes + engine.keyspace.arena.touchedBytes;
    this.#cHeap.follow(nowMs, isAtRest, knownBytes);
    this.#programPages.follow(isAtRest);
  }

  /**
   * It may have got another name, which is what `dir` is to tell then. One that was removed keeps the name
   * that it had.
   */
  #tellFolder(): void {
    const folder = workingFolder();
    if (folder !== undefined) this.#config.assign("dir", folder);
  }

  /** Returns why it cannot be. */
  #setWatchdog(): string | undefined {
    const config = this.#config;
    const wantedMs = config.number("watchdog-period");
    const periodMs = this.#watchdog.setPeriod(wantedMs);
    config.assign("watchdog-period", periodMs);
    if (wantedMs === 0 || periodMs > 0) return undefined;
    return "Unable to start the watchdog. Check server logs.";
  }

  /** `isNew`: the scores were not there before. */
  #setOomScore(isNew: boolean): string | undefined {
    const config = this.#config;
    const scores = config.value<readonly number[]>("oom-score-adj-values");
    const [primary, replica] = scores;
    if (isNew && mayNeedPrivilege(scores)) {
      this.#log.warning(
        "The oom-score-adj-values configuration may not work for non-privileged processes! Please consult the documentation.",
      );
    }
    const score = config.value("replicaof") === null ? primary : replica;
    const problem = this.#oomScore.apply(config.text("oom-score-adj"), score);
    if (problem === undefined) return undefined;
    this.#log.warning(problem);
    return "Failed to set current oom_score_adj. Check server logs.";
  }

  // ---- The end ---------------------------------------------------------------------------------

  #listenToSignals(): void {
    listenToSignals({
      shutdown: (signal) => this.#shutdown(signal),
      exitAtOnce: () => this.#exitAtOnce(),
      noticed: (signal) => this.#log.warning(`Received ${signal}`),
      crashed: (signal) => this.#report(signalReport(signal, this.#crashFacts)),
    });
  }

  /** Errors that nobody caught. Before the server is up, too. */
  #listenToTrouble(): void {
    process.on("uncaughtException", (error) => this.#crash(errorReport(error, this.#crashFacts)));
  }

  async #shutdown(signal: "SIGTERM" | "SIGINT"): Promise<void> {
    if (this.#ending.hasBegun) return this.#exitAtOnce();
    const ways = this.#config.value<readonly string[]>(`shutdown-on-${signal.toLowerCase()}`);
    const server = this.#server;
    if (server === undefined) return this.#exit(1);
    if (!this.#isReady) {
      this.#log.warning("Received shutdown signal during loading, scheduling shutdown.");
      if (server.shutdown({ save: "nosave" })) this.#exit(0);
      return;
    }
    this.#tellStopping();
    const save = ways.includes("nosave") ? "nosave" : ways.includes("save") ? "save" : "default";
    const mayExit = await server.end({
      signal,
      save,
      now: ways.includes("now"),
      force: ways.includes("force"),
    });
    if (mayExit) return this.#exit(0);
    this.#hasToldStopping = false;
    const status = "Ready to accept connections, as the shutdown failed or was taken back";
    notifySystemd(this.#supervisor, "", status, this.#log);
  }

  /** Once, whoever asked for the end. */
  #tellStopping(): void {
    if (this.#hasToldStopping) return;
    this.#hasToldStopping = true;
    notifySystemd(this.#supervisor, "STOPPING=1", "Shutting down", this.#log);
  }

  /** The last thing that happens: exit closes the sockets, and nothing else is left to save. */
  #exit(code: number): void {
    if (this.#isReady) this.#tellStopping();
    this.#pidFile.remove();
    this.#server?.close();
    this.#ending.begin(code);
  }

  #exitAtOnce(): void {
    this.#pidFile.remove();
    this.#ending.insist();
  }

  get #crashFacts() {
    return { configFile: textOf(this.#configFile) };
  }

  #report(text: string): void {
    if (this.#config.boolean("crash-log-enabled")) this.#log.raw(text);
  }

  /** Not one more command: what is in memory may be wrong, and must not reach the disk. */
  #crash(text: string): never {
    this.#report(text);
    this.#pidFile.remove();
    process.exit(1);
  }
}
/** `dir`: takes effect at once, as later lines of the file may name files in it. */
function folderEntered(value: string): string | Refusal {
  try {
    enterFolder(value);
    return workingFolder() ?? value;
  } catch (error) {
    return new Refusal(systemErrorText(error));
  }
}
