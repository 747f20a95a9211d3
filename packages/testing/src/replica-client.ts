/** Replica client: a connection of a test that speaks to the server as a replica does, byte for byte. */
import type { Harness, TestClient } from "./harness.ts";
import { requestText } from "./wire-client.ts";

/** Options of REPLCONF, each a name and a value. */
export const replicaOptions = {
  rdbOnly: ["rdb-only", 1],
  eof: ["capa", "eof"],
  psync2: ["capa", "psync2"],
  functionsOnly: ["rdb-filter-only", "functions"],
  nothing: ["rdb-filter-only", ""],
} as const;

/** A client that has said these options. What it gets from now on is for takeRaw(). */
export function replicaClient(
  kv: Harness,
  ...options: (readonly [string, string | number])[]
): TestClient {
  const client = kv.client();
  for (const [name, value] of options)
    if (client.send("REPLCONF", name, value) !== "OK") throw new Error(`REPLCONF ${name} failed`);
  client.isRaw = true;
  client.takeRaw();
  return client;
}

/** The file within what a client got that was told no length before; and what followed it. */
export function dataSetOf(raw: string): { file: string; rest: string } {
  const parts = /^\n*\$EOF:([0-9a-f]{40})\r\n(.*)\1(.*)$/s.exec(raw);
  if (parts === null)
    throw new Error(`no data set with marks: ${JSON.stringify(raw.slice(0, 99))}`);
  return { file: parts[2] as string, rest: parts[3] as string };
}

/** Several requests, one behind the other, as a replica gets them; words are split at spaces. */
export const streamText = (...lines: string[]): string =>
  lines.map((line) => requestText(line.split(" "))).join("");

/**
 * A replica that has the data set and has said so, and what it was told to belong to. The server's
 * `repl-diskless-sync-delay` is 0; `port` is where the replica says that it listens.
 */
export function follower(
  kv: Harness,
  port = 7001,
): { client: TestClient; offset: number; id: string } {
  const { eof, psync2 } = replicaOptions;
  const client = replicaClient(kv, eof, psync2, ["listening-port", port]);
  client.send("PSYNC", "?", -1);
  kv.clock.advance(100);
  const raw = client.takeRaw();
  const [line = "", id = "", offset] = /^\+FULLRESYNC (\w+) (\d+)\r\n/.exec(raw) ?? [];
  const { rest } = dataSetOf(raw.slice(line.length));
  if (rest !== "") throw new Error(`more than the data set: ${JSON.stringify(rest.slice(0, 99))}`);
  client.send("REPLCONF", "ACK", Number(offset));
  return { client, offset: Number(offset), id };
}

/** A field of INFO. */
export function infoField(kv: Harness, name: string): string | undefined {
  const text = kv.send("INFO", "everything") as string;
  return new RegExp(`^${name}:(.*)\r$`, "m").exec(text)?.[1];
}

/** All fields of a section of INFO. */
export function infoFields(kv: Harness, section: string): Record<string, string | undefined> {
  const text = kv.send("INFO", section) as string;
  return Object.fromEntries(
    text
      .split("\r\n")
      .filter((line) => line.includes(":"))
      .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]),
  );
}
