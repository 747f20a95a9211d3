import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import type { Client } from "../../kernel/client.ts";

test("a pause ends on time, not only with the next turn of the cron, and nobody overtakes who waited", () => {
  const kv = harness();
  kv.send("CLIENT", "PAUSE", 30, "WRITE");
  kv.host.advance(29);
  const early = kv.client();
  expect(early.send("SET", "k", "early")).toBeUndefined();
  kv.host.advance(1);
  expect(kv.client().send("SET", "k", "late")).toBe("OK");
  expect(early.receive()).toBe("OK");
  expect(kv.send("GET", "k")).toBe("late");
});

describe("CLIENT LIST", () => {
  test("has one line for each client, in the order in which they came", () => {
    const kv = harness();
    const other = kv.client();
    other.send("SELECT", 2);
    other.send("CLIENT", "SETNAME", "other");
    kv.clock.advance(2500);
    const lines = (kv.send("CLIENT", "LIST") as string).split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[2]).toBe("");
    expect(lines[0]).toMatch(
      /^id=1 addr=\S+:\d+ laddr=\S+:\d+ fd=\d+ name= age=2 idle=0 flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf=26 qbuf-free=\d+ argv-mem=10 multi-mem=0 rbs=\d+ rbp=\d+ obl=0 oll=0 omem=0 tot-mem=\d+ events=r cmd=client\|list user=default redir=-1 resp=2 lib-name= lib-ver=$/,
    );
    expect(lines[1]).toMatch(/^id=2 .* name=other age=2 idle=2 .* db=2 .* cmd=client\|setname /);
  });

  test.each(["LIST", "INFO"])(
    "CLIENT %s shows the bytes of a path and of a user's name",
    (name) => {
      const kv = harness();
      kv.self.sendBytes("ACL SETUSER j\xc3\xb6 on nopass +@all ~*\r\nAUTH j\xc3\xb6 x\r\n");
      Object.assign(kv.self, { isUnix: true, address: "/tmp/\xc3\xbc\xff:0" });
      kv.self.takeRaw();
      kv.self.sendBytes(`CLIENT ${name}\r\n`);
      const raw = kv.self.takeRaw();
      expect(raw).toContain(" addr=/tmp/\xc3\xbc\xff:0 ");
      expect(raw).toContain(" user=j\xc3\xb6 ");
    },
  );

  test("names no command for who asked for one that is none last", () => {
    const kv = harness();
    const other = kv.client();
    other.send("PING");
    other.send("NOSUCH");
    expect(kv.send("CLIENT", "LIST", "ID", 2)).toContain(" cmd=NULL ");
  });

  test("by kind and by number", () => {
    const kv = harness();
    const listener = kv.client();
    listener.send("SSUBSCRIBE", "s");
    const ids = (...words: (string | number)[]) =>
      [...(kv.send("CLIENT", "LIST", ...words) as string).matchAll(/^id=(\d+)/gm)].map((found) =>
        Number(found[1]),
      );
    expect(ids("TYPE", "normal")).toEqual([1]);
    expect(ids("TYPE", "PubSub")).toEqual([2]);
    expect(ids("TYPE", "replica")).toEqual([]);
    expect(ids("ID", 2, 9, 1, 2)).toEqual([2, 1, 2]);
  });

  test("by filters, all of which must hold, and by what they are not", () => {
    const kv = harness();
    const worker = kv.client();
    worker.send("CLIENT", "SETNAME", "worker");
    worker.send("CLIENT", "SETINFO", "LIB-NAME", "lib");
    worker.send("CLIENT", "SETINFO", "LIB-VER", "1.0");
    worker.send("SELECT", 3);
    kv.clock.advance(5000);
    const listener = kv.client();
    listener.send("SUBSCRIBE", "c");
    const ids = (words: string) =>
      [...(kv.send("CLIENT", "LIST", ...words.split(" ")) as string).matchAll(/^id=(\d+)/gm)].map(
        (found) => Number(found[1]),
      );
    const [ip] = worker.address.split(":");
    expect(ids("NAME worker")).toEqual([2]);
    expect(ids("NOT-NAME worker")).toEqual([1, 3]);
    expect(ids("LIB-NAME lib LIB-VER 1.0")).toEqual([2]);
    expect(ids("LIB-NAME lib LIB-VER 2.0")).toEqual([]);
    expect(ids("NOT-LIB-NAME lib")).toEqual([1, 3]);
    expect(ids("NOT-LIB-VER 1.0")).toEqual([1, 3]);
    expect(ids("DB 3")).toEqual([2]);
    expect(ids("NOT-DB 0")).toEqual([2]);
    expect(ids(`IP ${ip}`)).toEqual([1, 2, 3]);
    expect(ids("NOT-IP 1.2.3.4 TYPE pubsub")).toEqual([3]);
    expect(ids("NOT-TYPE pubsub")).toEqual([1, 2]);
    expect(ids(`ADDR ${worker.address}`)).toEqual([2]);
    expect(ids(`NOT-ADDR ${worker.address}`)).toEqual([1, 3]);
    expect(ids(`NOT-LADDR ${worker.localAddress} NOT-ID 1`)).toEqual([]);
    expect(ids("USER default SKIPME yes")).toEqual([2, 3]);
    expect(ids("NOT-USER default")).toEqual([]);
    expect(ids("FLAGS N")).toEqual([1, 2]);
    expect(ids("NOT-FLAGS P")).toEqual([1, 2]);
    expect(ids("MAXAGE 5")).toEqual([1, 2]);
    expect(ids("MAXAGE 6")).toEqual([]);
    expect(ids("IDLE 5")).toEqual([2]);
    expect(ids("CAPA r")).toEqual([]);
    expect(ids("NOT-CAPA r ID 3 2 9 TYPE normal")).toEqual([2]);
    expect(ids("NOT-ID 1 3")).toEqual([2]);
    expect(ids("ID 1 ID 2")).toEqual([2]);
  });

  test.each([
    ["TYPE", "syntax error"],
    ["TYPE normal x", "syntax error"],
    ["ID 1 x", "Invalid client ID"],
    ["ID 1 NAME", "syntax error"],
    ["NOT-SKIPME yes", "syntax error"],
    ["NOT-IDLE 1", "syntax error"],
    ["SKIPME maybe", "syntax error"],
    ["NOT-USER nobody", "No such user 'nobody'"],
    ["NOT-TYPE x", "Unknown client type 'x'"],
    ["FLAGS NZ", "Unknown flags found in the provided filter: NZ"],
    ["NOT-FLAGS Z", "Unknown flags found in the NOT-FLAGS filter: Z"],
    ["CAPA x", "Unknown capa found in the provided filter: x"],
    ["DB 16", "DB index is out of range"],
    ["DB x", "value is not an integer or out of range"],
    ["IDLE 0", "idle should be greater than 0"],
    ["MAXAGE x", "maxage is not an integer or out of range"],
  ])("LIST %s is refused", (words, message) => {
    const kv = harness();
    expect(kv.send("CLIENT", "LIST", ...words.split(" "))).toBe(kv.error(`ERR ${message}`));
  });

  test("flags tell what is going on", () => {
    const kv = harness({ resp: 3 });
    const flags = () => /flags=(\w+)/.exec(kv.send("CLIENT", "INFO") as string)?.[1];
    expect(flags()).toBe("N");
    kv.send("SUBSCRIBE", "a");
    expect(flags()).toBe("P");
    kv.send("CLIENT", "TRACKING", "ON", "BCAST");
    kv.send("CLIENT", "NO-EVICT", "ON");
    kv.send("CLIENT", "NO-TOUCH", "ON");
    expect(flags()).toBe("PtBeT");
    kv.send("RESET");
    const other = kv.client();
    other.send("MULTI");
    other.send("PING");
    expect(kv.send("CLIENT", "LIST", "ID", 2)).toMatch(/ flags=x .* multi=1 /);
  });

  test("SETINFO says which library is speaking", () => {
    const kv = harness();
    expect(kv.send("CLIENT", "SETINFO", "lib-name", "redis-py(x)")).toBe("OK");
    expect(kv.send("CLIENT", "SETINFO", "LIB-VER", "1.2.3")).toBe("OK");
    expect(kv.send("CLIENT", "INFO")).toMatch(/ lib-name=redis-py\(x\) lib-ver=1\.2\.3\n$/);
    expect(kv.send("CLIENT", "SETINFO", "lib-ver", "1 2")).toBe(
      kv.error("ERR lib-ver cannot contain spaces, newlines or special characters."),
    );
    expect(kv.send("CLIENT", "SETINFO", "name", "x")).toBe(
      kv.error("ERR Unrecognized option 'name'"),
    );
    kv.send("CLIENT", "SETINFO", "LIB-VER", "");
    expect(kv.send("CLIENT", "INFO")).toMatch(/ lib-ver=\n$/);
  });

  test("HELP has a line for every subcommand", () => {
    const kv = harness();
    const lines = kv.send("CLIENT", "HELP") as string[];
    expect(lines[0]).toBe("CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    expect(lines.at(-2)).toBe("HELP");
    for (const name of kv.engine.commands.byName.get("client")?.subcommands?.keys() ?? [])
      expect(lines.some((line) => line.split(" ")[0] === name.toUpperCase())).toBe(true);
  });
});

