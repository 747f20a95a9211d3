/** Who may say REPLCONF and PSYNC, and what is answered before anybody is a replica. */
import {
  follower,
  harness,
  infoField,
  replicaClient,
  replicaOptions,
  streamText,
} from "@kv/testing";
import { describe, expect, test } from "vitest";

describe("REPLCONF and PSYNC", () => {
  test("need the password, and then the right to say so", () => {
    const kv = harness({ config: { requirepass: "secret" } });
    const client = kv.client();
    const locked = kv.error("NOAUTH Authentication required.");
    expect(client.send("REPLCONF", "listening-port", 1)).toBe(locked);
    expect(client.send("REPLCONF", "ACK", 1)).toBe(locked);
    expect(client.send("PSYNC", "?", -1)).toBe(locked);
    client.send("AUTH", "secret");
    client.send("ACL", "SETUSER", "rep", "on", ">p", "-@all", "+replconf", "+ping");
    expect(client.send("AUTH", "rep", "p")).toBe("OK");
    expect(client.send("PING")).toBe("PONG");
    expect(client.send("REPLCONF", "listening-port", 1)).toBe("OK");
    for (const words of [["PSYNC", "?", -1], ["SYNC"]] as const)
      expect(client.send(...words)).toEqual(
        kv.error(
          `NOPERM User rep has no permissions to run the '${words[0].toLowerCase()}' command`,
        ),
      );
  });

  test.each([
    [["foo", "bar"], "ERR Unrecognized REPLCONF option: foo"],
    [["foo\0\r\n", "bar"], "ERR Unrecognized REPLCONF option: foo"],
    [["constructor", "bar"], "ERR Unrecognized REPLCONF option: constructor"],
    [["__proto__", "bar"], "ERR Unrecognized REPLCONF option: __proto__"],
    [["foo"], "ERR syntax error"],
    [["listening-port", "x"], "ERR value is not an integer or out of range"],
    [
      ["ip-address", "x".repeat(300)],
      "ERR REPLCONF ip-address provided by replica instance is too long: 300 bytes",
    ],
    [["rdb-only", 2], "ERR value is out of range, value must between 0 and 1"],
    [["rdb-filter-only", '"x'], "ERR Missing rdb-filter-only values"],
  ])("refuses REPLCONF %j", (words, text) => {
    const kv = harness();
    expect(kv.send("REPLCONF", ...words)).toEqual(kv.error(text));
  });

  test("what a replica announces of itself is in INFO and ROLE", () => {
    const kv = harness({ config: { "repl-diskless-sync-delay": 0 } });
    const { eof, psync2 } = replicaOptions;
    const client = replicaClient(
      kv,
      eof,
      psync2,
      ["listening-port", 7777],
      ["ip-address", "replica.example"],
    );
    expect(infoField(kv, "connected_slaves")).toBe("0");
    expect(infoField(kv, "slave0")).toBe(undefined);
    client.send("PSYNC", "?", -1);
    kv.clock.advance(100);
    client.send("REPLCONF", "ACK", 0);
    expect(infoField(kv, "slave0")).toBe(
      "ip=replica.example,port=7777,state=online,offset=0,lag=0",
    );
    expect(kv.send("ROLE")).toEqual(["master", 0, [["replica.example", "7777", "0"]]]);
  });

  test("an ACK of nobody, GETACK, and what is no offset are not answered and change nothing", () => {
    const kv = harness({ config: { "repl-diskless-sync-delay": 0 } });
    for (const words of [
      ["ACK", 1],
      ["ACK", 1, "FACK", 1],
      ["GETACK", "*"],
    ] as const)
      expect(kv.send("REPLCONF", ...words)).toBe(undefined);
    const { client } = follower(kv);
    kv.send("SET", "k", "v");
    client.send("REPLCONF", "ACK", 5);
    for (const offset of ["x", "", 4, -9]) client.send("REPLCONF", "ACK", offset, "FACK", "x");
    expect(infoField(kv, "slave0")).toContain("offset=5,");
    expect(client.closed).toBe(false);
  });
});

test("DEBUG REPLICATE: replicas get what is not run here", () => {
  const kv = harness({ config: { "repl-diskless-sync-delay": 0, appendonly: "no" } });
  const { client } = follower(kv);
  expect(kv.send("DEBUG", "REPLICATE", "fake-command", "x")).toBe("OK");
  expect(client.takeRaw()).toContain(streamText("fake-command x"));
  expect(kv.send("DBSIZE")).toBe(0);
});
