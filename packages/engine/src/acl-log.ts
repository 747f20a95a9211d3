/**
 * ACL log: who was refused lately, and why. Refusals that tell the same story within a minute are
 * one entry with a count; the newest stand first, at most `acllog-max-len` of them.
 */
import type { Client } from "./client.ts";

export interface AclLogEntry {
  count: number;
  reason: "auth" | "command" | "key" | "channel";
  context: "toplevel" | "multi" | "lua" | "module";
  /** What was refused: a command, key or channel; "AUTH" for a failed login. */
  object: string;
  username: string;
  clientInfo: string;
  createdMs: number;
  updatedMs: number;
  entryId: number;
}

const SAME_STORY_MS = 60_000;

export class AclLog {
  readonly entries: AclLogEntry[] = [];
  private nextId = 0;

  /** Someone was refused. `clientInfo` is the client as CLIENT LIST prints it. */
  add(
    refusal: Pick<AclLogEntry, "reason" | "object" | "username" | "clientInfo">,
    client: Pick<Client, "inTransaction">,
    nowMs: number,
    lengthMax: number,
  ): void {
    const context = client.inTransaction ? "multi" : "toplevel";
    const at = this.entries.findIndex(
      (entry) =>
        entry.reason === refusal.reason &&
        entry.context === context &&
        entry.object === refusal.object &&
        entry.username === refusal.username &&
        nowMs - entry.updatedMs <= SAME_STORY_MS,
    );
    let entry = this.entries[at];
    if (entry === undefined) {
      const entryId = this.nextId++;
      entry = { ...refusal, context, count: 0, createdMs: nowMs, updatedMs: nowMs, entryId };
    } else {
      this.entries.splice(at, 1);
    }
    entry.count++;
    entry.updatedMs = nowMs;
    entry.clientInfo = refusal.clientInfo;
    this.entries.unshift(entry);
    this.trim(lengthMax);
  }

  trim(lengthMax: number): void {
    if (this.entries.length > lengthMax) this.entries.length = lengthMax;
  }

  reset(): void {
    this.entries.length = 0;
  }
}
