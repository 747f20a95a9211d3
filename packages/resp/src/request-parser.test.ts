import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ArgVector, COMMANDS_MAX } from "./arg-vector.ts";
import { defaultRequestLimits, ReadStatus, type RequestLimits } from "./request-limits.ts";
import { RequestReader } from "./request-parser.ts";
import { encodeRequest } from "./request-writer.ts";
import { latin1, latin1Bytes } from "./text.ts";

const { DONE, MORE, ERROR } = ReadStatus;

/** A client whose chunks all arrive in one shared buffer, which is wiped after each batch. */
function client(limits: Partial<RequestLimits> = {}) {
  const reader = new RequestReader({ ...defaultRequestLimits(), ...limits });
  const batch = new ArgVector();
  const chunk = new Uint8Array(1 << 18);
  const view = new DataView(chunk.buffer);
  const commands: string[][] = [];
  const raw: string[] = [];
  const lines: number[] = [];

  function execute(count = batch.commandCount): void {
    for (let c = 0; c < count; c++) {
      const args: string[] = [];
      for (let a = 0; a < batch.argCount[c]; a++) {
        const i = batch.firstArg[c] + a;
        args.push(latin1(batch.bytes, batch.starts[i], batch.ends[i]));
      }
      commands.push(args);
      raw.push(latin1(batch.bytes, batch.requestStart[c], batch.requestEnd[c]));
      lines.push(batch.inline[c]);
    }
  }

  function drain(first: number): number {
    let status = first;
    execute();
    while (status === MORE) {
      batch.clear();
      status = reader.more(batch);
      execute();
    }
    return status;
  }

  return {
    reader,
    batch,
    commands,
    raw,
    lines,
    execute,
    /** Receives bytes at an odd offset and leaves the batch unexecuted. */
    receive(bytes: Uint8Array): number {
      chunk.fill(0xee);
      chunk.set(bytes, 7);
      batch.clear();
      const status = reader.read(chunk, view, 7, 7 + bytes.length, batch);
      reader.check();
      return status;
    },
    /** Receives and executes everything. */
    send(text: string | Uint8Array): number {
      const bytes = typeof text === "string" ? latin1Bytes(text) : text;
      return drain(this.receive(bytes));
    },
    more(): number {
      chunk.fill(0xee);
      batch.clear();
      return drain(reader.more(batch));
    },
  };
}

const big = "v".repeat(300);
const mset = ["MSET", ...Array.from({ length: 24 }, (_, i) => `k${i}`)];

const transcripts: { name: string; bytes: string; commands: string[][] }[] = [
  {
    name: "plain commands",
    bytes: "*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000042\r\n*1\r\n$4\r\nPING\r\n",
    commands: [["PING"], ["GET", "key:000000000042"], ["PING"]],
  },
  {
    name: "empty arguments, binary arguments, a three-digit length",
    bytes: `*3\r\n$3\r\nSET\r\n$0\r\n\r\n$300\r\n${big}\r\n*2\r\n$4\r\nECHO\r\n$5\r\n\r\n$\0\xff\r\n`,
    commands: [
      ["SET", "", big],
      ["ECHO", "\r\n$\0\xff"],
    ],
  },
  {
    name: "more than nine arguments",
    bytes: `*25\r\n${mset.map((a) => `$${a.length}\r\n${a}\r\n`).join("")}*1\r\n$1\r\nx\r\n`,
    commands: [mset, ["x"]],
  },
  {
    name: "empty requests between fragments",
    bytes:
      "*0\r\n\r\n*1\r\n$1\r\na\r\n*-1\r\n\n*2\r\n$1\r\nb\r\n$1\r\nc\r\n   \r\n*0\r\n*-9999999999999999999\r\n",
    commands: [["a"], ["b", "c"]],
  },
  {
    name: "inline requests with both line breaks",
    bytes: "PING\r\nset  k\tv \n*1\r\n$4\r\nPING\r\n get k\r\n",
    commands: [["PING"], ["set", "k", "v"], ["PING"], ["get", "k"]],
  },
  {
    name: "inline requests with quotes",
    bytes:
      'PING\r\nset k "a\\r\\n\\x41\\"" \'it\\\'s \\n\' ""\r\nset fo"o b" c\n*1\r\n$1\r\nz\r\necho \'\\\\ \'\n',
    commands: [
      ["PING"],
      ["set", "k", 'a\r\nA"', "it's \\n", ""],
      ["set", "foo b", "c"],
      ["z"],
      ["echo", "\\\\ "],
    ],
  },
  {
    name: "line breaks that Redis does not examine",
    bytes: "*1\rX$4\rYPINGzz*1\r\n$1\r\na\r\n*2\r\n$1\rqa..$12\rqabcdefghijkl..",
    commands: [["PING"], ["a"], ["a", "abcdefghijkl"]],
  },
  {
    name: "an error after good requests",
    bytes: "*1\r\n$4\r\nPING\r\n*2\r\n$1\r\na\r\n$01\r\nb\r\n",
    commands: [["PING"]],
  },
];

