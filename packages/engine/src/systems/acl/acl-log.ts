/**
 * ACL log: who was refused lately, and why. Refusals that tell the same story within a minute are
 * one entry with a count. At most `acllog-max-len` are kept, and no more than 16 MiB.
 */
export interface AclLogEntry {
  count: number;
  reason: "auth" | "command" | "key" | "channel";
  context: "toplevel" | "multi" | "lua";
  /** What was refused: a command, key or channel; "AUTH" for a failed login. */
  object: string;
  username: string;
  clientInfo: string;
  createdMs: number;
  updatedMs: number;
  entryId: number;
}

const SAME_STORY_MS = 60_000;
/** Only among so many of the newest is one looked for that tells the same story. */
const COMPARED_MAX = 10;
/** Longer texts are cut off: a name that somebody logs in with may be half a gigabyte. */
const TEXT_BYTES_MAX = 1024;
/** All entries together take no more, whatever `acllog-max-len` says. */
const KEPT_BYTES_MAX = 16 * 2 ** 20;
/** What an entry takes besides its texts. */
const ENTRY_BYTES = 256;

export class AclLog {
  /** The newest stands last, so that adding one moves no other; the first `gone` are forgotten. */
  private kept: AclLogEntry[] = [];
  private gone = 0;
  private nextId = 0;
  /** Memory that the entries take. */
  keptBytes = 0;

  get length(): number {
    return this.kept.length - this.gone;
  }

  /** All of them, the newest first. */
  get entries(): AclLogEntry[] {
    return this.newest(this.length);
  }

  /** The newest `count` entries, the newest first. */
  newest(count: number): AclLogEntry[] {
    const from = Math.max(this.gone, this.kept.length - count);
    return this.kept.slice(from).reverse();
  }

  /** Someone was refused. `clientInfo` is the client as CLIENT LIST prints it. */
  add(
    refusal: Pick<AclLogEntry, "reason" | "context" | "object" | "username" | "clientInfo">,
    nowMs: number,
    lengthMax: number,
  ): void {
    const { reason, context } = refusal;
    const object = shortened(refusal.object);
    const username = shortened(refusal.username);
    const at = this.findStory({ reason, context, object, username }, nowMs);
    let entry: AclLogEntry;
    if (at === -1) {
      const entryId = this.nextId++;
      entry = {
        ...{ reason, context, object, username, clientInfo: "", entryId },
        ...{ count: 0, createdMs: nowMs, updatedMs: nowMs },
      };
    } else {
      entry = this.kept[at] as AclLogEntry;
      this.keptBytes -= bytesOf(entry);
      this.kept.splice(at, 1); // One of the last few.
    }
    entry.count++;
    entry.updatedMs = nowMs;
    entry.clientInfo = shortened(refusal.clientInfo);
    this.kept.push(entry);
    this.keptBytes += bytesOf(entry);
    this.trim(lengthMax);
  }

  private findStory(
    story: Pick<AclLogEntry, "reason" | "context" | "object" | "username">,
    nowMs: number,
  ): number {
    const least = Math.max(this.gone, this.kept.length - COMPARED_MAX);
    for (let at = this.kept.length - 1; at >= least; at--) {
      const entry = this.kept[at] as AclLogEntry;
      if (
        entry.reason === story.reason &&
        entry.context === story.context &&
        entry.object === story.object &&
        entry.username === story.username &&
        nowMs - entry.updatedMs <= SAME_STORY_MS
      )
        return at;
    }
    return -1;
  }

  /** The oldest go. A lower limit takes effect here, with the next refusal, as in Redis. */
  private trim(lengthMax: number): void {
    while (this.length > lengthMax || this.keptBytes > KEPT_BYTES_MAX) {
      this.keptBytes -= bytesOf(this.kept[this.gone] as AclLogEntry);
      this.gone++;
    }
    // Moving the rest up is worth it once as many have gone as are left.
    if (this.gone * 2 < this.kept.length) return;
    this.kept.splice(0, this.gone);
    this.gone = 0;
  }

  reset(): void {
    this.kept = [];
    this.gone = 0;
    this.keptBytes = 0;
  }
}

function bytesOf({ object, username, clientInfo }: AclLogEntry): number {
  return ENTRY_BYTES + object.length + username.length + clientInfo.length;
}

/** The text's beginning, as a string of its own: a slice would keep the whole text alive. */
function shortened(text: string): string {
  if (text.length <= TEXT_BYTES_MAX) return text;
  const codes = Array.from({ length: TEXT_BYTES_MAX }, (_, at) => text.charCodeAt(at));
  return `${String.fromCharCode(...codes)}... (${text.length - TEXT_BYTES_MAX} more bytes)`;
}
