/** Instances and greetings that are not what they should be: memory stays bounded, the log says why. */
import type { Connection, Dialed } from "@kv/engine";
import { type FleetSentinel, SentinelFleet } from "@kv/testing";
import { describe, expect, test } from "vitest";

const primary = "10.0.0.1:6379";

/**
 * A sentinel whose primary answers with these bytes, whatever it is asked; null: nothing. `canListen`: but
 * for SUBSCRIBE, which is taken, and nothing comes.
 */
async function facing(answer: string | null, canListen = false) {
  const fleet = new SentinelFleet();
  const sentinel = await fleet.addSentinel("10.0.1.1:26379");
  const sent: string[] = [];
  let dialCount = 0;
  sentinel.kv.host.network = {
    dial(_target, dialed: Dialed) {
      dialCount++;
      let isAbandoned = false;
      const connection = {
        address: primary,
        localAddress: "10.0.1.1:40000",
        give(bytes: Uint8Array) {
          const text = Buffer.from(bytes).toString("latin1");
          sent.push(text);
          if (answer === null || (canListen && text.includes("SUBSCRIBE"))) return;
          const reply = Buffer.from(answer, "latin1");
          queueMicrotask(() => {
            if (isAbandoned) return;
            const view = new DataView(reply.buffer, reply.byteOffset, reply.length);
            dialed.received(reply, view, 0, reply.length);
          });
        },
      } as unknown as Connection;
      queueMicrotask(() => {
        if (!isAbandoned) dialed.opened(connection);
      });
      return {
        abandon() {
          isAbandoned = true;
        },
      };
    },
  };
  return { fleet, sentinel, sent, dials: () => dialCount };
}

const flagsOf = (sentinel: FleetSentinel) =>
  (sentinel.send("SENTINEL", "MASTER", "mymaster") as string[])[9];

describe("a server", () => {
  test.each([
    ["talks no RESP", "HTTP/1.1 400 Bad Request\r\n\r\n", "Protocol error"],
    ["says absurd lengths", "$99999999999999999999\r\n", "Protocol error"],
    ["never ends a line", `+${"x".repeat(2 ** 17)}`, "Protocol error"],
    [
      "never ends an array",
      `*999999999\r\n${`$65536\r\n${"x".repeat(65536)}\r\n`.repeat(128)}`,
      "Reply too long",
    ],
    ["sends all that it has", `$400000000\r\n${"x".repeat(2 ** 23)}`, "Reply too long"],
  ])("that %s is hung up on, counts as down, and is tried again", async (_, answer, reason) => {
    const { fleet, sentinel, dials } = await facing(answer);
    await fleet.network.advance(6000);
    expect(sentinel.kv.log).toContain(`-cmd-link master mymaster 10.0.0.1 6379 #${reason}`);
    expect(flagsOf(sentinel)).toContain("s_down");
    expect(dials()).toBeGreaterThan(4);
  });

  test("that refuses everything counts as down", async () => {
    const { fleet, sentinel } = await facing("-NOAUTH Authentication required.\r\n");
    await fleet.network.advance(6000);
    // It cannot be listened to, either: that connection is tried again and again.
    expect(flagsOf(sentinel)).toBe("s_down,master,disconnected");
    expect(sentinel.kv.log).toContain(
      "-pubsub-link master mymaster 10.0.0.1 6379 #NOAUTH Authentication required.",
    );
  });

  test("that is loading, or has lost its primary, is alive", async () => {
    for (const answer of ["-LOADING Redis is loading\r\n", "-MASTERDOWN Link is down\r\n"]) {
      const { fleet, sentinel } = await facing(answer, true);
      await fleet.network.advance(6000);
      expect(flagsOf(sentinel)).toBe("master");
    }
  });

  test("that a script keeps busy is told once to end it", async () => {
    const { fleet, sentinel, sent } = await facing("-BUSY Redis is busy\r\n", true);
    await fleet.network.advance(8000);
    expect(flagsOf(sentinel)).toBe("s_down,master,script_kill_sent");
    expect(sent.filter((text) => text.includes("SCRIPT"))).toHaveLength(1);
  });

  test("that says nothing gets no more than a hundred requests", async () => {
    const { fleet, sentinel, sent } = await facing(null);
    await fleet.network.advance(14_000);
    expect(sent.length).toBeLessThan(120);
    expect(flagsOf(sentinel)).toContain("s_down");
  });

  test("says of its replicas what cannot be: those are passed over", async () => {
    const info =
      "role:master\r\nslave0:ip=nosuch.host,port=1\r\nslave1:ip=10.0.0.2,port=70000\r\nslave2:x\r\nslave3:10.0.0.3,6379,online\r\n";
    const { fleet, sentinel } = await facing(`$${info.length}\r\n${info}\r\n`);
    await fleet.network.advance(1000);
    expect(sentinel.events().filter((event) => event.startsWith("+slave"))).toEqual([
      "+slave slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379",
    ]);
  });
});