describe("CLIENT KILL", () => {
  test("the old form closes by address, even the caller", () => {
    const kv = harness();
    const other = kv.client();
    expect(kv.send("CLIENT", "KILL", other.address)).toBe("OK");
    expect(other.closed).toBe(true);
    expect(kv.send("CLIENT", "KILL", other.address)).toBe(kv.error("ERR No such client"));
    expect(kv.send("CLIENT", "KILL", kv.self.address)).toBe("OK");
    expect(kv.self.closed).toBe(true);
  });

  test("the new form counts, and spares the caller unless told otherwise", () => {
    const kv = harness();
    const others = [kv.client(), kv.client()];
    expect(kv.send("CLIENT", "KILL", "TYPE", "normal")).toBe(2);
    expect(others.map((each) => each.closed)).toEqual([true, true]);
    expect(kv.self.closed).toBe(false);
    expect(kv.send("CLIENT", "KILL", "USER", "default", "SKIPME", "no")).toBe(1);
    expect(kv.self.closed).toBe(true);
  });

  test("all filters must hold", () => {
    const kv = harness();
    const other = kv.client();
    expect(kv.send("CLIENT", "KILL", "ID", 2, "ADDR", "1.2.3.4:5")).toBe(0);
    expect(kv.send("CLIENT", "KILL", "ID", 2, "TYPE", "pubsub")).toBe(0);
    expect(kv.send("CLIENT", "KILL", "LADDR", other.localAddress, "ID", 2)).toBe(1);
    expect(other.closed).toBe(true);
  });

  test("MAXAGE closes whoever has been there for so long, several numbers those", () => {
    const kv = harness();
    const old = kv.client();
    kv.clock.advance(3000);
    const others = [kv.client(), kv.client(), kv.client()];
    expect(kv.send("CLIENT", "KILL", "MAXAGE", 4)).toBe(0);
    expect(kv.send("CLIENT", "KILL", "MAXAGE", 3)).toBe(1);
    expect(old.closed).toBe(true);
    expect(kv.send("CLIENT", "KILL", "ID", 3, 5, "NOT-ID", 5)).toBe(1);
    expect(others.map((each) => each.closed)).toEqual([true, false, false]);
    expect(kv.send("CLIENT", "KILL", "MAXAGE", 0)).toBe(
      kv.error("ERR maxage should be greater than 0"),
    );
    expect(kv.send("CLIENT", "KILL", "ID", 3, 0)).toBe(
      kv.error("ERR client-id should be greater than 0"),
    );
  });

  test("the rest of the caller's own pipeline is not run", () => {
    const kv = harness();
    const request = `CLIENT KILL ${kv.self.address}\r\nSET k v\r\n`;
    kv.self.sendBytes(request);
    expect(kv.self.takeRaw()).toBe("+OK\r\n");
    expect(kv.client().send("EXISTS", "k")).toBe(0);
  });

  test("a subscription dies with its client", () => {
    const kv = harness();
    const other = kv.client();
    other.send("SUBSCRIBE", "a");
    kv.send("CLIENT", "KILL", "TYPE", "pubsub");
    expect(kv.send("PUBLISH", "a", "x")).toBe(0);
  });
});

