/**
 * A small client for the few commands that steer a measurement: PING, INFO, BGSAVE. It shares no
 * code with the server, so that the yardstick is not made by the one who is measured.
 */
import { connect, type Socket } from "node:net";

export type Reply = string | number | null | Reply[] | RespError;

export class RespError extends Error {}

const PATIENCE_MS = 60_000;

export class RespClient implements AsyncDisposable {
  private readonly socket: Socket;
  private readonly waiting: PromiseWithResolvers<Reply>[] = [];
  private received = "";

  private constructor(socket: Socket) {
    this.socket = socket;
    // One character a byte: lengths in replies are lengths in bytes.
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.receive(text));
    socket.on("error", (error) => this.fail(error));
    socket.on("close", () => this.fail(new Error("the server closed the connection")));
  }

  static async connect(port: number): Promise<RespClient> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once("connect", resolve);
    socket.once("error", reject);
    await promise;
    socket.off("error", reject);
    return new RespClient(socket);
  }

  /** Sends a command; an error reply rejects. */
  async send(...words: (string | number)[]): Promise<Reply> {
    const reply = Promise.withResolvers<Reply>();
    this.waiting.push(reply);
    this.socket.write(encodeCommand(words), "latin1");
    const timer = setTimeout(
      () => this.fail(new Error(`no reply to ${words[0]} in ${PATIENCE_MS} ms`)),
      PATIENCE_MS,
    );
    try {
      const value = await reply.promise;
      if (value instanceof RespError) throw value;
      return value;
    } finally {
      clearTimeout(timer);
    }
  }

  async info(section: string): Promise<Map<string, string>> {
    return parseInfo(String(await this.send("INFO", section)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
  }

  private receive(text: string): void {
    this.received += text;
    for (;;) {
      const parsed = parseReply(this.received, 0);
      if (parsed === undefined) return;
      this.received = this.received.slice(parsed.end);
      this.waiting.shift()?.resolve(parsed.value);
    }
  }

  private fail(error: Error): void {
    this.socket.destroy();
    for (const each of this.waiting.splice(0)) each.reject(error);
  }
}

export function encodeCommand(words: readonly (string | number)[]): string {
  const bulks = words.map((word) => `$${String(word).length}\r\n${word}\r\n`);
  return `*${words.length}\r\n${bulks.join("")}`;
}

/** The reply that starts at `start` and where it ends, or undefined while it is incomplete. */
export function parseReply(text: string, start: number): { value: Reply; end: number } | undefined {
  const lineEnd = text.indexOf("\r\n", start);
  if (lineEnd < 0) return undefined;
  const line = text.slice(start + 1, lineEnd);
  const next = lineEnd + 2;
  switch (text[start]) {
    case "+":
      return { value: line, end: next };
    case "-":
      return { value: new RespError(line), end: next };
    case ":":
      return { value: Number(line), end: next };
    case "$": {
      const length = Number(line);
      if (length < 0) return { value: null, end: next };
      if (text.length < next + length + 2) return undefined;
      return { value: text.slice(next, next + length), end: next + length + 2 };
    }
    case "*":
      return Number(line) < 0 ? { value: null, end: next } : parseItems(text, next, Number(line));
    default:
      throw new Error(`not a RESP2 reply: ${JSON.stringify(text.slice(start, start + 40))}`);
  }
}

function parseItems(text: string, start: number, count: number) {
  const value: Reply[] = [];
  let end = start;
  while (value.length < count) {
    const item = parseReply(text, end);
    if (item === undefined) return undefined;
    value.push(item.value);
    end = item.end;
  }
  return { value, end };
}

export function parseInfo(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}
