/**
 * A law over the whole command table: nothing is allowed without permission. Calls are made up from
 * each command's declaration. Which rights one needs follows from its keys, as the command's key
 * specs find them, and from its channels:
 *
 *     who has exactly these rights is let through, and who lacks any one of them is refused,
 *     at once, when the call is queued and when it is its turn in EXEC, and nothing happens then.
 *
 * The second half does not ask the specs, which may be wrong themselves: users that may only use
 * some of the keys send calls, good and damaged, and whatever comes of those must neither change
 * another key nor show what is in one.
 */
import { type CommandRow, keysOf, type RequestWords } from "@kv/commands";
import { describe, expect, test } from "vitest";
import { Chance } from "./chance.ts";
import { type Harness, harness, type TestClient } from "./harness.ts";
import { madeCall } from "./made-calls.ts";
import { allMaterials } from "./values/all-materials.ts";

/** Calls of each command that are tried; KV_LAW_CALLS=200 for a longer look. */
const CALLS = Number(process.env.KV_LAW_CALLS ?? 2);
const materials = await allMaterials();
/** One key for each kind of value, and one that is not there. */
const keys = [...materials.map((_, index) => `k${index}`), "none"];

const { all } = harness().engine.commands;
const cases = all
  .filter(({ command, run }) => {
    const { keys: specs, getKeys, channels } = command;
    return (
      run !== undefined && (specs.length > 0 || getKeys !== undefined || channels !== undefined)
    );
  })
  .map((row) => ({ name: row.fullName, row }));

const READ = 1;
const WRITE = 2;
const signs = ["", "%R~", "%W~", "~"];

/** What a call needs: bits for each key, and channels. */
interface Needs {
  readonly keys: ReadonlyMap<string, number>;
  readonly channels: readonly string[];
}

function requestWords(words: readonly string[]): RequestWords {
  const at = (index: number) => words[index] ?? "";
  return {
    argc: words.length,
    length: (index) => at(index).length,
    is: (index, word) => at(index).toUpperCase() === word,
    text: at,
  };
}

function needsOf({ command }: CommandRow, words: readonly string[]): Needs {
  const request = requestWords(words);
  const found = command.getKeys?.(request) ?? keysOf(command.keys, request) ?? [];
  const needed = new Map<string, number>();
  for (const { index, count, step, flags } of found) {
    if (flags.includes("not_key")) continue;
    const writes = flags.some((flag) => ["insert", "delete", "update"].includes(flag));
    const access = (flags.includes("access") ? READ : 0) | (writes ? WRITE : 0);
    for (let each = 0; each < count; each++) {
      const key = words[index + each * step] ?? "";
      needed.set(key, (needed.get(key) ?? 0) | access);
    }
  }
  const { channels } = command;
  if (channels === undefined) return { keys: needed, channels: [] };
  const last = channels.last < 0 ? words.length + channels.last : channels.last;
  return { keys: needed, channels: words.slice(channels.first, last + 1) };
}

/** Of a key of which nothing is told, any right will do. */
const keyRule = (key: string, access: number) => `${signs[access === 0 ? WRITE : access]}${key}`;

/** The rules that give all that is needed, but for what the callbacks leave out. */
function rulesOf(row: CommandRow, needs: Needs, accessOf = (_: string, access: number) => access) {
  const rules = [`+${row.fullName}`, "+multi", "+exec"];
  for (const [key, needed] of needs.keys) {
    const access = accessOf(key, needed);
    if (access >= 0) rules.push(keyRule(key, access));
  }
  return [...rules, ...needs.channels.map((channel) => `&${channel}`)];
}

