/**
 * Partial resynchronisation: how long a replica that lost its link waits until it has what it missed,
 * from PSYNC to the last byte, beside how long a PING takes on the same connection.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { milliseconds, ratio } from "../format.ts";
import { encodeCommand, RespClient } from "../resp-client.ts";
import type { Context, Section } from "../scenario.ts";
import { inTurns, type ServerKind, startServer } from "../servers.ts";
import { median } from "../statistics.ts";

const VALUE_BYTES = 1024;
/** Keys that are set while the link is down. */
const MISSED = [0, 1024] as const;
const WITHIN_MS = 10_000;

/** A connection that counts what comes. */
class Link implements Disposable {
  private readonly socket: Socket;
  private text = "";
  private bytes = 0;
  private enough: (() => boolean) | null = null;
  private tell: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.bytes += chunk.length;
      if (this.text.length < 200) this.text += chunk.toString("latin1", 0, 200);
      if (this.enough?.() === true) this.tell();
    });
  }

  static async open(port: number): Promise<Link> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    return new Link(socket);
  }

  /** Milliseconds until a line beginning with `head` and so many bytes behind it have come. */
  async ask(words: readonly (string | number)[], head: string, behind: number): Promise<number> {
    this.text = "";
    this.bytes = 0;
    const startMs = performance.now();
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no ${head} but ${JSON.stringify(this.text)}`)),
        WITHIN_MS,
      );
      this.tell = () => {
        clearTimeout(timer);
        resolve();
      };
      this.enough = () => {
        const end = this.text.indexOf("\r\n");
        return end !== -1 && this.text.startsWith(head) && this.bytes - (end + 2) >= behind;
      };
      this.socket.write(encodeCommand(words), "latin1");
    });
    this.enough = null;
    return performance.now() - startMs;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

interface Resumed {
  pingMs: number[];
  /** For each of MISSED. */
  tookMs: number[][];
}

async function resumed(kind: ServerKind, count: number): Promise<Resumed> {
  const args = ["--repl-diskless-sync-delay", "0", "--repl-backlog-size", "16mb"];
  await using server = await startServer(kind, { args });
  await using client = await RespClient.connect(server.port);
  {
    // There is a backlog from the first replica on.
    using first = await Link.open(server.port);
    await first.ask(["PSYNC", "?", -1], "+FULLRESYNC", 1);
    while ((await client.info("replication")).get("connected_slaves") !== "1") await sleep(10);
  }
  const result: Resumed = { pingMs: [], tookMs: MISSED.map(() => []) };
  const value = "v".repeat(VALUE_BYTES);
  for (let times = 0; times < count; times++) {
    for (const [index, missed] of MISSED.entries()) {
      const before = await client.info("replication");
      await Promise.all(
        Array.from({ length: missed }, (_, key) => client.send("SET", `missed:${key}`, value)),
      );
      const stands = Number(before.get("master_repl_offset"));
      const ends = Number((await client.info("replication")).get("master_repl_offset"));
      using link = await Link.open(server.port);
      result.pingMs.push(await link.ask(["PING"], "+PONG", 0));
      const words = ["PSYNC", String(before.get("master_replid")), stands + 1];
      result.tookMs[index]?.push(await link.ask(words, "+CONTINUE", ends - stands));
    }
  }
  return result;
}

export async function resuming(context: Context): Promise<Section> {
  const times = context.sizes.replication.resumptions;
  const measured: { ours: Resumed[]; redis: Resumed[] } = { ours: [], redis: [] };
  for (let round = 0; round < context.rounds; round++) {
    context.say(`round ${round + 1} of ${context.rounds}`);
    const pair = await inTurns([context.ours, context.redis], round, (kind) =>
      resumed(kind, times),
    );
    measured.ours.push(pair.ours);
    measured.redis.push(pair.redis);
  }
  const pingMs = (side: "ours" | "redis") => median(measured[side].flatMap((each) => each.pingMs));
  const tookMs = (side: "ours" | "redis", index: number) =>
    median(measured[side].flatMap((each) => each.tookMs[index] as number[]));
  return {
    name: "resuming",
    title: "Partial resynchronisation",
    method:
      "A link to a primary is lost, some keys are set, and a new one says PSYNC: the time until the answer " +
      "and all that was missed have come, and that of a PING by the same connection before. Medians of " +
      `${times} times in each round.`,
    tables: [
      {
        columns: ["server", "PING", "nothing missed", "1 MiB missed"],
        rows: (["ours", "redis"] as const).map((side) => [
          context[side].label,
          milliseconds(pingMs(side)),
          `${milliseconds(tookMs(side, 0))} (${ratio(tookMs(side, 0) / pingMs(side))})`,
          milliseconds(tookMs(side, 1)),
        ]),
      },
    ],
    claims: [
      {
        text: "a link that missed nothing is there again, against a PING",
        measured: tookMs("ours", 0) / pingMs("ours"),
        atMost: 1.5,
        unit: "×",
      },
    ],
    remarks: [],
  };
}
