import { afterEach, describe, expect, it } from "vitest";
import { MemoryRelease, RELEASED_HERE_BYTES_MAX } from "./memory-release.ts";

const MEBIBYTE = 2 ** 20;

function touched(bytes: number): ArrayBuffer {
  const buffer = new ArrayBuffer(bytes);
  new Uint8Array(buffer).fill(1);
  return buffer;
}

async function until(holds: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 10_000; !holds(); ) {
    if (performance.now() > endMs) throw new Error("waited for ten seconds");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe("memory that goes back to the operating system", () => {
  let release = new MemoryRelease();
  afterEach(() => {
    release.end();
    release = new MemoryRelease();
  });

  it("goes at once where there is little of it", () => {
    const buffer = touched(64 * 1024);
    release.release(buffer, buffer.byteLength);
    expect(buffer.detached).toBe(true);
    expect(release.passedOnCount).toBe(0);
  });

  it("counts what was touched, not what was asked for", () => {
    const buffer = new ArrayBuffer(256 * MEBIBYTE);
    release.release(buffer, 4096);
    expect(buffer.detached).toBe(true);
    expect(release.passedOnCount).toBe(0);
  });

  it("goes at once where there is no room for another thread: to try would be the end of this one", () => {
    release = new MemoryRelease(() => false);
    const buffer = touched(RELEASED_HERE_BYTES_MAX + 4096);
    release.release(buffer, buffer.byteLength);
    expect(buffer.detached).toBe(true);
    expect(release.passedOnCount).toBe(0);
  });

  it("goes by another thread where there is much", async () => {
    const buffers = [touched(200 * MEBIBYTE), touched(RELEASED_HERE_BYTES_MAX + 4096)];
    const before = process.memoryUsage.rss();
    for (const buffer of buffers) release.release(buffer, buffer.byteLength);
    expect(buffers.every(({ detached }) => detached)).toBe(true);
    expect(release.passedOnCount).toBe(2);
    await until(() => process.memoryUsage.rss() < before - 150 * MEBIBYTE);
  });

  it("goes also when the thread has ended meanwhile, and by a new one", async () => {
    const first = touched(200 * MEBIBYTE);
    const before = process.memoryUsage.rss();
    release.release(first, first.byteLength);
    release.end();
    await until(() => process.memoryUsage.rss() < before - 150 * MEBIBYTE);
    const second = touched(8 * MEBIBYTE);
    release.release(second, second.byteLength);
    expect(second.detached).toBe(true);
    expect(release.passedOnCount).toBe(2);
  });
});