/** Every set of rules that lacks one right which the call needs. */
function lackingRules(row: CommandRow, needs: Needs): string[][] {
  const whole = rulesOf(row, needs);
  const lacking = [
    [...whole, `-${row.fullName}`],
    ["+@all", "allkeys", "allchannels", `-${row.fullName}`],
  ];
  for (const [key, needed] of needs.keys) {
    const without = (left: number) =>
      lacking.push(rulesOf(row, needs, (each, access) => (each === key ? left : access)));
    without(-1);
    if ((needed & READ) !== 0) without(WRITE);
    if ((needed & WRITE) !== 0) without(READ);
    // What one selector lacks another one does not make up for.
    const others = rulesOf(row, needs, (each, access) => (each === key ? -1 : access));
    lacking.push([...others, `(+@all -${row.fullName} allkeys allchannels)`]);
  }
  for (const channel of new Set(needs.channels)) {
    const refused = `&${channel}`;
    lacking.push(whole.filter((rule) => rule !== refused));
  }
  return lacking;
}

const isRefusal = (reply: unknown) => /^(CommandError: )?NOPERM /.test(String(reply));

class Trial {
  private readonly kv: Harness;
  private readonly listener: TestClient;
  private digest: unknown;

  constructor() {
    this.kv = harness();
    this.listener = this.kv.client();
    this.listener.send("PSUBSCRIBE", "*");
  }

  /** A key of each kind. */
  fill(chance: Chance): void {
    for (const [index, material] of materials.entries())
      for (const words of material.make(`k${index}`, chance, 2).requests) this.kv.send(...words);
    this.begin();
  }

  /** Nothing has happened yet. */
  private begin(): void {
    this.digest = this.kv.send("DEBUG", "DIGEST");
    this.listener.pushed();
    this.kv.events.length = 0;
    this.kv.propagated.length = 0;
  }

  allow(...rules: readonly string[]): void {
    expect(this.kv.send("ACL", "SETUSER", "alice", "reset", "on", "nopass", ...rules)).toBe("OK");
  }

  /** Somebody who acts as alice and has sent nothing yet. */
  private alice(): TestClient {
    const client = this.kv.client();
    expect(client.send("AUTH", "alice", "any")).toBe("OK");
    return client;
  }

  mayNot(words: readonly string[], whole: readonly string[], lacking: readonly string[]): void {
    const context = `${words.join(" ").slice(0, 100)} with ${lacking.join(" ")}`;
    this.allow(...lacking);
    const client = this.alice();
    expect(String(client.send(...words)), context).toMatch(/NOPERM /);
    client.send("MULTI");
    const queued = client.send(...words);
    expect(isRefusal(queued) || /allowed inside a transaction/.test(String(queued)), context).toBe(
      true,
    );
    expect(String(client.send("EXEC")), context).toMatch(/EXECABORT/);
    this.mayNotInExec(client, words, whole, lacking, context);
    expect([...this.kv.events, ...this.kv.propagated, ...this.listener.pushed()], context).toEqual(
      [],
    );
    expect(client.client?.subscribes, context).toBe(false);
    client.destroy();
  }

  /** Whatever was refused so far has changed nothing. */
  changedNothing(words: readonly string[]): void {
    expect(this.kv.send("DEBUG", "DIGEST"), words.join(" ").slice(0, 100)).toBe(this.digest);
  }

  /** The right goes when the call has been queued. */
  private mayNotInExec(
    client: TestClient,
    words: readonly string[],
    whole: readonly string[],
    lacking: readonly string[],
    context: string,
  ): void {
    this.allow(...whole);
    client.send("MULTI");
    const isQueued = client.send(...words) === "QUEUED";
    this.allow(...lacking, "+exec", "+discard");
    if (isQueued) expect(String(client.send("EXEC")), context).toMatch(/NOPERM ACLs rules changed/);
    else client.send("DISCARD");
  }

  may(words: readonly string[], whole: readonly string[]): void {
    this.allow(...whole);
    const client = this.alice();
    const reply = String(client.send(...words));
    expect(reply, `${words.join(" ").slice(0, 100)} with ${whole.join(" ")}`).not.toMatch(/NOPERM/);
    client.destroy();
    this.begin();
  }
}

