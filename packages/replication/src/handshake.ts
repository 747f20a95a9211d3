/**
 * Handshake: what a replica says to its primary before it gets anything, and what it makes of the answers.
 * No I/O: lines go in, words come out.
 *
 *      PING ─> AUTH, REPLCONF listening-port, ip-address, capa, version ─> PSYNC id offset
 *                                                                             │
 *      continue   goes on where it stood           +CONTINUE [id]  <──────────┤
 *      full       a data set comes, then the rest  +FULLRESYNC id offset <────┤
 *      sync       an old primary: SYNC, no offset  -ERR unknown command <─────┤
 *      retry      not now                          anything else <────────────┘
 */
import type { RequestArgument } from "@kv/resp";

/** What the replica tells of itself, and where it stands. */
export interface HandshakeFacts {
  /** masteruser, "" for the default user; and masterauth, "" for none. */
  readonly user: string;
  readonly password: string;
  /** Where others reach this server, as it announces it. */
  readonly port: number;
  /** replica-announce-ip; "": as the primary sees it. */
  readonly ip: string;
  readonly version: string;
  /** The history that it has, up to this offset; null: none. */
  readonly history: { readonly id: string; readonly offset: number } | null;
  /** The other side is to become the primary by this (FAILOVER). */
  readonly isFailover: boolean;
}

/** What came of it. */
export type Outcome =
  | { readonly kind: "full"; readonly id: string; readonly offset: number }
  | { readonly kind: "continue"; readonly id: string | undefined }
  | { readonly kind: "sync" }
  | { readonly kind: "retry" };

/** What a Handshake is done with. */
export interface HandshakeDoor {
  send(...words: RequestArgument[]): void;
  log(level: "notice" | "warning", line: string): void;
}

const retry: Outcome = { kind: "retry" };
/** An offset of fifteen digits can be counted on from exactly, for longer than anybody will. */
const fullAnswer = /^\+FULLRESYNC ([0-9a-zA-Z]{40}) (\d{1,15})$/;
const continueAnswer = /^\+CONTINUE(?: +([0-9a-zA-Z]{40}))?\s*$/;

/** Without a right to say so, or without the password that comes next: still somebody is there. */
const toleratedAtPing = /^-(NOAUTH|NOPERM|ERR operation not permitted)/;

export class Handshake {
  private readonly facts: HandshakeFacts;
  private readonly door: HandshakeDoor;
  /** What the next answers are about. */
  private readonly awaited: string[] = [];

  /** Says the first word. */
  constructor(facts: HandshakeFacts, door: HandshakeDoor) {
    this.facts = facts;
    this.door = door;
    this.ask("PING", "PING");
  }

  private ask(about: string, ...words: RequestArgument[]): void {
    this.awaited.push(about);
    this.door.send(...words);
  }

  /** An answer, without its line end. Undefined: the dialogue goes on. */
  answer(line: string): Outcome | undefined {
    // Primaries say so that they live, while they prepare a data set.
    if (line === "") return undefined;
    const about = this.awaited.shift();
    switch (about) {
      case "PING":
        return this.pinged(line);
      case "AUTH":
        if (!line.startsWith("-")) return undefined;
        return this.giveUp(`Unable to AUTH to MASTER: ${line}`);
      case "PSYNC":
        return this.outcomeOf(line);
      default:
        if (line.startsWith("-"))
          this.door.log("notice", `(Non critical) Master does not understand ${about}: ${line}`);
        // PSYNC behind anything unanswered is refused.
        if (this.awaited.length === 0) this.askForData();
        return undefined;
    }
  }

  private giveUp(line: string): Outcome {
    this.door.log("warning", line);
    return retry;
  }

  private pinged(line: string): Outcome | undefined {
    if (!line.startsWith("+") && !toleratedAtPing.test(line))
      return this.giveUp(`Error reply to PING from master: '${line}'`);
    this.door.log("notice", "Master replied to PING, replication can continue...");
    const { user, password, port, ip, version } = this.facts;
    if (password !== "")
      this.ask("AUTH", ...(user === "" ? ["AUTH", password] : ["AUTH", user, password]));
    this.ask("REPLCONF listening-port", "REPLCONF", "listening-port", `${port}`);
    if (ip !== "") this.ask("REPLCONF ip-address", "REPLCONF", "ip-address", ip);
    this.ask("REPLCONF capa", "REPLCONF", "capa", "eof", "capa", "psync2");
    this.ask("REPLCONF VERSION", "REPLCONF", "version", version);
    return undefined;
  }

  private askForData(): void {
    const { history, isFailover } = this.facts;
    const id = history?.id ?? "?";
    const offset = history === null ? "-1" : `${history.offset + 1}`;
    this.door.log(
      "notice",
      history === null
        ? "Partial resynchronization not possible (no cached master)"
        : `Trying a partial resynchronization (request ${id}:${offset}).`,
    );
    this.ask("PSYNC", "PSYNC", id, offset, ...(isFailover ? ["FAILOVER"] : []));
  }

  private outcomeOf(line: string): Outcome {
    const { log } = this.door;
    if (line.startsWith("+FULLRESYNC")) {
      const [, id, offset] = fullAnswer.exec(line) ?? [];
      if (id === undefined) return this.giveUp("Master replied with wrong +FULLRESYNC syntax.");
      log("notice", `Full resync from master: ${id}:${offset}`);
      return { kind: "full", id, offset: Number(offset) };
    }
    if (line.startsWith("+CONTINUE")) {
      const answer = continueAnswer.exec(line);
      if (answer === null || this.facts.history === null)
        return this.giveUp(`Unexpected reply to PSYNC from master: ${line}`);
      log("notice", "Successful partial resynchronization with master.");
      return { kind: "continue", id: answer[1] };
    }
    if (line.startsWith("-NOMASTERLINK") || line.startsWith("-LOADING")) {
      log("notice", `Master is currently unable to PSYNC but should be in the future: ${line}`);
      return retry;
    }
    if (/^-ERR unknown command/i.test(line)) {
      log("notice", `Master does not support PSYNC or is in error state (reply: ${line})`);
      log("notice", "Retrying with SYNC...");
      this.door.send("SYNC");
      return { kind: "sync" };
    }
    return this.giveUp(`Unexpected reply to PSYNC from master: ${line}`);
  }
}
