/**
 * INFO against that of a redis-server: the same sections in the same order, in them the same fields,
 * and values of the same form. Both servers have done the same few things before.
 */
import { Harness, hasRedisServer, ServerProcess } from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** Fields that have no true value here, and why. */
const absent: Record<string, string> = {
  redis_build_id: "it names one compilation; kv_version names the release",
  monotonic_clock: "the host's clock has no name; runtime tells what runs",
  multiplexing_api: "the event loop is the runtime's",
  atomicvar_api: "there are no threads that share variables",
  gcc_version: "nothing is compiled by gcc",
};

/** Requests that leave a trace in most of the sections. */
const requests = [
  ["SET", "k", "v"],
  ["SET", "short-lived", "v", "EX", "1000"],
  ["SELECT", "3"],
  ["SET", "k", "v"],
  ["GET", "missing"],
  ["HGET", "k", "f"],
  ["NOSUCH"],
  ["GET"],
  ["CONFIG", "GET", "hz"],
  ["MULTI"],
  ["EXEC"],
];

/** What a value looks like: numbers of any size are one thing, words another. */
function formOf(value: string): string {
  if (/[=,]/.test(value)) {
    const parts = value
      .split(",")
      .map((part) => part.replace(/=.*/, (rest) => `=${formOf(rest.slice(1))}`));
    return parts.join(",");
  }
  if (/^-?\d+$/.test(value)) return "integer";
  const fraction = /^\d+\.(\d+)(%?)$/.exec(value);
  if (fraction !== null) return `${(fraction[1] as string).length} decimals${fraction[2]}`;
  if (/^\d+(\.\d\d)?[BKMGT]$/.test(value)) return "size";
  if (/^[0-9a-f]{40}$/.test(value)) return "id";
  return "text";
}

/** Sections by title: their fields, with the forms of the values. */
function parsed(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let fields = new Map<string, string>();
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (line.startsWith("# ")) sections.set(line.slice(2), (fields = new Map()));
    else if (colon > 0) fields.set(line.slice(0, colon), formOf(line.slice(colon + 1)));
  }
  return sections;
}

describe.runIf(hasRedisServer())("INFO everything", () => {
  let theirs = new Map<string, Map<string, string>>();
  let ours = new Map<string, Map<string, string>>();
  let redis: ServerProcess;

  beforeAll(async () => {
    redis = await ServerProcess.start();
    const client = await redis.connect();
    await client.request("CONFIG", "RESETSTAT");
    for (const words of requests) await client.request(...words);
    theirs = parsed((await client.request("INFO", "everything")).replace(/^\$\d+\r\n/, ""));
    const kv = new Harness({});
    kv.send("CONFIG", "RESETSTAT");
    for (const words of requests) kv.send(...words);
    ours = parsed(kv.send("INFO", "everything") as string);
  });
  afterAll(() => redis?.stop());

  test("has the sections, in their order", () => {
    expect(theirs.size).toBeGreaterThan(11);
    expect([...ours.keys()]).toEqual([...theirs.keys()]);
  });

  test("has the fields, or a reason not to", () => {
    const names = [...theirs.values()].flatMap((fields) => [...fields.keys()]);
    const own = new Set([...ours.values()].flatMap((fields) => [...fields.keys()]));
    expect(names.length).toBeGreaterThan(160);
    expect(names.filter((name) => !own.has(name)).sort()).toEqual(Object.keys(absent).sort());
  });

  test("has values of the same form", () => {
    const differing: unknown[] = [];
    for (const [title, fields] of theirs) {
      for (const [name, form] of fields) {
        const own = ours.get(title)?.get(name);
        if (!(name in absent) && own !== form) differing.push({ title, name, own, form });
      }
    }
    expect(differing).toEqual([]);
  });
});
