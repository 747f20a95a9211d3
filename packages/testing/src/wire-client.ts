/**
 * WireClient: a connection that shows replies as the bytes they are (text, one latin1 character a
 * byte). It only knows where a reply ends, in RESP2 and RESP3, by its own few lines: what checks
 * our protocol code must not be our protocol code.
 */
import { createConnection, type Socket } from "node:net";

const REPLY_LIMIT_MS = 45_000;

/** Position behind the reply that begins at `start`, or -1 while it is not whole. */
export function replyEnd(text: string, start = 0): number {
  let at = start;
  // How many values are still to come: aggregates add to it as they are met.
  for (let values = 1; values > 0; values--) {
    const end = text.indexOf("\r\n", at);
    if (end === -1) return -1;
    const kind = text[at] ?? "";
    const count = Number(text.slice(at + 1, end));
    at = end + 2;
    if ("$=!".includes(kind)) {
      if (count >= 0) at += count + 2;
      if (at > text.length) return -1;
    } else if ("*~>".includes(kind)) {
      values += Math.max(count, 0);
    } else if (kind === "%") {
      values += count * 2;
    } else if (kind === "|") {
      values += count * 2 + 1;
    }
  }
  return at;
}

/** The whole replies at the beginning of a text. */
export function splitReplies(text: string): string[] {
  const replies: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = replyEnd(text, at);
    if (end === -1) break;
    replies.push(text.slice(at, end));
    at = end;
  }
  return replies;
}

/** A request as a client library sends it. */
export function requestText(words: readonly (string | number)[]): string {
  const bulks = words.map((word) => `$${`${word}`.length}\r\n${word}\r\n`);
  return `*${words.length}\r\n${bulks.join("")}`;
}

interface Waiter {
  isDone: () => boolean;
  resolve: () => void;
}

export class WireClient {
  isClosed = false;
  private readonly socket: Socket;
  /** What was received and not yet returned, in pieces: joining at each would be quadratic. */
  private pieces: string[] = [];
  private receivedLength = 0;
  private waiter: Waiter | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.pieces.push(chunk.toString("latin1"));
      this.receivedLength += chunk.length;
      this.wake();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
      this.wake();
    });
  }

  static connect(to: { port: number } | { path: string }): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = createConnection("port" in to ? { ...to, host: "127.0.0.1" } : to);
      socket.setNoDelay();
      socket.once("connect", () => resolve(new WireClient(socket)));
      socket.once("error", reject);
    });
  }

  private wake(): void {
    if (this.waiter !== null && (this.isClosed || this.waiter.isDone())) {
      const { resolve } = this.waiter;
      this.waiter = null;
      resolve();
    }
  }

  private until(isDone: () => boolean, limitMs: number): Promise<void> {
    if (this.isClosed || isDone()) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.waiter = null;
        resolve();
      }, limitMs);
      this.waiter = {
        isDone,
        resolve() {
          clearTimeout(timer);
          resolve();
        },
      };
    });
  }

  /** Sends bytes as they are. */
  write(text: string): void {
    if (!this.isClosed) this.socket.write(text, "latin1");
  }

  /** Ends our side only: the server still answers what it has read. */
  endWriting(): void {
    this.socket.end();
  }

  private get received(): string {
    if (this.pieces.length > 1) this.pieces = [this.pieces.join("")];
    return this.pieces[0] ?? "";
  }

  /** Takes the first `length` characters of what was received. */
  private take(length: number): string {
    const { received } = this;
    this.pieces = length < received.length ? [received.slice(length)] : [];
    this.receivedLength -= length;
    return received.slice(0, length);
  }

  /** The next `count` replies, raw; fewer when the connection ends or the time is over. */
  async replies(count: number, limitMs = REPLY_LIMIT_MS): Promise<string> {
    let found = 0;
    let end = 0;
    // Nothing is looked at before so much is there.
    let least = 0;
    await this.until(() => {
      if (this.receivedLength < least) return false;
      const { received } = this;
      for (; found < count; found++) {
        const next = replyEnd(received, end);
        if (next === -1) {
          const length = /^\$(\d+)\r/.exec(received.slice(end, end + 20))?.[1];
          least = end + Number(length ?? 0);
          return false;
        }
        end = next;
      }
      return true;
    }, limitMs);
    return this.take(end);
  }

  /** Sends a request and returns its reply, raw. */
  request(...words: (string | number)[]): Promise<string> {
    this.write(requestText(words));
    return this.replies(1);
  }

  /** Everything that arrives until the server closes, or until nothing comes for `quietMs`. */
  async rest(quietMs: number): Promise<string> {
    for (let length = -1; length !== this.receivedLength && !this.isClosed; ) {
      length = this.receivedLength;
      await this.until(() => false, quietMs);
    }
    return this.take(this.receivedLength);
  }

  /** What has arrived and was not taken yet: nothing is waited for. */
  takeReceived(): string {
    return this.take(this.receivedLength);
  }

  /** What has arrived and was not taken yet; if that is nothing, the next that comes in time. */
  async arrivals(limitMs = REPLY_LIMIT_MS): Promise<string> {
    await this.until(() => this.receivedLength > 0, limitMs);
    return this.takeReceived();
  }

  /** Leaves what arrives with the kernel, and so with the server. */
  stopReading(): void {
    this.socket.pause();
  }

  close(): void {
    this.socket.destroy();
  }
}
