import { expect, test } from "vitest";
import { keepAlive } from "./keep-alive.ts";

test.each([
  { seconds: 0, asked: [] },
  { seconds: 1, asked: [[true, 1000, 1000, 3]] },
  { seconds: 10, asked: [[true, 10_000, 3000, 3]] },
  { seconds: 300, asked: [[true, 300_000, 100_000, 3]] },
])("of $seconds seconds, three questions take as long again", ({ seconds, asked }) => {
  const calls: unknown[][] = [];
  const socket = { setKeepAlive: (...args: unknown[]) => void calls.push(args) };
  keepAlive(socket as never, seconds);
  expect(calls).toEqual(asked);
});
