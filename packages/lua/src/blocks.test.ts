/** The blocks that Lua's values are in, against a map of what each should hold. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { Core } from "./core.ts";
import { luaModule } from "./node.ts";

const MIB = 2 ** 20;

interface Block {
  address: number;
  size: number;
  fill: number;
}

/** A machine of its own, and what gives and takes its blocks: tag, address, size before, size after. */
function machine() {
  const core = new Core({
    module: luaModule(),
    memoryBytesMax: 64 * MIB,
    due: () => 0,
    dueWithin: () => 0,
    suspend: async () => {},
  });
  const { allocate } = core.stack.glue as unknown as {
    allocate(tag: number, address: number, before: number, after: number): number;
  };
  return { core, allocate };
}

const size = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 240, max: 280 }),
  fc.integer({ min: 1, max: 3000 }),
);

test("a block keeps its bytes while it lives, whatever is given back meanwhile", () => {
  const { core, allocate } = machine();
  const idle = core.usedBytes;
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ what: fc.constantFrom("new", "new", "free", "resize"), size, pick: fc.nat() }),
        { maxLength: 300 },
      ),
      (steps) => {
        const blocks: Block[] = [];
        let fill = 0;
        const { stack } = core;
        const holds = ({ address, fill }: Block, size: number) => {
          const bytes = stack.bytes.subarray(address, address + size);
          expect(bytes.every((byte) => byte === fill)).toBe(true);
        };
        for (const { what, size, pick } of steps) {
          const block = blocks[pick % blocks.length];
          if (what === "new" || block === undefined) {
            fill = (fill + 1) & 0xff;
            const address = allocate(0, 0, 0, size);
            stack.bytes.fill(fill, address, address + size);
            blocks.push({ address, size, fill });
            continue;
          }
          holds(block, block.size);
          if (what === "free") {
            expect(allocate(0, block.address, block.size, 0)).toBe(0);
            blocks.splice(pick % blocks.length, 1);
            continue;
          }
          block.address = allocate(0, block.address, block.size, size);
          holds(block, Math.min(block.size, size));
          stack.bytes.fill(block.fill, block.address, block.address + size);
          block.size = size;
        }
        const sum = blocks.reduce((sum, { size }) => sum + size, 0);
        expect(core.usedBytes - idle).toBe(sum);
        for (const block of blocks) {
          holds(block, block.size);
          allocate(0, block.address, block.size, 0);
        }
        expect(core.usedBytes).toBe(idle);
      },
    ),
    { numRuns: 300 },
  );
});

test("what is kept of freed blocks is bounded: sizes that change take no more memory", () => {
  const { core, allocate } = machine();
  const fillWith = (size: number) => {
    const addresses: number[] = [];
    for (let bytes = 0; bytes < 8 * MIB; bytes += size) addresses.push(allocate(0, 0, 0, size));
    for (const address of addresses) allocate(0, address, size, 0);
  };
  fillWith(16);
  const { length } = core.stack.bytes;
  for (let size = 24; size <= 256; size += 8) fillWith(size);
  expect(core.stack.bytes.length).toBeLessThan(length + 4 * MIB);
});

test("beyond the limit nothing is given, and what is there stays", () => {
  const { core, allocate } = machine();
  const address = allocate(0, 0, 0, 100);
  core.setLimit(core.usedBytes + 10);
  expect(allocate(0, 0, 0, 11)).toBe(0);
  expect(allocate(0, address, 100, 111)).toBe(0);
  expect(allocate(0, address, 100, 110)).not.toBe(0);
});