describe("who lacks a right is refused, and who has all is not", () => {
  test.each(cases)("$name", ({ row }) => {
    const trial = new Trial();
    trial.fill(new Chance(1));
    for (let seed = 1; seed <= CALLS; seed++) {
      const chance = new Chance(seed);
      const words = madeCall(row, chance, { keys });
      const needs = needsOf(row, words);
      // No rule names what blanks part, and `&*` is not a pattern but all of them.
      if (needs.channels.some((channel) => channel === "*" || /[\s\0]/.test(channel))) continue;
      const whole = rulesOf(row, needs);
      for (const lacking of lackingRules(row, needs)) trial.mayNot(words, whole, lacking);
      trial.changedNothing(words);
      trial.may(words, whole);
    }
  });
});

describe("whatever comes of a call, it does not reach what the user may not use", () => {
  const secret = "S3CRET";
  const others = keys.map((key) => `other:${key}`);
  const mine = keys.map((key) => `mine:${key}`);

  function fill(kv: Harness, chance: Chance): void {
    for (const [index, material] of materials.entries()) {
      for (const words of material.make(`mine:k${index}`, chance, 2).requests) kv.send(...words);
      for (const words of material.make(`other:k${index}`, chance, 2).requests) kv.send(...words);
    }
    kv.send("SET", "other:k0", `${secret} text`);
    kv.send("HSET", "other:secret", secret, secret);
  }

  /** A call with one word more, one less, another one, or two of them changed about. */
  function damaged(words: readonly string[], chance: Chance): string[] {
    const at = 1 + chance.below(words.length);
    const word = chance.of([
      ...others,
      ...mine,
      "other:secret",
      "0",
      "1",
      "2",
      "-1",
      "STORE",
      "KEYS",
    ]);
    switch (chance.below(5)) {
      case 0:
        return words.toSpliced(at, 0, word);
      case 1:
        return words.toSpliced(at, 1);
      case 2:
        return words.toSpliced(at, 1, word);
      case 3:
        return [...words.toSpliced(at, 1), words[at] ?? word];
      default:
        return [...words];
    }
  }

  /** All that is in the other keys, and how long they live. */
  function othersOf(kv: Harness): unknown {
    const names = [...others, "other:secret"];
    const lives = names.map((name) => kv.send("PEXPIRETIME", name));
    return [kv.send("DEBUG", "DIGEST-VALUE", ...names), lives];
  }

  test.each([
    ["nothing of it", []],
    ["reading", ["%R~other:*"]],
    ["writing", ["%W~other:*"]],
  ])("who may do %s", (_, rules) => {
    const chance = new Chance(7);
    const mayRead = rules.join().includes("R");
    const mayWrite = rules.join().includes("W");
    let refused = 0;
    let count = 0;
    const kv = harness();
    kv.send("ACL", "SETUSER", "alice", "on", "nopass", "+@all", "~mine:*", ...rules);
    for (const [index, { row }] of cases.entries()) {
      if (index % 8 === 0) {
        kv.send("FLUSHALL");
        fill(kv, chance);
      }
      const before = othersOf(kv);
      const calls: string[] = [];
      for (let each = 0; each < CALLS * 5; each++, count++) {
        const client = kv.client();
        client.send("AUTH", "alice", "any");
        const source = { keys: [...mine, ...others, "other:secret"] };
        const words = damaged(madeCall(row, chance, source), chance);
        const context = words.join(" ").slice(0, 200);
        calls.push(context);
        client.takeRaw();
        const reply = client.send(...words);
        if (isRefusal(reply)) refused++;
        const shown = client.takeRaw();
        if (!mayRead) expect(shown.includes(secret), context).toBe(false);
        client.destroy();
      }
      if (!mayWrite) expect(othersOf(kv), calls.join("\n")).toEqual(before);
    }
    expect(refused).toBeGreaterThan(count / 10);
    expect(refused).toBeLessThan(count);
  });
});
