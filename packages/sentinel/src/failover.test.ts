/** A primary fails, and a replica takes its place. */
import { type FleetSentinel, SentinelFleet } from "@kv/testing";
import { describe, expect, test } from "vitest";

const [one, two, three] = ["10.0.0.1:6379", "10.0.0.2:6379", "10.0.0.3:6379"] as const;

/** A primary with two replicas, and so many sentinels, each a little more patient than the one before. */
async function fleetOf(sentinelCount: number, quorum = 2, patienceMs = 300) {
  const fleet = new SentinelFleet();
  await fleet.addServer(one);
  await fleet.addServer(two, one);
  // The one to be chosen.
  await fleet.addServer(three, one, { "replica-priority": 50 });
  const sentinels: FleetSentinel[] = [];
  for (let number = 1; number <= sentinelCount; number++) {
    const lines = `sentinel monitor mymaster 10.0.0.1 6379 ${quorum}
sentinel down-after-milliseconds mymaster ${2700 + number * patienceMs}
sentinel failover-timeout mymaster 20000
`;
    sentinels.push(await fleet.addSentinel(`10.0.1.${number}:26379`, lines));
  }
  // INFO comes at once, greetings each two seconds.
  await fleet.network.advance(12_000);
  for (const sentinel of sentinels) sentinel.events();
  return { fleet, sentinels };
}

const primaryOf = (sentinel: FleetSentinel) =>
  sentinel.send("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster");

const typesOf = (events: readonly string[]) => events.map((event) => event.split(" ")[0]);

describe("a failover", () => {
  test("of a single sentinel goes through all of its states, and the old primary comes back as a replica", async () => {
    const { fleet, sentinels } = await fleetOf(1, 1);
    const [sentinel] = sentinels as [FleetSentinel];
    fleet.kill(one);
    await fleet.network.advance(12_000);
    const about = "slave 10.0.0.3:6379 10.0.0.3 6379 @ mymaster 10.0.0.1 6379";
    const id = sentinel.send("SENTINEL", "MYID");
    const second = "slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379";
    expect(sentinel.events()).toEqual([
      "+sdown master mymaster 10.0.0.1 6379",
      "+odown master mymaster 10.0.0.1 6379 #quorum 1/1",
      "+new-epoch 1",
      "+try-failover master mymaster 10.0.0.1 6379",
      `+vote-for-leader ${id} 1`,
      "+elected-leader master mymaster 10.0.0.1 6379",
      "+failover-state-select-slave master mymaster 10.0.0.1 6379",
      `+selected-slave ${about}`,
      `+failover-state-send-slaveof-noone ${about}`,
      `+failover-state-wait-promotion ${about}`,
      `-role-change ${about} new reported role is master`,
      `+promoted-slave ${about}`,
      "+failover-state-reconf-slaves master mymaster 10.0.0.1 6379",
      `+slave-reconf-sent ${second}`,
      `+slave-reconf-inprog ${second}`,
      `+slave-reconf-done ${second}`,
      "+failover-end master mymaster 10.0.0.1 6379",
      "+switch-master mymaster 10.0.0.1 6379 10.0.0.3 6379",
      "+slave slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.3 6379",
      "+slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.3 6379",
      "+sdown slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.3 6379",
    ]);
    expect(primaryOf(sentinel)).toEqual(["10.0.0.3", "6379"]);
    expect(sentinel.file).toContain("sentinel monitor mymaster 10.0.0.3 6379 1\n");
    expect(sentinel.file).toContain("sentinel config-epoch mymaster 1\n");
    const back = await fleet.addServer(one);
    await fleet.network.advance(40_000);
    expect(sentinel.events()).toEqual([
      "-role-change slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.3 6379 new reported role is master",
      "-sdown slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.3 6379",
      "+convert-to-slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.3 6379",
      "+role-change slave 10.0.0.1:6379 10.0.0.1 6379 @ mymaster 10.0.0.3 6379 new reported role is slave",
    ]);
    // Its clients were sent away, lest they write to what is no primary any more.
    expect(back.self.closed).toBe(true);
    expect(back.client().send("ROLE")).toEqual([
      "slave",
      "10.0.0.3",
      6379,
      "connected",
      expect.any(Number),
    ]);
  });

  test("of three sentinels has one leader, and the others hear of the new primary", async () => {
    const { fleet, sentinels } = await fleetOf(3);
    fleet.kill(one);
    await fleet.network.advance(30_000);
    const leaders = sentinels.filter((sentinel) => {
      const types = typesOf(sentinel.events());
      expect(types.includes("+elected-leader")).toBe(!types.includes("+config-update-from"));
      expect(types).toContain("+switch-master");
      return types.includes("+elected-leader");
    });
    expect(leaders).toHaveLength(1);
    const [primary] = sentinels.map(primaryOf);
    expect(primary).not.toEqual(["10.0.0.1", "6379"]);
    for (const sentinel of sentinels) {
      expect(primaryOf(sentinel)).toEqual(primary);
      expect(sentinel.file).toContain(
        `sentinel monitor mymaster ${(primary as string[]).join(" ")} 2\n`,
      );
    }
  });

  test("fails where all ask for votes at the same moment, and is tried again at different ones", async () => {
    const { fleet, sentinels } = await fleetOf(3, 2, 0);
    fleet.kill(one);
    await fleet.network.advance(20_000);
    for (const sentinel of sentinels) {
      expect(typesOf(sentinel.events()).at(-1)).toBe("-failover-abort-not-elected");
      expect(sentinel.kv.log.join("\n")).toMatch(
        /\nNext failover delay: I will not start a failover for \d+ sec/,
      );
    }
    await fleet.network.advance(40_000);
    const elected = sentinels.filter((each) => typesOf(each.events()).includes("+elected-leader"));
    expect(elected).toHaveLength(1);
    expect(new Set(sentinels.map((sentinel) => `${primaryOf(sentinel)}`)).size).toBe(1);
  });

  test("does not begin without enough sentinels", async () => {
    const { fleet, sentinels } = await fleetOf(3);
    fleet.kill("10.0.1.2:26379");
    fleet.kill("10.0.1.3:26379");
    fleet.kill(one);
    await fleet.network.advance(30_000);
    const types = typesOf(sentinels[0]?.events() ?? []);
    expect(types).toContain("+sdown");
    expect(types).not.toContain("+odown");
    expect(types).not.toContain("+try-failover");
  });
});
