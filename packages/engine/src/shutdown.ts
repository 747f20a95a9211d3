/**
 * Shutting down: in good order, or refusing to. Save points set mean a last save; when that fails
 * the server stays, unless it was told to go by force.
 *
 * All of it happens at once: nobody is waited for, so nothing that was true at the beginning can be
 * otherwise at the end, and a shutdown can be taken back at no time. (Redis waits for replicas, and
 * then SHUTDOWN ABORT has a meaning.) A background save that is under way is given up, and may have
 * the disk at work for a while: that is for the host to wait out, when it serves nobody any more.
 */
import type { Engine } from "./engine.ts";

export interface ShutdownRequest {
  /** "default": save when there are save points. */
  save: "default" | "save" | "nosave";
  /** Do not wait for replicas. */
  now?: boolean;
  /** Go even when saving fails. */
  force?: boolean;
  /** The signal that asked, for the log. */
  signal?: string;
}

export class Shutdown {
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  private wantsSave({ save }: ShutdownRequest): boolean {
    const { saving } = this.engine;
    // A data set that is only half loaded must not be saved over the whole one.
    if (saving.loading !== null) return false;
    return save === "save" || (save === "default" && saving.savePoints.length > 0);
  }

  /** True when the process may end. */
  begin(request: ShutdownRequest): boolean {
    const { engine } = this;
    const { host, saving } = engine;
    if (request.signal !== undefined)
      host.log("warning", `Received ${request.signal} scheduling shutdown...`);
    host.log("warning", "User requested shutdown...");
    saving.abortBackground();
    if (this.wantsSave(request)) {
      host.log("notice", "Saving the final RDB snapshot before exiting.");
      if (!saving.saveNow()) {
        host.log("warning", "Error trying to save the DB, can't exit.");
        if (request.force !== true) {
          host.log(
            "warning",
            "Errors trying to shut down the server. Check the logs for more information.",
          );
          host.log(
            "warning",
            "SHUTDOWN NOSAVE ends the server without saving: what has changed since the last save is lost then.",
          );
          return false;
        }
      }
    }
    for (const client of engine.clients.values()) engine.output.flushOutbox(client);
    host.log("warning", "Redis is now ready to exit, bye bye...");
    saving.stop();
    return true;
  }
}