describe("a transcript", () => {
  for (const { name, bytes, commands } of transcripts) {
    // The last number of "-9999999999999999999" does not fit 64 bits, so it ends in an error too.
    const fails = name.includes("error") || bytes.includes("-9999");

    test(`in one piece: ${name}`, () => {
      const c = client();
      expect(c.send(bytes)).toBe(fails ? ERROR : DONE);
      expect(c.commands).toEqual(commands);
      if (!fails) expect(c.reader.pendingBytes).toBe(0);
    });

    test(`cut in two at every byte: ${name}`, () => {
      for (let cut = 0; cut <= bytes.length; cut++) {
        const c = client();
        c.send(bytes.slice(0, cut));
        expect(c.send(bytes.slice(cut))).toBe(fails ? ERROR : DONE);
        expect(c.commands, `cut at ${cut}`).toEqual(commands);
      }
    });

    test(`byte by byte: ${name}`, () => {
      const c = client();
      let status: number = DONE;
      for (const byte of bytes) status = c.send(byte);
      expect(status).toBe(fails ? ERROR : DONE);
      expect(c.commands).toEqual(commands);
    });

    test(`held back and given back at every request: ${name}`, () => {
      for (let cut = 0; cut <= bytes.length; cut++) {
        const c = client();
        c.send(bytes.slice(0, cut));
        // One request at a time, everything after it given back.
        let status = c.receive(latin1Bytes(bytes.slice(cut)));
        for (let round = 0; round < 20 && c.batch.commandCount > 0; round++) {
          c.execute(1);
          c.reader.suspend(c.batch, 1);
          c.batch.clear();
          status = c.reader.more(c.batch);
        }
        expect(status).toBe(fails ? ERROR : DONE);
        expect(c.commands, `cut at ${cut}`).toEqual(commands);
      }
    });
  }

  test("keeps the raw bytes of each request, and says which are no RESP", () => {
    const c = client();
    c.send('*0\r\n*1\r\n$4\r\nPING\r\n  set k "\\x41"\r\n');
    expect(c.raw).toEqual(["*1\r\n$4\r\nPING\r\n", '  set k "\\x41"\r\n']);
    expect(c.lines).toEqual([0, 1]);
  });

  test("any requests in any pieces come out as they went in", () => {
    const word = fc.uint8Array({ maxLength: 150 });
    const requests = fc.array(fc.array(word, { minLength: 1, maxLength: 14 }), { maxLength: 12 });
    fc.assert(
      fc.property(requests, fc.array(fc.nat(3000), { maxLength: 12 }), (commands, cuts) => {
        const bytes = new Uint8Array(commands.flatMap((args) => [...encodeRequest(args)]));
        const c = client();
        let from = 0;
        for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
          const to = Math.min(cut, bytes.length);
          expect(c.send(bytes.subarray(from, to))).toBe(DONE);
          from = to;
        }
        expect(c.commands).toEqual(commands.map((args) => args.map((arg) => latin1(arg))));
        expect(c.raw.join("")).toBe(latin1(bytes));
      }),
      { numRuns: 300 },
    );
  });

  test("any requests come out in order when the client is stopped and held at random", () => {
    // Small alphabets make unfinished requests look alike, so that a mix-up is not harmless.
    const word = fc.oneof(
      fc.constantFrom("", "a", "*1", "$1\r\na\r\n*2\r\n", "b".repeat(120)),
      fc.integer({ min: 200, max: 50_000 }).map((length) => "c".repeat(length)),
    );
    const requests = fc.array(fc.array(word, { minLength: 1, maxLength: 12 }), { maxLength: 10 });
    const step = fc.record({ bytes: fc.nat(400), execute: fc.nat(3), hold: fc.boolean() });
    fc.assert(
      fc.property(requests, fc.array(step, { minLength: 1, maxLength: 30 }), (commands, steps) => {
        const all = latin1Bytes(commands.map((args) => latin1(encodeRequest(args))).join(""));
        const c = client();
        let at = 0;
        for (let i = 0; at < all.length; i++) {
          const { bytes, execute, hold } = steps[i % steps.length];
          // Every few steps a large piece, or long requests would take for ever.
          const size = i % 5 === 4 ? 20_000 : bytes + 1;
          const piece = all.subarray(at, at + size);
          at += piece.length;
          if (hold) {
            c.reader.hold(piece, 0, piece.length);
            c.reader.check();
            continue;
          }
          c.receive(piece);
          if (execute < c.batch.commandCount) c.reader.suspend(c.batch, execute);
          c.reader.check();
          c.execute();
          if (i % 7 === 6) c.reader.shrink();
          c.reader.check();
        }
        for (let status = c.more(); status === MORE; ) status = c.more();
        expect(c.commands).toEqual(commands);
        expect(c.reader.pendingBytes).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  test("mutated bytes never throw, and the cuts still do not matter", () => {
    const base = transcripts.map((t) => t.bytes).join("");
    const mutation = fc.tuple(fc.nat(base.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 6 }), fc.nat(), (changes, seed) => {
        const bytes = latin1Bytes(base);
        for (const [at, value] of changes) bytes[at] = value;
        const whole = client();
        const status = whole.send(bytes);
        const pieces = client();
        let last: number = DONE;
        let step = (seed % 90) + 1;
        for (let at = 0; at < bytes.length; at += step, step = ((step * 7 + seed) % 90) + 1) {
          last = pieces.send(bytes.subarray(at, Math.min(at + step, bytes.length)));
        }
        expect(pieces.commands).toEqual(whole.commands);
        expect(last).toBe(status);
        expect(pieces.reader.error).toBe(whole.reader.error);
      }),
      { numRuns: 1500 },
    );
  });
});

test("a request may have more than a million arguments", () => {
  const count = 1_100_000;
  const c = client();
  const bytes = latin1Bytes(`*${count}\r\n${"$1\r\na\r\n".repeat(count)}`);
  const batch = new ArgVector();
  const view = new DataView(bytes.buffer);
  expect(c.reader.read(bytes, view, 0, bytes.length, batch)).toBe(DONE);
  expect(batch.argCount[0]).toBe(count);
});

describe("an error", () => {
  test.each([
    ["*x\r\n", "invalid multibulk length"],
    ["*+1\r\n", "invalid multibulk length"],
    ["*\r\n", "invalid multibulk length"],
    ["*01\r\n", "invalid multibulk length"],
    ["*2147483648\r\n", "invalid multibulk length"],
    ["*3000000000\r\n", "invalid multibulk length"],
    ["*9223372036854775808\r\n", "invalid multibulk length"],
    ["*1\r\nfoo\r\n", "expected '$', got 'f'"],
    ["*1\r\n\r\n\r\n", "expected '$', got '\r'"],
    ["*1\r\n$-1\r\n", "invalid bulk length"],
    ["*1\r\n$1a\r\n", "invalid bulk length"],
    ["*1\r\n$\r\n", "invalid bulk length"],
    ["*1\r\n$2000000000\r\n", "invalid bulk length"],
    ['set k "a\n', "unbalanced quotes in request"],
    ["set k 'a'b\n", "unbalanced quotes in request"],
    ["x".repeat(65537), "too big inline request"],
    [`*${"1".repeat(65537)}`, "too big mbulk count string"],
    [`*1\r\n$${"1".repeat(65537)}`, "too big bulk count string"],
    [`a\0\r\n${"x".repeat(65536)}\r\n`, "too big inline request"],
  ])("%j", (bytes, error) => {
    const c = client();
    expect(c.send(`*1\r\n$4\r\nPING\r\n${bytes}`)).toBe(ERROR);
    expect(c.commands).toEqual([["PING"]]);
    expect(c.reader.error).toBe(`Protocol error: ${error}`);
    expect(c.reader.overLimit).toBe(false);
    // The reader stays closed.
    expect(c.send("*1\r\n$4\r\nPING\r\n")).toBe(ERROR);
    expect(c.commands).toHaveLength(1);
  });

  test.each([
    "*2147483647\r\n",
    "x".repeat(65536),
    "a\0\r\nb\r\n",
    "*1\r\n$\0\r\n",
    `*${"1".repeat(65535)}`,
  ])("waits: %#", (bytes) => {
    const c = client();
    expect(c.send(bytes)).toBe(DONE);
    expect(c.commands).toEqual([]);
    expect(c.reader.pendingBytes).toBeGreaterThan(0);
  });
});

describe("limits", () => {
  test("before authentication: ten arguments of 16 KiB, one request per batch", () => {
    const wide = encodeRequest(Array.from({ length: 11 }, () => "a"));
    const large = encodeRequest(["a", "b".repeat(16385)]);
    for (const [bytes, error] of [
      [wide, "Protocol error: unauthenticated multibulk length"],
      [large, "Protocol error: unauthenticated bulk length"],
    ] as const) {
      const stranger = client({ authenticated: false });
      expect(stranger.send(bytes)).toBe(ERROR);
      expect(stranger.reader.error).toBe(error);

      const known = client();
      expect(known.send(bytes)).toBe(DONE);

      // The first request lifts the limit for the second one, which arrived with it.
      const both = client({ authenticated: false });
      const login = latin1(encodeRequest(["AUTH", "x"]));
      expect(both.receive(latin1Bytes(login + latin1(bytes)))).toBe(MORE);
      expect(both.batch.commandCount).toBe(1);
      both.reader.authenticated = true;
      expect(both.more()).toBe(DONE);
      expect(both.commands).toHaveLength(1);
    }
  });

  test("a query buffer over its limit is closed without a word", () => {
    const c = client({ queryBufferMax: 1000 });
    expect(c.send(`*1\r\n$2000\r\n${"x".repeat(900)}`)).toBe(DONE);
    expect(c.send("x".repeat(200))).toBe(ERROR);
    expect(c.reader.overLimit).toBe(true);
    expect(c.reader.error).toBe("");
    expect(c.more()).toBe(ERROR);
  });

  test("a stranger's query buffer holds 1 MiB at most", () => {
    const c = client({ authenticated: false });
    let status: number = DONE;
    for (let i = 0; i < 12 && status === DONE; i++) {
      status = c.reader.hold(new Uint8Array(100_000), 0, 100_000);
    }
    expect(status).toBe(ERROR);
    expect(c.reader.bufferBytes).toBeLessThan(3_000_000);
  });

  test("an announced length allocates nothing", () => {
    const c = client();
    expect(c.send("*1000000\r\n$536870912\r\nabc")).toBe(DONE);
    expect(c.reader.bufferBytes).toBeLessThan(2000);
    expect(c.reader.pendingBytes).toBe(25);
  });

  test("a full batch asks for more()", () => {
    const c = client();
    const count = COMMANDS_MAX * 2 + 3;
    expect(c.receive(latin1Bytes("*1\r\n$1\r\nx\r\n".repeat(count)))).toBe(MORE);
    expect(c.batch.commandCount).toBe(COMMANDS_MAX);
    c.execute();
    expect(c.more()).toBe(DONE);
    expect(c.commands).toHaveLength(count);
    expect(c.raw.every((bytes) => bytes === "*1\r\n$1\r\nx\r\n")).toBe(true);
  });

  test("one request may have more arguments than a batch normally takes", () => {
    const args = Array.from({ length: 100_000 }, (_, i) => `${i}`);
    const c = client();
    const bytes = encodeRequest(args);
    for (let at = 0; at < bytes.length; at += 65536) {
      expect(c.send(bytes.subarray(at, at + 65536))).toBe(DONE);
    }
    expect(c.commands).toEqual([args]);
    c.batch.clear();
    expect(c.batch.starts.length).toBeLessThan(100_000);
  });
});

describe("memory", () => {
  test("a large argument is neither kept nor copied over and over", () => {
    const c = client();
    const value = "0123456789abcdef".repeat(1 << 18); // 4 MiB
    const bytes = encodeRequest(["SET", "k", value]);
    const seen = new Set<number>();
    for (let at = 0; at < bytes.length; at += 65536) {
      c.send(bytes.subarray(at, at + 65536));
      seen.add(c.reader.capacityBytes);
      expect(c.reader.bufferBytes).toBeLessThan(2 * Math.min(at + 65536, bytes.length) + 1024);
    }
    // A new size is a copy: their number grows with the logarithm of the length.
    expect(seen.size).toBeLessThan(12);
    expect(c.commands[0][2] === value).toBe(true);
    expect(c.reader.bufferBytes).toBeLessThan(2048);
  });

  test("many large arguments are not copied for each of them", () => {
    const c = client();
    const count = 64;
    const bytes = encodeRequest(Array.from({ length: count }, () => "x".repeat(100_000)));
    const sizes = new Set<number>();
    for (let at = 0; at < bytes.length; at += 50_000) {
      c.send(bytes.subarray(at, at + 50_000));
      sizes.add(c.reader.capacityBytes);
    }
    expect(c.commands[0]).toHaveLength(count);
    expect(sizes.size).toBeLessThan(20);
  });

  test("the buffer of a large request is freed with its batch, unless the request is given back", () => {
    const request = encodeRequest(["SET", "k", "x".repeat(200_000)]);
    for (const isGivenBack of [false, true]) {
      const c = client();
      c.receive(request.subarray(0, 100));
      c.receive(request.subarray(100));
      const { bytes } = c.batch;
      expect(c.batch.heldBytes).toBeGreaterThan(200_000);
      if (isGivenBack) c.reader.suspend(c.batch, 0);
      c.batch.clear();
      expect(bytes.length === 0).toBe(!isGivenBack);
      expect(c.batch.heldBytes).toBeLessThan(100_000);
      if (!isGivenBack) continue;
      c.more();
      expect(c.commands[0]?.[2]).toHaveLength(200_000);
    }
  });

  test("an unfinished request that arrives a byte at a time takes linear time", () => {
    const c = client();
    const count = 40_000;
    const bytes = latin1Bytes(`*${count}\r\n${"$1\r\nx\r\n".repeat(count)}`);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < bytes.length; at++) {
      c.batch.clear();
      c.reader.read(bytes, view, at, at + 1, c.batch);
    }
    expect(c.batch.commandCount).toBe(1);
    expect(c.batch.argCount[0]).toBe(count);
  });

  test("shrink() leaves what waits and nothing else", () => {
    const c = client();
    c.send("*2\r\n$3\r\nGET\r\n$3\r\nab");
    c.reader.shrink();
    expect(c.reader.bufferBytes).toBeLessThan(19 + 32);
    c.send("c\r\n");
    expect(c.commands).toEqual([["GET", "abc"]]);
    c.reader.shrink();
    expect(c.reader.bufferBytes).toBe(0);
  });
});

describe("fitToPeak()", () => {
  /** A request whose end does not come, of so many bytes. */
  const unfinished = (bytes: number) =>
    `*3\r\n$3\r\nSET\r\n$${bytes}\r\n${"k".repeat(bytes)}\r\n$1\r\n`;

  /** Always in the midst of a request, and once of a large one. */
  function busyClient() {
    const c = client();
    c.send(unfinished(200_000));
    c.send(`v\r\n${unfinished(10)}`);
    return c;
  }

  test("is not for a reader whose client has gone: dispose() empties its memory itself", () => {
    const c = busyClient();
    const { buffer } = (c.reader as unknown as { own: Uint8Array }).own;
    c.reader.dispose();
    expect(buffer.byteLength).toBe(0);
    expect([c.reader.capacityBytes, c.reader.bufferBytes, c.reader.pendingBytes]).toEqual([
      0, 0, 0,
    ]);
    c.reader.check();
  });

  test("gives back what was not needed since the last time, the second time", () => {
    const c = busyClient();
    expect(c.reader.capacityBytes).toBeGreaterThan(200_000);
    c.reader.fitToPeak();
    expect(c.reader.capacityBytes).toBeGreaterThan(200_000);
    c.send(`v\r\n${unfinished(2000)}`);
    c.send(`v\r\n${unfinished(30)}`);
    c.reader.fitToPeak();
    c.reader.check();
    expect(c.reader.capacityBytes).toBeGreaterThanOrEqual(2000);
    expect(c.reader.capacityBytes).toBeLessThan(4000);
    c.send("v\r\n");
    expect(c.commands.map(([name, key, value]) => [name, key.length, value])).toEqual(
      [200_000, 10, 2000, 30].map((length) => ["SET", length, "v"]),
    );
  });

  test("leaves alone what is small, half in use, or made for a bulk that is on its way", () => {
    const small = client();
    small.send(unfinished(10_000));
    small.send(`v\r\n${unfinished(10)}`);
    const half = busyClient();
    half.send(`v\r\n${unfinished(150_000)}`);
    const announced = busyClient();
    announced.send("v\r\n*2\r\n$4\r\nECHO\r\n$180000\r\nx");
    for (const { reader } of [small, half, announced]) {
      reader.fitToPeak();
      const { capacityBytes } = reader;
      reader.fitToPeak();
      expect(reader.capacityBytes).toBe(capacityBytes);
    }
  });
});

describe("suspend", () => {
  const get = (key: string) => latin1(encodeRequest(["GET", key]));

  test("gives back the rest of a batch, unfinished request included", () => {
    const c = client();
    c.receive(latin1Bytes(`${get("a") + get("b") + get("c")}*2\r\n$3\r\nGET\r\n$1\r`));
    c.execute(1);
    c.reader.suspend(c.batch, 1);
    expect(c.batch.commandCount).toBe(1);
    expect(c.reader.pendingBytes).toBe(2 * get("b").length + 16);

    // More may arrive meanwhile.
    const tail = latin1Bytes(`\nd\r\n${get("e")}`);
    expect(c.reader.hold(tail, 0, tail.length)).toBe(DONE);
    expect(c.more()).toBe(DONE);
    expect(c.commands.map((args) => args[1])).toEqual(["a", "b", "c", "d", "e"]);
    expect(c.reader.pendingBytes).toBe(0);
  });

  test("works twice on one batch, and on a batch from the own buffer that was let go", () => {
    const c = client();
    const large = "x".repeat(70_000);
    c.send(get(large).slice(0, 100));
    c.receive(latin1Bytes(get(large).slice(100) + get("b") + get("c")));
    expect(c.batch.commandCount).toBe(3);
    expect(c.reader.bufferBytes).toBeLessThan(2048);
    c.reader.suspend(c.batch, 2);
    c.reader.suspend(c.batch, 1);
    c.execute();
    expect(c.more()).toBe(DONE);
    expect(c.commands.map((args) => args[1])).toEqual([large, "b", "c"]);
  });

  test("finds the unfinished request again when its buffer was exchanged", () => {
    const c = client();
    const large = latin1Bytes(get("x".repeat(1_500_000)));
    const first = large.subarray(0, 1_400_000);
    expect(c.reader.hold(first, 0, first.length)).toBe(DONE);
    c.more();
    const last = latin1(large.subarray(1_400_000)) + get("b") + get("c").slice(0, 15);
    c.receive(latin1Bytes(last));
    expect(c.reader.bufferBytes).toBeLessThan(2048);
    c.reader.suspend(c.batch, 1);
    c.reader.check();
    expect(c.reader.pendingBytes).toBe(get("b").length + 15);
    c.execute();
    expect(c.more()).toBe(DONE);
    c.send(get("c").slice(15));
    expect(c.commands.map((args) => args[1].length)).toEqual([1_500_000, 1, 1]);
  });

  test("an error after the suspended request comes back with it", () => {
    const c = client();
    expect(c.receive(latin1Bytes(`${get("a") + get("b")}*1\r\n!\r\n`))).toBe(ERROR);
    c.execute(1);
    c.reader.suspend(c.batch, 1);
    expect(c.reader.error).toBe("");
    expect(c.more()).toBe(ERROR);
    expect(c.commands).toHaveLength(2);
    expect(c.reader.error).toBe("Protocol error: expected '$', got '!'");
  });

  test("an inline request with escapes is unescaped again from its raw bytes", () => {
    const c = client();
    expect(c.receive(latin1Bytes('set a "\\x5c"\r\nset b "\\x5cn"\r\n'))).toBe(DONE);
    expect(c.batch.commandCount).toBe(2);
    c.reader.suspend(c.batch, 0);
    expect(c.more()).toBe(DONE);
    expect(c.commands).toEqual([
      ["set", "a", "\\"],
      ["set", "b", "\\n"],
    ]);
  });
});