describe("CLIENT REPLY", () => {
  test("SKIP skips exactly the next command, in a pipeline too", () => {
    const kv = harness();
    kv.self.sendBytes("CLIENT REPLY SKIP\r\nECHO 1\r\nECHO 2\r\n");
    expect(kv.self.takeRaw()).toBe("$1\r\n2\r\n");
    kv.self.sendBytes("CLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nECHO 1\r\nECHO 2\r\n");
    expect(kv.self.takeRaw()).toBe("$1\r\n2\r\n");
    kv.self.sendBytes(
      "CLIENT REPLY SKIP\r\nFOO\r\nECHO 2\r\nCLIENT REPLY SKIP\r\nGET\r\nECHO 3\r\n",
    );
    expect(kv.self.takeRaw()).toBe("$1\r\n2\r\n$1\r\n3\r\n");
  });

  test.each(["SKIP", "OFF"])("%s silences the error of a broken request, too", (mode) => {
    const kv = harness();
    kv.self.sendBytes(`CLIENT REPLY ${mode}\r\n*1\r\n!\r\n`);
    expect(kv.self.takeRaw()).toBe("");
    expect(kv.self.closed).toBe(true);
  });

  test("OFF silences all but pushes, until ON says OK", () => {
    const kv = harness({ resp: 3 });
    kv.send("SUBSCRIBE", "a");
    kv.self.takeRaw();
    kv.self.sendBytes("CLIENT REPLY OFF\r\nPING\r\nPUBLISH a x\r\nSUBSCRIBE b\r\nPING\r\n");
    expect(kv.self.takeRaw()).toBe(
      ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n",
    );
    expect(kv.client().send("PUBLISH", "a", "y")).toBe(1);
    expect(kv.self.takeRaw()).toBe(">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\ny\r\n");
    expect(kv.send("CLIENT", "REPLY", "ON")).toBe("OK");
    expect(kv.send("PING")).toBe("PONG");
  });
});

