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

const rows = [
  ...text.matchAll(
    /^\| (\d+) bytes(?:, (\d+) zeros)?(?:, (\d+) byte)? +\| (\w+) +\| (\d+) +\| (\d+) +\|$/gm,
  ),
];

test("the table of ends has rows", () => expect(rows.length).toBe(11));

test.each(rows)("%s", (_row, whole, zeros = "0", other = "0", kind, offset, safeOffset) => {
  const torn = new Uint8Array(Number(whole) + Number(zeros) + Number(other));
  torn.set(file.subarray(0, Number(whole)));
  torn.fill(0x78, torn.length - Number(other));
  const reader = new AofReader();
  reader.read(torn, new DataView(torn.buffer), 0, torn.length, new ArgVector());
  const damage = reader.finish();
  expect([damage?.kind ?? "good", reader.offset, reader.safeOffset]).toEqual([
    kind,
    Number(offset),
    Number(safeOffset),
  ]);
});
