/** Shutdown request: how the end of the server was asked for, by a command or a signal. */
export interface ShutdownRequest {
  /** "default": save when there are save points. */
  save: "default" | "save" | "nosave";
  /** Do not wait for replicas. */
  now?: boolean;
  /** Go even when saving fails. */
  force?: boolean;
  /** The signal that asked, for the log. */
  signal?: string;
  /** The log says already that it was asked for. */
  isAnnounced?: boolean;
}
