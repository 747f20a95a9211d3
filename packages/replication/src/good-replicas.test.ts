/** Writes are refused while too few replicas follow closely (min-replicas-to-write). */
import { follower, harness, infoField } from "@kv/testing";
import { describe, expect, test } from "vitest";

const REFUSED = "NOREPLICAS Not enough good replicas to write.";

describe("min-replicas-to-write", () => {
  const wanting = (count: number) =>
    harness({
      config: {
        "min-replicas-to-write": count,
        "min-replicas-max-lag": 2,
        "repl-diskless-sync-delay": 0,
      },
    });

  test("without enough of them writes are refused, and only those", () => {
    const kv = wanting(1);
    const refused = kv.error(REFUSED);
    expect(kv.send("SET", "k", "v")).toBe(refused);
    expect(kv.send("GET", "k")).toBe(null);
    expect(kv.send("EVAL", "return redis.call('SET', KEYS[1], 1)", 1, "k")).toEqual(
      expect.objectContaining({ message: expect.stringContaining(REFUSED) }),
    );
    kv.send("MULTI");
    expect(kv.send("SET", "k", "v")).toBe(refused);
    expect(kv.send("EXEC")).toEqual(
      kv.error("EXECABORT Transaction discarded because of previous errors."),
    );
    expect(infoField(kv, "min_slaves_good_slaves")).toBe("0");
  });

  test("a transaction that was queued before the last one went is refused as a whole", () => {
    const kv = wanting(1);
    const { client } = follower(kv);
    const writer = kv.client();
    writer.send("MULTI");
    expect(writer.send("SET", "k", "v")).toBe("QUEUED");
    client.destroy();
    expect(writer.send("EXEC")).toEqual(
      kv.error(
        "EXECABORT Transaction discarded because of: NOREPLICAS Not enough good replicas to write.",
      ),
    );
  });

  test("one counts from when it is online, as long as it says how far it is", () => {
    const kv = wanting(2);
    const [one, other] = [follower(kv).client, follower(kv).client];
    expect(kv.send("SET", "k", "v")).toBe("OK");
    expect(infoField(kv, "min_slaves_good_slaves")).toBe("2");
    for (let second = 0; second < 4; second++) {
      kv.clock.advance(1000);
      one.send("REPLCONF", "ACK", 0);
    }
    expect(kv.send("SET", "k", "v")).toBe(kv.error(REFUSED));
    expect(infoField(kv, "min_slaves_good_slaves")).toBe("1");
    other.send("REPLCONF", "ACK", 0);
    expect(kv.send("SET", "k", "v")).toBe("OK");
    other.destroy();
    expect(kv.send("SET", "k", "v")).toBe(kv.error(REFUSED));
  });

  test("CONFIG SET counts at once; 0 of either switches it off", () => {
    const kv = wanting(0);
    expect(infoField(kv, "min_slaves_good_slaves")).toBe(undefined);
    expect(kv.send("SET", "k", "v")).toBe("OK");
    kv.send("CONFIG", "SET", "min-replicas-to-write", 1);
    expect(kv.send("SET", "k", "v")).toBe(kv.error(REFUSED));
    kv.send("CONFIG", "SET", "min-replicas-max-lag", 0);
    expect(kv.send("SET", "k", "v")).toBe("OK");
  });
});
