import { arg, type Command, command, keyAt, timeoutAt } from "@kv/commands";
import { NONE, setString, Type } from "@kv/core";
import { harness } from "@kv/testing";
import { expect, test } from "vitest";

/** TRADE given wanted value timeout: sets one key, and returns the string at another or waits for it. */
const trade: Command = command({
  name: "trade",
  group: "string",
  since: "1.0.0",
  extension: "Gives and waits.",
  summary: "Sets a key, and returns the string at another or waits for it.",
  complexity: "O(1)",
  arity: 5,
  flags: ["write", "blocking"],
  keys: [keyAt(1, "OW", "update"), keyAt(2, "RO", "access")],
  args: [arg.key("given"), arg.key("wanted"), arg.string("value"), arg.double("timeout")],
  run(call) {
    const { bytes, database } = call;
    const untilMs = timeoutAt(call, 4);
    const wanted = call.readTyped(2, Type.STRING);
    if (wanted !== NONE) {
      call.value.read(call.keyspace.arena, wanted);
      const { value } = call;
      call.reply.bulkFrom(value.bytes, value.view, value.start, value.end);
      return;
    }
    const old = call.find(1);
    const [start, end, hash] = [call.start(1), call.end(1), call.hashOf(1)];
    const [from, to] = [call.start(3), call.end(3)];
    setString(database, old, bytes, start, end, hash, bytes, from, to, false, call.idleOf(old));
    call.changed(1, "set", 8);
    call.waitFor({ firstKey: 2, keyCount: 1, type: Type.STRING, untilMs });
  },
});

const trading = { name: "trading", commands: [trade] };

test("a command that serves another's wait has its own wait afterwards, and its client and protocol", () => {
  const kv = harness({ modules: [trading] });
  const first = kv.client();
  const second = kv.client();
  second.send("HELLO", 3);
  expect(first.send("TRADE", "a", "b", "of the first", 0)).toBe(undefined);
  // It gives what the first one wants, and waits itself for what nobody has given yet.
  expect(second.send("TRADE", "b", "c", "of the second", 0)).toBe(undefined);
  expect(first.receive()).toBe("of the second");
  expect(second.receive()).toBe(undefined);
  expect(kv.send("INFO", "clients")).toMatch(/^blocked_clients:1\r$/m);
  kv.send("SET", "c", "of a third");
  expect(second.receive()).toBe("of a third");
  expect(first.receive()).toBe(undefined);
  expect(second.send("GET", "none")).toBe(null);
  expect(first.send("GET", "a")).toBe("of the first");
  kv.check();
});

test("its timeout is its own as well", () => {
  const kv = harness({ modules: [trading] });
  const first = kv.client();
  const second = kv.client();
  first.send("TRADE", "a", "b", 1, 100);
  second.send("TRADE", "b", "c", 2, 10);
  expect(first.receive()).toBe("2");
  kv.clock.advance(9_999);
  expect(second.receive()).toBe(undefined);
  kv.clock.advance(2);
  expect(second.receive()).toBe(null);
});

test("what its client has sent behind it waits, too", () => {
  const kv = harness({ modules: [trading] });
  const first = kv.client();
  const second = kv.client();
  first.send("TRADE", "a", "b", 1, 0);
  second.sendBytes("TRADE b c 2 0\r\nPING\r\nGET a\r\n");
  expect(first.receive()).toBe("2");
  expect(second.receive()).toBe(undefined);
  kv.send("SET", "c", 3);
  expect([second.receive(), second.receive(), second.receive()]).toEqual(["3", "PONG", "1"]);
});

test("a reply that is to be skipped is skipped when it comes at last", () => {
  const kv = harness({ modules: [trading] });
  const first = kv.client();
  const second = kv.client();
  first.send("TRADE", "a", "b", 1, 0);
  second.sendBytes("CLIENT REPLY SKIP\r\nTRADE b c 2 0\r\nPING\r\n");
  expect(first.receive()).toBe("2");
  expect(second.receive()).toBe(undefined);
  kv.send("SET", "c", 3);
  expect([second.receive(), second.receive()]).toEqual(["PONG", undefined]);
});

test("what others had for its client while it waited comes before its reply", () => {
  const kv = harness({ resp: 3 });
  const waiting = kv.client();
  waiting.send("SUBSCRIBE", "news");
  waiting.send("BLPOP", "list", 0);
  waiting.takeRaw();
  kv.self.sendBytes("MULTI\r\nPUBLISH news first\r\nRPUSH list second\r\nEXEC\r\n");
  expect(waiting.takeRaw().match(/first|second/g)).toEqual(["first", "second"]);
});

test("what it does to others' keys reaches them between their own replies", () => {
  const kv = harness({ resp: 3 });
  const waiting = kv.client();
  waiting.send("BLMOVE", "from", "to", "LEFT", "LEFT", 0);
  kv.send("CLIENT", "TRACKING", "ON");
  kv.send("EXISTS", "to");
  kv.self.takeRaw();
  kv.self.sendBytes("RPUSH from x\r\nLLEN to\r\n");
  expect(kv.self.takeRaw()).toBe(":1\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$2\r\nto\r\n:1\r\n");
});
