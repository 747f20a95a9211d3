import { afterEach, expect, test, vi } from "vitest";
import { hasRoomForThread } from "./room.ts";

afterEach(() => vi.unstubAllGlobals());

test("there is room for a thread, usually", () => {
  expect(hasRoomForThread()).toBe(true);
});

test("there is none where the system refuses what a thread reserves", () => {
  vi.stubGlobal(
    "ArrayBuffer",
    class {
      constructor() {
        throw new RangeError("Array buffer allocation failed");
      }
    },
  );
  expect(hasRoomForThread()).toBe(false);
});