describe("a greeting", () => {
  const id = "b".repeat(40);

  test.each([
    ["too few words", `10.0.1.9,26379,${id},0,mymaster,10.0.0.1,6379`],
    ["another primary", `10.0.1.9,26379,${id},0,other,10.0.0.1,6379,0`],
    ["no port", `10.0.1.9,0,${id},0,mymaster,10.0.0.1,6379,0`],
    ["a port that is none", `10.0.1.9,x,${id},0,mymaster,10.0.0.1,6379,0`],
    ["a name where numbers are wanted", `nosuch.host,1,${id},0,mymaster,10.0.0.1,6379,0`],
    ["an epoch that is none", `10.0.1.9,26379,${id},1e99,mymaster,10.0.0.1,6379,0`],
    ["a configuration without a place", `10.0.1.9,26379,${id},0,mymaster,nowhere,6379,9`],
    ["no id", "10.0.1.9,26379,,0,mymaster,10.0.0.1,6379,0"],
  ])("with %s is passed over", async (_, text) => {
    const fleet = new SentinelFleet();
    const sentinel = await fleet.addSentinel("10.0.1.1:26379");
    const before = sentinel.file;
    expect(sentinel.send("PUBLISH", "__sentinel__:hello", text)).toBe(1);
    expect(sentinel.events()).toEqual([]);
    expect(sentinel.file).toBe(before);
  });

  test("with line ends in its id breaks no line of the file", async () => {
    const fleet = new SentinelFleet();
    const sentinel = await fleet.addSentinel("10.0.1.1:26379");
    const evil = "c\nsentinel monitor evil 10.0.0.66 6379 1";
    sentinel.send(
      "PUBLISH",
      "__sentinel__:hello",
      `10.0.1.9,26379,${evil},0,mymaster,10.0.0.1,6379,0`,
    );
    expect(sentinel.file).not.toMatch(/^sentinel monitor evil/m);
    const again = await fleet.addSentinel("10.0.1.1:26379", sentinel.file);
    expect(again.send("ROLE")).toEqual(["sentinel", ["mymaster"]]);
  });

  test("of another sentinel at a known place: who was there before is forgotten everywhere", async () => {
    const fleet = new SentinelFleet();
    const lines =
      "sentinel monitor mymaster 10.0.0.1 6379 2\nsentinel monitor other 10.0.0.5 6379 2\n";
    const sentinel = await fleet.addSentinel("10.0.1.1:26379", lines);
    const greet = (who: string, name: string) =>
      sentinel.send(
        "PUBLISH",
        "__sentinel__:hello",
        `10.0.1.9,26379,${who},0,${name},10.0.0.1,6379,0`,
      );
    greet(id, "mymaster");
    greet(id, "other");
    sentinel.events();
    // Its file was lost, so it has come back with another id.
    const again = "e".repeat(40);
    greet(again, "mymaster");
    expect(sentinel.events()).toEqual([
      `+sentinel-invalid-addr sentinel ${id} 10.0.1.9 26379 @ mymaster 10.0.0.1 6379`,
      `+sentinel sentinel ${again} 10.0.1.9 26379 @ mymaster 10.0.0.1 6379`,
    ]);
    const peers = (name: string) =>
      (sentinel.send("SENTINEL", "SENTINELS", name) as string[][]).map((words) => words[1]);
    expect(peers("mymaster")).toEqual([again]);
    expect(peers("other")).toEqual([]);
    expect(sentinel.file).not.toContain(id);
  });

  test("with a later configuration moves the primary, with an older one it does not", async () => {
    const fleet = new SentinelFleet();
    const sentinel = await fleet.addSentinel("10.0.1.1:26379");
    const greet = (epoch: number, host: string) =>
      sentinel.send(
        "PUBLISH",
        "__sentinel__:hello",
        `10.0.1.9,26379,${id},${epoch},mymaster,${host},6379,${epoch}`,
      );
    greet(5, "10.0.0.2");
    greet(4, "10.0.0.3");
    await fleet.network.advance(100);
    expect(sentinel.events()).toEqual([
      `+sentinel sentinel ${id} 10.0.1.9 26379 @ mymaster 10.0.0.1 6379`,
      "+new-epoch 5",
      `+config-update-from sentinel ${id} 10.0.1.9 26379 @ mymaster 10.0.0.1 6379`,
      "+switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379",
      "+slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.2 6379",
    ]);
    expect(sentinel.file).toContain("sentinel monitor mymaster 10.0.0.2 6379 2\n");
  });
});

describe("names of hosts", () => {
  test("are taken where the file says so, and told as numbers or as names", async () => {
    const fleet = new SentinelFleet();
    await fleet.addServer("db.example:6379");
    const text = `sentinel resolve-hostnames yes
sentinel monitor mymaster db.example 6379 1
`;
    const sentinel = await fleet.addSentinel("10.0.1.1:26379", text);
    await fleet.network.advance(2000);
    expect(flagsOf(sentinel)).toBe("master");
    expect(sentinel.send("SENTINEL", "CONFIG", "SET", "announce-hostnames", "yes")).toBe("OK");
    expect(sentinel.send("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")).toEqual([
      "db.example",
      "6379",
    ]);
    expect(sentinel.file).toContain("sentinel monitor mymaster db.example 6379 1\n");
  });

  test("are known by their numbers where nobody answers: other sentinels ask by those", async () => {
    const fleet = new SentinelFleet();
    fleet.network.names.set("db.example", "10.0.0.1");
    const text = `sentinel resolve-hostnames yes
sentinel monitor mymaster db.example 6379 2
sentinel down-after-milliseconds mymaster 1000
`;
    const sentinel = await fleet.addSentinel("10.0.1.1:26379", text);
    await fleet.network.advance(3000);
    expect(flagsOf(sentinel)).toContain("s_down");
    const asked = (host: string) =>
      sentinel.send("SENTINEL", "IS-MASTER-DOWN-BY-ADDR", host, "6379", "0", "*");
    expect(asked("10.0.0.1")).toEqual([1, "*", 0]);
    expect(asked("db.example")).toEqual([1, "*", 0]);
    // The name leads elsewhere now.
    fleet.network.names.set("db.example", "10.0.0.9");
    await fleet.network.advance(3000);
    expect(asked("10.0.0.1")).toEqual([0, "*", 0]);
    expect(asked("10.0.0.9")).toEqual([1, "*", 0]);
  });
});
