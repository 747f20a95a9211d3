import { ConfigStore } from "@kv/config";
import { latin1Bytes } from "@kv/resp";
import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import type { EngineCall } from "../../module/engine-call.ts";
import { REDACTED, secretsOf } from "./redaction.ts";

/** A request as the words after redaction. */
function shown(...words: string[]): string {
  const kv = harness({ config: { "slowlog-log-slower-than": 0 } as never });
  kv.send("SLOWLOG", "RESET");
  kv.send(...words);
  const entries = kv.send("SLOWLOG", "GET") as unknown[][];
  return ((entries[0] as unknown[])[3] as string[]).join(" ");
}

describe("secrets", () => {
  test("of a request with more words than a Set can hold are told one by one", () => {
    const call = { argc: 17_000_000, row: { fullName: "auth" } } as unknown as EngineCall;
    const isSecret = secretsOf(call, new ConfigStore());
    expect([0, 1, 2, 16_999_999].map(isSecret)).toEqual([false, true, true, true]);
  });

  test("of HELLO are user and password, wherever AUTH stands and however often", () => {
    expect(shown("HELLO", "3", "SETNAME", "me", "AUTH", "user", "pass")).toBe(
      `HELLO 3 SETNAME me AUTH ${REDACTED} ${REDACTED}`,
    );
    expect(shown("HELLO", "3", "AUTH", "u", "p", "AUTH", "user", "pass")).toBe(
      `HELLO 3 AUTH ${REDACTED} ${REDACTED} AUTH ${REDACTED} ${REDACTED}`,
    );
  });
});

test("secrets of MIGRATE are the words behind AUTH and AUTH2, and no keys", () => {
  const migrate = ["MIGRATE", "h", "1", "", "0", "9"];
  expect(shown(...migrate, "AUTH", "COPY", "COPY")).toBe(
    `${migrate.join(" ")} AUTH ${REDACTED} COPY`,
  );
  expect(shown(...migrate, "REPLACE", "auth2", "AUTH", "KEYS", "KEYS", "AUTH", "k")).toBe(
    `${migrate.join(" ")} REPLACE auth2 ${REDACTED} ${REDACTED} KEYS AUTH k`,
  );
  const isAuth = (index: number, word: string) => index === 6 && word === "AUTH";
  const call = { argc: 9, row: { fullName: "migrate" }, is: isAuth } as unknown as EngineCall;
  const isSecret = secretsOf(call, new ConfigStore());
  expect([8, 7, 8, 0, 7].map(isSecret)).toEqual([false, true, false, false, true]);
});

describe("the lines of MONITOR", () => {
  test("are whole when they are longer than a piece", () => {
    const kv = harness();
    const monitor = kv.client();
    monitor.send("MONITOR");
    monitor.takeRaw();
    const words = Array.from({ length: 20_000 }, (_, index) => `w${index}"`);
    kv.send("ECHO", ...words);
    kv.send("ECHO", "\0".repeat(50_000));
    kv.send("AUTH", ...Array.from({ length: 5000 }, () => ""));
    const escaped = "\\x00".repeat(50_000);
    const lines = monitor.takeRaw().split("\r\n");
    expect(lines.map((line) => line.replace(/^\S+ \[\S+ \S+\] /, ""))).toEqual([
      `"ECHO" "${escaped}"`,
      `"AUTH" ${Array.from({ length: 5000 }, () => `"${REDACTED}"`).join(" ")}`,
      "",
    ]);
    expect(latin1Bytes(lines[0] as string).length).toBe(lines[0]?.length);
  });

  test("reach their limit while they are being written", () => {
    const kv = harness({
      config: { "client-output-buffer-limit": "normal 1000000 0 0" } as never,
    });
    const [slow, quick] = [kv.client(), kv.client()];
    for (const client of [slow, quick]) client.send("MONITOR");
    quick.takeRaw();
    slow.isStuck = true;
    kv.send("ECHO", "x".repeat(5_000_000));
    expect(slow.closed).toBe(true);
    expect(slow.pendingBytes).toBeLessThan(1_200_000);
    expect(quick.takeRaw()).toContain(`"ECHO" "${"x".repeat(5_000_000)}"`);
  });
});
