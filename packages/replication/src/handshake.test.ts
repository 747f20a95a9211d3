/** What a replica says to a primary, line by line. */
import { describe, expect, test } from "vitest";
import { Handshake, type HandshakeFacts, type Outcome } from "./handshake.ts";

const id = "a".repeat(40);

/** A handshake that has said its first word. */
function begun(facts: Partial<HandshakeFacts> = {}) {
  const said: string[] = [];
  const log: string[] = [];
  const handshake = new Handshake(
    {
      user: "",
      password: "",
      port: 7000,
      ip: "",
      version: "7.2.4",
      history: null,
      isFailover: false,
      ...facts,
    },
    {
      send: (...words) => said.push(words.join(" ")),
      log: (_level, line) => log.push(line),
    },
  );
  /** Answers; what comes of the last. */
  const answer = (...lines: string[]): Outcome | undefined => {
    let outcome: Outcome | undefined;
    for (const line of lines) outcome = handshake.answer(line);
    return outcome;
  };
  return { said, log, answer };
}

const introduced = ["+PONG", "+OK", "+OK", "+OK"];

describe("Handshake", () => {
  test("says who it is, one thing after the other, and then asks", () => {
    const { said, answer } = begun({ password: "p", user: "u", ip: "10.0.0.1" });
    expect(said.splice(0)).toEqual(["PING"]);
    answer("+PONG");
    expect(said.splice(0)).toEqual([
      "AUTH u p",
      "REPLCONF listening-port 7000",
      "REPLCONF ip-address 10.0.0.1",
      "REPLCONF capa eof capa psync2",
      "REPLCONF version 7.2.4",
    ]);
    // PSYNC behind what has not been answered would be refused.
    answer("+OK", "+OK", "+OK", "+OK");
    expect(said).toEqual([]);
    answer("+OK");
    expect(said).toEqual(["PSYNC ? -1"]);
  });

  test("asks for what it lacks, or to take the lead over", () => {
    const history = { id, offset: 41 };
    const one = begun({ history });
    one.answer(...introduced);
    expect(one.said.at(-1)).toBe(`PSYNC ${id} 42`);
    const other = begun({ history, isFailover: true });
    other.answer(...introduced);
    expect(other.said.at(-1)).toBe(`PSYNC ${id} 42 FAILOVER`);
    const nobody = begun({ password: "p" });
    nobody.answer("+PONG");
    expect(nobody.said[1]).toBe("AUTH p");
  });

  test.each([
    "+PONG",
    "+anything",
    "-NOAUTH Authentication required.",
    "-NOPERM no",
    "-ERR operation not permitted",
  ])("goes on when PING is answered with %s", (line) => {
    const { said, answer } = begun();
    expect(answer("", "", line)).toBe(undefined);
    expect(said.length).toBe(4);
  });

  test.each(["-ERR no", "-LOADING", "PONG", "$4", "\0", "*1"])("gives up: PING, %j", (line) => {
    const { said, log, answer } = begun();
    expect(answer(line)).toEqual({ kind: "retry" });
    expect(log).toEqual([`Error reply to PING from master: '${line}'`]);
    expect(said).toEqual(["PING"]);
  });

  test("gives up: AUTH is refused", () => {
    const { log, answer } = begun({ password: "p" });
    expect(answer("+PONG", "-WRONGPASS no")).toEqual({ kind: "retry" });
    expect(log.at(-1)).toBe("Unable to AUTH to MASTER: -WRONGPASS no");
  });

  test("goes on whatever is said to REPLCONF, with empty lines between", () => {
    const { said, log, answer } = begun();
    answer("+PONG", "", "-ERR a", "", "-ERR b", "what", "");
    expect(said.at(-1)).toBe("PSYNC ? -1");
    expect(log.filter((line) => line.startsWith("(Non critical)"))).toEqual([
      "(Non critical) Master does not understand REPLCONF listening-port: -ERR a",
      "(Non critical) Master does not understand REPLCONF capa: -ERR b",
    ]);
  });

  const b = "B1".repeat(20);
  test.each<[string, Outcome]>([
    [`+FULLRESYNC ${id} 0`, { kind: "full", id, offset: 0 }],
    [`+FULLRESYNC ${b} 123456789012345`, { kind: "full", id: b, offset: 123456789012345 }],
    ["+CONTINUE", { kind: "continue", id: undefined }],
    ["+CONTINUE ", { kind: "continue", id: undefined }],
    [`+CONTINUE ${b}`, { kind: "continue", id: b }],
    ["-ERR unknown command 'PSYNC'", { kind: "sync" }],
    ["-ERR Unknown command", { kind: "sync" }],
    ["-NOMASTERLINK no", { kind: "retry" }],
    ["-LOADING no", { kind: "retry" }],
    ["-ERR no", { kind: "retry" }],
    ["+OK", { kind: "retry" }],
    ["what", { kind: "retry" }],
    ["+FULLRESYNC", { kind: "retry" }],
    [`+FULLRESYNC ${id}`, { kind: "retry" }],
    [`+FULLRESYNC ${id} -1`, { kind: "retry" }],
    [`+FULLRESYNC ${id} NaN`, { kind: "retry" }],
    [`+FULLRESYNC ${id} 1234567890123456`, { kind: "retry" }],
    [`+FULLRESYNC ${id}0 5`, { kind: "retry" }],
    [`+FULLRESYNC ${id} 5 6`, { kind: "retry" }],
    [`+FULLRESYNC ${"-".repeat(40)} 5`, { kind: "retry" }],
    [`+CONTINUE ${b}0`, { kind: "retry" }],
    [`+CONTINUE ${b.slice(1)}`, { kind: "retry" }],
    [`+CONTINUE ${b} ${b}`, { kind: "retry" }],
    ["+CONTINUED", { kind: "retry" }],
  ])("PSYNC, %j", (line, outcome) => {
    const { said, log, answer } = begun({ history: { id, offset: 7 } });
    answer(...introduced);
    const before = log.length;
    expect(answer("", line)).toEqual(outcome);
    expect(log.length).toBeGreaterThan(before);
    expect(said.at(-1)).toBe(outcome.kind === "sync" ? "SYNC" : `PSYNC ${id} 8`);
  });

  test("nothing can be gone on from where there is nothing", () => {
    for (const line of ["+CONTINUE", `+CONTINUE ${id}`]) {
      const { answer } = begun();
      answer(...introduced);
      expect(answer(line)).toEqual({ kind: "retry" });
    }
  });
});
