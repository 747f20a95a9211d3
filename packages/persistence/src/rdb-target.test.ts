/** What a stranger can build on the reader, with what the package's door gives. */
import { Keyspace } from "@kv/core";
import { expect, test } from "vitest";
import {
  Distinct,
  type RdbInput,
  RdbReader,
  type RdbRecord,
  type RdbTarget,
  rdbTypeName,
  ShortString,
  type Skipper,
  Status,
  skipValue,
  writeSnapshot,
} from "./index.ts";
import { putField, putString } from "./keyspace-contents.ts";

/** Lists the keys of a file; a string's length is looked at, other values are passed over. */
class KeyLister implements RdbTarget {
  readonly lines: string[] = [];
  private readonly seen = new Distinct();
  private readonly key = new ShortString();
  private database = 0;
  private skipper: Skipper | undefined;

  aux(name: ShortString, value: ShortString): void {
    if (name.is("redis-ver")) this.lines.push(`made by ${value.text()}`);
  }

  functions(): string {
    return "no functions here";
  }

  moduleAux(module: string): string {
    return `no ${module} here`;
  }

  selectDatabase(index: number): string {
    this.database = index;
    return "";
  }

  resizeDatabase(): void {}

  begin(record: RdbRecord, input: RdbInput): Status {
    const { bytes, start, end } = record.key;
    this.key.set(bytes, start, end);
    this.skipper = skipValue(input, record.type, this.seen);
    input.moveMark();
    const status = this.more(record, input);
    return status === Status.MORE ? Status.PART : status;
  }

  more(record: RdbRecord, input: RdbInput): Status {
    const { value, done } = (this.skipper as Skipper).next();
    if (!done) {
      input.moveMark();
      return value;
    }
    const expiry = record.expiryMs === -1 ? "" : ` until ${record.expiryMs}`;
    this.lines.push(`${this.database}: ${this.key.text()} (${rdbTypeName(record.type)})${expiry}`);
    return Status.OK;
  }

  end(checksum: string): void {
    this.lines.push(`checksum ${checksum}`);
  }

  abandon(): void {}
}

test("a target of one's own lists the keys of a file, however it is cut", () => {
  const keyspace = new Keyspace({ random32: () => 5 });
  const [first, , third] = keyspace.databases;
  putString(first, "a", "hello".repeat(100), 1_700_000_000_000);
  for (let i = 0; i < 300; i++) putField(third, "large", `f${i}`, "v");
  putField(third, "small", "f", "v");
  const parts: number[] = [];
  const facts = { redisVersion: "7.2.5", nowMs: 0, usedMemoryBytes: 1 };
  writeSnapshot(keyspace, (bytes, start, end) => parts.push(...bytes.subarray(start, end)), {
    facts,
  });
  const file = Uint8Array.from(parts);
  for (const step of [1, 7, file.length]) {
    const lister = new KeyLister();
    const reader = new RdbReader(lister);
    for (let at = 0; at < file.length; at += step)
      reader.feed(file, at, Math.min(at + step, file.length));
    expect(reader.finish()).toBeUndefined();
    expect(lister.lines.sort()).toEqual([
      "0: a (string) until 1700000000000",
      "2: large (hash-hashtable)",
      "2: small (hash-listpack)",
      "checksum right",
      "made by 7.2.5",
    ]);
  }
  const cut = new RdbReader(new KeyLister());
  cut.feed(file, 0, file.length - 1);
  expect(cut.finish()?.reason).toContain("EOF");
});
