/**
 * `supervised`: telling systemd or upstart that the server is ready, or stops.
 *
 * systemd listens on a Unix datagram socket, which Node does not have, so its own tool carries the
 * messages; the unit needs `NotifyAccess=all`. upstart waits for the process to stop itself.
 */
import { spawn } from "node:child_process";
import type { Log } from "./log.ts";

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

/** Tells systemd, if it supervises. */
export function notifySystemd(
  supervisor: Supervisor,
  state: "READY=1" | "STOPPING=1",
  status: string,
  log: Log,
): void {
  if (supervisor !== "systemd" || process.env.NOTIFY_SOCKET === undefined) return;
  const complain = () =>
    log.warning("Can't notify systemd: its tool systemd-notify is missing or was refused.");
  // Assignments are understood by versions of the tool that do not know the options for them. It
  // stays until systemd has read the message, and nobody is to wait for that: hence the background.
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
