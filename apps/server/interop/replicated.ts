/** What tests of replication between processes share: a data set, changes to it, and how servers are asked. */
import type { ServerProcess } from "@kv/testing";

export type Words = readonly (string | number)[];

export const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Every type; scores are whole, for versions print others in different ways. */
export const content: readonly Words[] = [
  ["SET", "text", "compressible ".repeat(100)],
  ["SET", "binary\0\r\n", "\xff\0\r\n"],
  ["SET", "expires", "v", "PXAT", 32503680000000],
  ["HSET", "hash", ...numbers(600)],
  ["RPUSH", "list", ...numbers(1000)],
  ["SADD", "set", ...numbers(700), "x"],
  ["SADD", "integers", ...numbers(20)],
  ["ZADD", "sorted", ...numbers(600)],
  ["XADD", "stream", "1-1", "f", "v"],
  ["XGROUP", "CREATE", "stream", "group", "0"],
  ["XREADGROUP", "GROUP", "group", "me", "STREAMS", "stream", ">"],
  ["PFADD", "hyperloglog", ...numbers(50)],
  ["GEOADD", "geo", 13.361389, 38.115556, "Palermo"],
  ["SETBIT", "bits", 1000, 1],
  ["SELECT", 9],
  ["SET", "elsewhere", "v"],
  ["DEBUG", "POPULATE", 20_000, "key", 100],
  ["SELECT", 0],
  [
    "FUNCTION",
    "LOAD",
    "#!lua name=lib\nredis.register_function('f', function() return 'from a function' end)",
  ],
];

/** Commands whose effects are not their words, besides plain ones. The key "short" goes soon. */
export const changes: readonly Words[] = [
  ["SET", "short", "v", "PX", 80],
  ["SPOP", "set", 3],
  ["INCRBYFLOAT", "float", "1.5"],
  ["HINCRBYFLOAT", "hash", "0", "2"],
  ["LMPOP", 1, "list", "LEFT", "COUNT", 5],
  ["ZPOPMIN", "sorted", 2],
  ["XADD", "stream", "MAXLEN", "~", 100, "*", "f", "v"],
  ["XREADGROUP", "GROUP", "group", "me", "COUNT", 1, "STREAMS", "stream", ">"],
  ["GETEX", "text", "EX", 10_000],
  ["EVAL", "redis.call('SET', 'a', 1) redis.call('SELECT', 3) redis.call('SET', 'b', 2)", 0],
  ["MULTI"],
  ["SET", "in transaction", 1],
  ["SELECT", 3],
  ["RPUSH", "l", ...numbers(50)],
  ["SELECT", 0],
  ["EXEC"],
  ["SWAPDB", 3, 4],
  ["BITOP", "NOT", "inverse", "bits"],
  ["COPY", "hash", "copied", "REPLACE"],
  ["SORT", "l", "STORE", "stored"],
  ["FUNCTION", "LOAD", "REPLACE", "#!lua name=lib\nredis.register_function('g', print)"],
  ["SELECT", 9],
  ["FLUSHDB"],
  ["SELECT", 0],
  ["PUBLISH", "channel", "message"],
];

/** The reply to the last of these requests, by a connection of their own. */
export async function send(server: ServerProcess, ...lines: Words[]): Promise<string> {
  const client = await server.connect();
  let reply = "";
  for (const words of lines) reply = await client.request(...words);
  client.close();
  return reply;
}

/** A row of INFO. */
export async function field(server: ServerProcess, name: string): Promise<string | undefined> {
  return new RegExp(`^${name}:(.*)\r$`, "m").exec(await send(server, ["INFO"]))?.[1];
}

/** What a server has: a digest of its keys, and its functions. */
export async function stateOf(server: ServerProcess): Promise<string[]> {
  return [
    await send(server, ["DEBUG", "DIGEST"]),
    await send(server, ["FUNCTION", "LIST", "WITHCODE"]),
  ];
}
