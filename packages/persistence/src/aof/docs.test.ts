/** What docs/aof.md shows is true. */
import { readFileSync } from "node:fs";
import { ArgVector, latin1, latin1Bytes } from "@kv/resp";
import { expect, test } from "vitest";
import { ManifestError, parseManifest, printManifest } from "./manifest.ts";
import { AofReader } from "./reader.ts";

const text = readFileSync(new URL("../../docs/aof.md", import.meta.url), "utf8");
const block = (name: string) => new RegExp(`\`\`\`${name}\n([^]*?)\`\`\``).exec(text)?.[1] ?? "";
const lines = [...block("aof").matchAll(/^ *(\d+)(?: {2}([*#]\S+))?/gm)].map(
  ([, offset, bytes = ""]) => ({
    offset: Number(offset),
    bytes: bytes.replaceAll("\\r", "\r").replaceAll("\\n", "\n"),
  }),
);
const file = latin1Bytes(lines.map(({ bytes }) => bytes).join(""));

test("the manifest is one, and is printed like that", () => {
  const manifest = parseManifest(block("manifest"));
  if (manifest instanceof ManifestError) throw new Error(manifest.message);
  expect(printManifest(manifest)).toBe(block("manifest"));
  expect(manifest.incrementals.length).toBe(2);
});

test("the commands are where it says", () => {
  let offset = 0;
  for (const line of lines) {
    expect(line.offset).toBe(offset);
    offset += line.bytes.length;
  }
  const reader = new AofReader();
  const batch = new ArgVector();
  reader.read(file, new DataView(file.buffer), 0, file.length, batch);
  const commands = lines.filter(({ bytes }) => bytes.startsWith("*"));
  expect(batch.commandCount).toBe(commands.length);
  for (const [i, command] of commands.entries()) {
    expect(latin1(batch.bytes, batch.requestStart[i], batch.requestEnd[i])).toBe(command.bytes);
    expect(reader.commandOffset(i)).toBe(command.offset);
  }
  expect(reader.timestamp).toBe(1795871132);
});

const row =
  /^\| (\d+) bytes(?:, (\d+) zeros)?(?:, (\d+) byte)? +\| (\w+) +\| (\d+) +\| (\d+) +\|$/gm;
const ends = [...text.matchAll(row)].map(([, whole, zeros, other, kind, offset, safeOffset]) => ({
  whole: Number(whole),
  zeros: Number(zeros ?? 0),
  other: Number(other ?? 0),
  verdict: [kind, Number(offset), Number(safeOffset)],
}));

test("the table of ends has rows", () => expect(ends.length).toBe(11));

test.each(ends)("$whole bytes, $zeros zeros, $other others", ({ whole, zeros, other, verdict }) => {
  const torn = new Uint8Array(whole + zeros + other);
  torn.set(file.subarray(0, whole));
  torn.fill(0x78, torn.length - other);
  const reader = new AofReader();
  reader.read(torn, new DataView(torn.buffer), 0, torn.length, new ArgVector());
  const kind = reader.finish()?.kind ?? "good";
  expect([kind, reader.offset, reader.safeOffset]).toEqual(verdict);
});
