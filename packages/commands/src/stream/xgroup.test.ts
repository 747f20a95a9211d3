import { halfReadStream } from "@kv/testing";
import { expect, test } from "vitest";

test("XGROUP makes, moves and destroys groups and consumers", () => {
  const kv = halfReadStream();
  expect(kv.send("XGROUP", "CREATE", "new", "g", "$", "MKSTREAM")).toBe("OK");
  expect(kv.send("XGROUP", "CREATECONSUMER", "k", "g", "d")).toBe(1);
  expect(kv.send("XGROUP", "CREATECONSUMER", "k", "g", "d")).toBe(0);
  expect(kv.send("XGROUP", "DELCONSUMER", "k", "g", "c")).toBe(2);
  expect(kv.send("XGROUP", "SETID", "k", "g", "$")).toBe("OK");
  expect(kv.send("XREADGROUP", "GROUP", "g", "d", "STREAMS", "k", ">")).toBe(null);
  expect(kv.send("XGROUP", "DESTROY", "k", "g")).toBe(1);
  expect(kv.send("XGROUP", "DESTROY", "k", "g")).toBe(0);
  expect(kv.events).toEqual([
    "xgroup-create new",
    "xgroup-createconsumer k",
    "xgroup-delconsumer k",
    "xgroup-setid k",
    "xgroup-destroy k",
  ]);
});

test("XGROUP refuses what is there already, and what is not there", () => {
  const kv = halfReadStream();
  expect(kv.send("XGROUP", "CREATE", "k", "g", 0)).toEqual(
    kv.error("BUSYGROUP Consumer Group name already exists"),
  );
  expect(kv.send("XGROUP", "CREATE", "none", "g", 0)).toEqual(
    kv.error(
      "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to " +
        "use the MKSTREAM option to create an empty stream automatically.",
    ),
  );
  expect(kv.send("XGROUP", "SETID", "k", "h", 0)).toEqual(
    kv.error("NOGROUP No such consumer group 'h' for key name 'k'"),
  );
  expect(kv.send("XGROUP", "CREATE", "k", "h", "x")).toEqual(
    kv.error("ERR Invalid stream ID specified as stream command argument"),
  );
  expect(kv.send("XGROUP", "CREATE", "text", "h", 0)).toEqual(
    kv.error("WRONGTYPE Operation against a key holding the wrong kind of value"),
  );
});

test("XGROUP CREATE and SETID refuse more words than their options have once each", () => {
  const kv = halfReadStream();
  const repeated = ["ENTRIESREAD", 1, "ENTRIESREAD", 2];
  const refused = (name: string) =>
    kv.error(`ERR unknown subcommand or wrong number of arguments for '${name}'. Try XGROUP HELP.`);
  expect(kv.send("XGROUP", "CREATE", "k", "h", 0, ...repeated)).toEqual(refused("CREATE"));
  expect(kv.send("XGROUP", "CREATE", "new", "h", 0, "MKSTREAM", ...repeated)).toEqual(
    refused("CREATE"),
  );
  expect(kv.send("XGROUP", "SETID", "k", "g", "x", ...repeated)).toEqual(refused("SETID"));
  expect(kv.send("XGROUP", "SETID", "k", "none", 0, ...repeated)).toEqual(
    kv.error("NOGROUP No such consumer group 'none' for key name 'k'"),
  );
  expect(kv.send("EXISTS", "new")).toBe(0);
});

test("XGROUP SETID takes the ends of a range for an ID, which CREATE does not", () => {
  const kv = halfReadStream();
  const invalid = kv.error("ERR Invalid stream ID specified as stream command argument");
  const read = () => kv.send("XREADGROUP", "GROUP", "g", "d", "STREAMS", "k", ">");
  expect(kv.send("XGROUP", "SETID", "k", "g", "-")).toBe("OK");
  expect((read() as [string, unknown[]][])[0]?.[1]).toHaveLength(kv.send("XLEN", "k") as number);
  expect(kv.send("XGROUP", "SETID", "k", "g", "+")).toBe("OK");
  expect(read()).toBe(null);
  for (const end of ["-", "+"]) expect(kv.send("XGROUP", "CREATE", "k", "h", end)).toEqual(invalid);
});

test("XGROUP DESTROY wakes who waits with the group, and leaves alone who watches or tracks the stream", () => {
  const kv = halfReadStream();
  const [waiting, watching, tracking] = [kv.client(), kv.client(), kv.client()];
  kv.send("XGROUP", "SETID", "k", "g", "$");
  waiting.sendBytes("XREADGROUP GROUP g d BLOCK 0 STREAMS k >\r\n");
  expect(waiting.takeRaw()).toBe("");
  watching.send("WATCH", "k");
  tracking.send("HELLO", 3);
  tracking.send("CLIENT", "TRACKING", "ON", "BCAST");
  tracking.takeRaw();
  kv.send("XGROUP", "DESTROY", "k", "g");
  kv.engine.turn();
  expect(waiting.takeRaw()).toMatch(/^-NOGROUP /);
  expect(tracking.takeRaw()).toBe("");
  watching.send("MULTI");
  watching.send("PING");
  expect(watching.send("EXEC")).toEqual(["PONG"]);
});
