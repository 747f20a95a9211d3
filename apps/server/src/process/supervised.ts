/**
 * `supervised`: telling systemd or upstart that the server is ready, or stops.
 *
 * systemd is told by this process itself (notify-socket.ts) or, where Node cannot do that, by
 * systemd's own tool: a child, whose word counts with `NotifyAccess=all` in the unit, or when it may
 * speak in the name of its parent, for which it needs a capability that only root has. upstart waits
 * for the process to stop itself.
 */
import { readFileSync } from "node:fs";
import type { Log } from "./log.ts";
import { sendToSocket } from "./notify-socket.ts";

export type Supervisor = "systemd" | "upstart" | "no";

/** Which supervisor is there, of those that the directive allows. */
export function findSupervisor(directive: string, env: NodeJS.ProcessEnv): Supervisor {
  if (directive === "systemd" || directive === "upstart") return directive;
  if (directive !== "auto") return "no";
  if (env.UPSTART_JOB !== undefined) return "upstart";
  return env.NOTIFY_SOCKET === undefined ? "no" : "systemd";
}

/** At the start. False: the supervisor that the directive names is not there. */
export function announceStart(supervisor: Supervisor, log: Log): boolean {
  if (supervisor === "upstart") {
    if (process.env.UPSTART_JOB === undefined) {
      log.warning("upstart supervision requested, but UPSTART_JOB not found!");
      return false;
    }
    log.notice("supervised by upstart, will stop to signal readiness.");
    process.kill(process.pid, "SIGSTOP");
    delete process.env.UPSTART_JOB;
  }
  if (supervisor === "systemd") {
    if (process.env.NOTIFY_SOCKET === undefined) {
      log.warning("systemd supervision requested or auto-detected, but NOTIFY_SOCKET not found!");
      return false;
    }
    log.notice("supervised by systemd, will signal readiness when clients are served.");
  }
  return true;
}

/** "": nothing new but the status, which is for people. */
export type SystemdState = "READY=1" | "STOPPING=1" | "";

/** What this process can do by itself. */
export interface Means {
  /** Hands a message to a socket, or answers false. */
  send: (socketName: string, message: string) => boolean;
  /** The effective capabilities, in hexadecimal digits. */
  capabilities: () => string;
}

const ownMeans: Means = { send: sendToSocket, capabilities: effectiveCapabilities };

/** Tells systemd, if it supervises. */
export function notifySystemd(
  supervisor: Supervisor,
  state: SystemdState,
  status: string,
  log: Log,
  { send, capabilities }: Means = ownMeans,
): void {
  const socketName = process.env.NOTIFY_SOCKET;
  if (supervisor !== "systemd" || socketName === undefined) return;
  if (send(socketName, `${state}${state && "\n"}STATUS=${status}\n`)) return;
  if (state === "") return; // The tool is slow: what it says could come after what is said later.
  if (state === "READY=1" && !mayBeSpokenFor(capabilities()))
    log.warning(
      "Warning: this Node cannot notify systemd itself, and its tool systemd-notify is listened to " +
        "only with NotifyAccess=all in the unit: without that, the start will time out.",
    );
  sendByTool(state, status, log);
}

function sendByTool(state: SystemdState, status: string, log: Log): void {
  const complain = () =>
    log.warning("Can't notify systemd: its tool systemd-notify is missing or was refused.");
  // Assignments are understood by versions of the tool that do not know the options for them. It
  // stays until systemd has read the message, and nobody is to wait for that: hence the background.
  const { spawn } = process.getBuiltinModule("node:child_process");
  const tool = spawn("systemd-notify", [`--pid=${process.pid}`, state, `STATUS=${status}`], {
    stdio: "ignore",
    detached: true,
  });
  tool.once("error", complain);
  tool.once("exit", (code) => {
    if (code !== 0) complain();
  });
  tool.unref();
}

/** CAP_SYS_ADMIN: a child that has it may send messages in its parent's name. */
const SPEAKS_FOR_OTHERS = 1n << 21n;

function mayBeSpokenFor(capabilities: string): boolean {
  return (BigInt(`0x${capabilities}`) & SPEAKS_FOR_OTHERS) !== 0n;
}

function effectiveCapabilities(): string {
  try {
    return /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "0";
  } catch {
    return "0";
  }
}
