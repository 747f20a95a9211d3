import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RecordLog } from "./record-log.ts";

function add(log: RecordLog, size: number, mark: number): void {
  const start = log.begin(size + 10); // Whoever does not know the size yet asks for more.
  log.bytes.fill(mark, start, start + size);
  log.commit(start + size);
}

/** What the log shows: size and mark of each record. */
function shown(log: RecordLog, count = Number.POSITIVE_INFINITY): [number, number][] {
  const found: [number, number][] = [];
  log.each(count, (bytes, view, start) => {
    const size = view.getUint32(start - 4, true);
    const mark = size === 0 ? 0 : (bytes[start] as number);
    const isWhole = bytes.subarray(start, start + size).every((byte) => byte === mark);
    found.push([size, isWhole ? mark : -1]);
  });
  return found;
}

describe("RecordLog", () => {
  test("shows what an array would that is added to in front and cut off behind", () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({
          size: fc.integer({ min: 0, max: 9000 }),
          mark: fc.integer({ max: 255, min: 1 }),
        }),
        fc.record({ trim: fc.integer({ min: 0, max: 40 }) }),
        fc.record({ clear: fc.constant(true) }),
      ),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 90 }), (all, limit) => {
        const log = new RecordLog(2 ** 30);
        let model: [number, number][] = [];
        for (const step of all) {
          if ("size" in step) {
            add(log, step.size, step.mark);
            model = [[step.size, step.size === 0 ? 0 : step.mark], ...model];
          } else if ("trim" in step) {
            log.trim(step.trim);
            model = model.slice(0, step.trim);
          } else {
            log.clear();
            model = [];
          }
          expect(log.count).toBe(model.length);
          expect(log.count === 0 && log.keptBytes > 0).toBe(false);
        }
        expect(shown(log, limit)).toEqual(model.slice(0, limit));
      }),
    );
  });

  test("takes no more memory than it may, and forgets the oldest for it", () => {
    const log = new RecordLog(2 ** 18);
    for (let i = 0; i < 20_000; i++) add(log, 100, i % 251);
    expect(log.keptBytes).toBeLessThanOrEqual(2 ** 18);
    expect(log.count).toBeGreaterThan(1000);
    const all = shown(log);
    expect(all.length).toBe(log.count);
    expect(all.map(([, mark]) => mark).slice(0, 3)).toEqual([
      19_999 % 251,
      19_998 % 251,
      19_997 % 251,
    ]);
  });

  test("a record larger than all it may take stands alone", () => {
    const log = new RecordLog(1000);
    for (let mark = 1; mark < 4; mark++) add(log, 100_000, mark);
    expect(shown(log)).toEqual([[100_000, 3]]);
  });
});