describe("CLIENT PAUSE", () => {
  test("ALL holds every command until the time is up", () => {
    const kv = harness();
    const other = kv.client();
    expect(kv.send("CLIENT", "PAUSE", 500)).toBe("OK");
    expect(other.send("GET", "k")).toBe(undefined);
    other.sendBytes("PING\r\n");
    kv.clock.advance(400);
    expect(other.pushed()).toEqual([]);
    kv.clock.advance(300);
    expect(other.pushed()).toEqual([null, "PONG"]);
  });

  test("WRITE holds what changes data, and EXEC with such a command", () => {
    const kv = harness();
    const writer = kv.client();
    const executor = kv.client();
    kv.send("CLIENT", "PAUSE", 100_000, "WRITE");
    expect(kv.send("GET", "k")).toBe(null);
    expect(writer.send("SET", "k", "v")).toBe(undefined);
    executor.send("MULTI");
    expect(executor.send("INCR", "n")).toBe(undefined);
    expect(kv.send("CLIENT", "LIST", "ID", 2)).toMatch(/flags=b /);
    expect(kv.send("PUBLISH", "a", "x")).toBe(undefined);
  });

  test("UNPAUSE lets them go on in their order, behind its own reply", () => {
    const kv = harness();
    const writers = [kv.client(), kv.client()];
    kv.send("CLIENT", "PAUSE", 100_000, "WRITE");
    for (const [index, writer] of writers.entries()) writer.send("APPEND", "k", index);
    kv.self.sendBytes("CLIENT UNPAUSE\r\nGET k\r\n");
    expect(kv.self.pushed()).toEqual(["OK", null]);
    expect(writers.map((writer) => writer.receive())).toEqual([1, 2]);
    expect(kv.send("GET", "k")).toBe("01");
  });

  test("a later pause neither shortens nor softens one in force", () => {
    const kv = harness();
    const other = kv.client();
    kv.self.sendBytes("CLIENT PAUSE 1000 WRITE\r\nCLIENT PAUSE 10 ALL\r\n");
    expect(other.send("GET", "k")).toBe(undefined);
    kv.clock.advance(500);
    expect(other.receive()).toBe(undefined);
    kv.clock.advance(700);
    expect(other.receive()).toBe(null);
  });

  test("nothing expires meanwhile", () => {
    const kv = harness();
    kv.send("SET", "k", "v", "PX", 50);
    kv.send("CLIENT", "PAUSE", 10_000, "WRITE");
    kv.clock.advance(1000);
    expect(kv.events).not.toContain("expired k");
    expect(kv.send("CLIENT", "UNPAUSE")).toBe("OK");
    kv.clock.advance(1000);
    expect(kv.events).toContain("expired k");
  });

  test.each([
    ["x", "ERR timeout is not an integer or out of range"],
    ["-1", "ERR timeout is negative"],
    ["9223372036854775807", "ERR timeout is out of range"],
  ])("refuses %s", (timeout, error) => {
    const kv = harness();
    expect(kv.send("CLIENT", "PAUSE", timeout)).toBe(kv.error(error));
    expect(kv.send("PING")).toBe("PONG");
  });
});

