import { harness } from "@kv/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

/** What a client that speaks this protocol is sent for a script. */
function rawReply(script: string, protocol: 2 | 3 = 2): string {
  const kv = harness({ resp: protocol });
  const client = kv.client();
  client.takeRaw();
  client.sendBytes(`EVAL "${script}" 0\r\nPING\r\n`);
  const raw = client.takeRaw();
  expect(raw.endsWith("+PONG\r\n")).toBe(true);
  return raw.slice(0, -"+PONG\r\n".length);
}

const limit = "-ERR reached lua stack limit\r\n";

test.each([
  { protocol: 2, answer: "$4\r\nf\xc3\xbc\xff\r\n" },
  { protocol: 3, answer: "=8\r\ntxt:f\xc3\xbc\xff\r\n" },
] as const)("a verbatim string has the script's bytes: RESP$protocol", ({ protocol, answer }) => {
  const script = "return {verbatim_string = {format = 'txt', string = 'f\\\\195\\\\188\\\\255'}}";
  expect(rawReply(script, protocol)).toBe(answer);
});

test.each([
  ["return {ok = 'a\\\\0b'}", "+a\r\n"],
  ["return {err = 'a\\\\0b'}", "-a\r\n"],
  ["return {{ok = '\\\\0b'}, {err = 'c\\\\r\\\\n\\\\0d'}}", "*2\r\n+\r\n-c\r\n"],
  ["return redis.status_reply('a\\\\0b')", "+a\r\n"],
  ["return redis.error_reply('a\\\\0b')", "-ERR a\r\n"],
  ["return #redis.error_reply('a\\\\0b').err", ":5\r\n"],
  ["return #redis.status_reply('a\\\\0b').ok", ":3\r\n"],
  ["return 'a\\\\0b'", "$3\r\na\0b\r\n"],
])("a status and an error end at their first zero byte: %s", (script, reply) => {
  expect(rawReply(script)).toBe(reply);
});

test("so does an error that nobody has caught", () => {
  expect(rawReply("error('boo\\\\0far')")).toMatch(
    /^-ERR user_script:1: boo script: [0-9a-f]{40}, on @/,
  );
});

describe("a table that stands in itself", () => {
  test("is written down to where Lua's stack ends, and an error is in place of the rest", () => {
    const raw = rawReply("local a = {} local b = {a} a[1] = b return a");
    expect(raw.endsWith(limit)).toBe(true);
    const levels = (raw.length - limit.length) / "*1\r\n".length;
    expect(raw).toBe("*1\r\n".repeat(levels) + limit);
    expect(levels).toBeGreaterThan(7900);
  });

  test.each([
    { protocol: 3, head: "%1\r\n$3\r\nkey\r\n" },
    { protocol: 2, head: "*2\r\n$3\r\nkey\r\n" },
  ] as const)("as a map, too: RESP$protocol", ({ protocol, head }) => {
    const script = "redis.setresp(3) local a = {map = {}} a.map.key = a return a";
    const raw = rawReply(script, protocol);
    const levels = (raw.length - limit.length) / head.length;
    expect(raw).toBe(head.repeat(levels) + limit);
    expect(levels).toBeGreaterThan(2000);
  });

  test("as a set, too", () => {
    const raw = rawReply("redis.setresp(3) local a = {set = {}} a.set[a] = true return a", 3);
    const levels = (raw.length - limit.length) / "~1\r\n".length;
    expect(raw).toBe("~1\r\n".repeat(levels) + limit);
    expect(levels).toBeGreaterThan(2000);
  });

  test("more than once is not opened again once the end was reached", () => {
    const raw = rawReply("local a = {1} a[2] = a a[3] = a a[4] = 'last' return a");
    const levels = raw.split("*4\r\n").length - 1;
    const end = `${limit}$4\r\nlast\r\n`;
    expect(raw).toBe("*4\r\n:1\r\n".repeat(levels) + limit + end.repeat(levels));
  });
});

test("tables within tables end where they end, whatever is around them", () => {
  const script =
    "redis.setresp(3) return {{}, {1, {2, {}}}, {map = {k = {set = {x = {3}}}}}, {map = {}}, {set = {}}, {double = 0.5}, {ok = 'OK'}, {err = 'E e'}, 4}";
  expect(rawReply(script, 3)).toBe(
    [
      ...["*9", "*0", "*2", ":1", "*2", ":2", "*0", "%1", "$1", "k", "~1", "$1", "x"],
      ...["%0", "~0", ",0.5", "+OK", "-E e", ":4", ""],
    ].join("\r\n"),
  );
  expect(rawReply("return {1, {2, nil, 3}, nil, 4}")).toBe("*2\r\n:1\r\n*1\r\n:2\r\n");
});

type Value = number | string | boolean | Value[];

const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.integer(),
    fc.string({ unit: fc.constantFrom("a", "b", "é"), maxLength: 3 }),
    fc.boolean(),
    fc.array(tie("value"), { maxLength: 14 }),
  ),
})).value;

/** A script that makes tables: at once, so that they are arrays, or from their ends, so that they are none. */
function made(of: Value, isReversed: boolean): string {
  if (!Array.isArray(of)) return typeof of === "string" ? `'${of}'` : String(of);
  const parts = of.map((each) => made(each, isReversed));
  if (!isReversed) return `{${parts.join(", ")}}`;
  const set = parts.map((part, index) => `t[${index + 1}] = ${part}`).reverse();
  return `(function() local t = {} ${set.join(" ")} return t end)()`;
}

function written(of: Value, protocol: 2 | 3): string {
  if (typeof of === "number") return `:${of}\r\n`;
  if (typeof of === "string") return `$${Buffer.byteLength(of)}\r\n${of}\r\n`;
  if (of === true) return ":1\r\n";
  if (of === false) return protocol === 2 ? "$-1\r\n" : "_\r\n";
  return `*${of.length}\r\n${of.map((each) => written(each, protocol)).join("")}`;
}

test("arrays are written as they are, wherever Lua keeps their elements", () => {
  for (const protocol of [2, 3] as const) {
    const kv = harness({ resp: protocol });
    const client = kv.client();
    client.takeRaw();
    fc.assert(
      fc.property(value, fc.boolean(), (of, isReversed) => {
        client.sendBytes(
          Buffer.from(`EVAL "return ${made(of, isReversed)}" 0\r\n`).toString("latin1"),
        );
        const raw = Buffer.from(client.takeRaw(), "latin1").toString();
        expect(raw).toBe(written(of, protocol));
      }),
      { numRuns: 300 },
    );
  }
});

test("an array goes as far as its first nil, and a function in it is null", () => {
  expect(rawReply("local t = {1, 2, 3, 4} t[3] = nil return t")).toBe("*2\r\n:1\r\n:2\r\n");
  expect(rawReply("local t = {1, 2} t[3] = 3 t.x = 4 return t")).toBe("*3\r\n:1\r\n:2\r\n:3\r\n");
  expect(rawReply("return {1, tostring, 2 ^ 53 + 2, 1.9, -1e300}")).toBe(
    "*5\r\n:1\r\n$-1\r\n:9007199254740994\r\n:1\r\n:-9223372036854775808\r\n",
  );
});