describe("CLIENT UNBLOCK", () => {
  test("ends a wait, if there is one", () => {
    const kv = harness();
    const other = kv.client();
    expect(kv.send("CLIENT", "UNBLOCK", 2)).toBe(0);
    const ended: boolean[] = [];
    if (other.client !== null) other.client.unblock = (error) => ended.push(error !== null);
    expect(kv.send("CLIENT", "UNBLOCK", 2)).toBe(1);
    expect(kv.send("CLIENT", "UNBLOCK", 2, "ERROR")).toBe(1);
    expect(ended).toEqual([false, true]);
  });

  test("a client that only CLIENT PAUSE holds is not blocked", () => {
    const kv = harness();
    const other = kv.client();
    kv.send("CLIENT", "PAUSE", 10_000, "WRITE");
    other.send("SET", "k", "v");
    expect(kv.send("CLIENT", "UNBLOCK", 2)).toBe(0);
  });
});

test("connections that come and go are told to who reads the verbose log", () => {
  const kv = harness({ config: { loglevel: "verbose" } });
  const client = kv.client();
  expect(kv.log.at(-1)).toMatch(/^Accepted 127\.0\.0\.1:\d+$/);
  kv.engine.disconnected(client.client as Client);
  expect(kv.log.at(-1)).toMatch(/^Client closed connection id=\d+ addr=127\.0\.0\.1:\d+ /);
  const before = kv.log.length;
  kv.send("CONFIG", "SET", "loglevel", "notice");
  kv.engine.disconnected(kv.client().client as Client);
  expect(kv.log.length).toBe(before);
});

describe("the names of clients", () => {
  const longest = "n".repeat(4096);
  const tooLong = "n".repeat(4097);

  test("are refused past four kilobytes, so that CLIENT LIST stays readable", () => {
    const kv = harness();
    const refusal = kv.error("ERR Client names cannot be longer than 4096 bytes.");
    expect(kv.send("CLIENT", "SETNAME", tooLong)).toBe(refusal);
    expect(kv.send("HELLO", 2, "SETNAME", tooLong)).toBe(refusal);
    expect(kv.send("CLIENT", "GETNAME")).toBe(null);
    expect(kv.send("CLIENT", "SETNAME", longest)).toBe("OK");
    for (const option of ["lib-name", "LIB-VER"]) {
      expect(kv.send("CLIENT", "SETINFO", option, tooLong)).toBe(
        kv.error(`ERR ${option} cannot be longer than 4096 bytes.`),
      );
      expect(kv.send("CLIENT", "SETINFO", option, longest)).toBe("OK");
    }
    expect(kv.send("CLIENT", "INFO")).toContain(` name=${longest} `);
  });

  test("count as memory of their client", () => {
    const kv = harness();
    const other = kv.client();
    const total = () =>
      Number(/id=2 .* tot-mem=(\d+)/.exec(kv.send("CLIENT", "LIST") as string)?.[1]);
    other.send("CLIENT", "SETNAME", "");
    const before = total();
    other.send("CLIENT", "SETNAME", longest);
    other.send("CLIENT", "SETINFO", "LIB-VER", longest);
    expect(total() - before).toBe(8192);
  });

  test("make no list of clients too long: its length is told first, then each line", () => {
    const kv = harness({ resp: 3 });
    for (let i = 0; i < 300; i++) {
      const client = kv.client();
      client.send("CLIENT", "SETNAME", longest);
      client.send("CLIENT", "SETINFO", "LIB-NAME", longest);
    }
    kv.self.takeRaw();
    const lines = (kv.send("CLIENT", "LIST") as string).split("\n");
    expect(lines).toHaveLength(302);
    const raw = kv.self.takeRaw();
    const header = /^=(\d+)\r\ntxt:/.exec(raw);
    expect(Number(header?.[1])).toBe(raw.length - (header?.[0].length ?? 0) - 2 + 4);
    expect(lines[300]).toMatch(/^id=301 .* name=n{4096} .* lib-name=n{4096} lib-ver=$/);
    const ids = Array.from({ length: 2000 }, () => 7);
    expect((kv.send("CLIENT", "LIST", "ID", ...ids) as string).split("\n")).toHaveLength(2001);
  });
});
