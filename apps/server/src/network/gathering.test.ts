/** Small pieces that come close together are read together. */
import { expect, test } from "vitest";
import { Gathering } from "./gathering.ts";
import type { realTimers } from "./real-timers.ts";

/** A socket that counts how often it is read again, and a clock that is moved by hand. */
function gathering() {
  const socket = { destroyed: false, isPaused: () => false, resumed: 0, resume: () => socket };
  socket.resume = () => {
    socket.resumed++;
    return socket;
  };
  let nowMs = 1000;
  const due: (() => void)[] = [];
  const timers = {
    monotonicMs: () => nowMs,
    setTimeout: (run: () => void) => due.push(run),
  } as unknown as typeof realTimers;
  const gathering = new Gathering(
    socket as unknown as ConstructorParameters<typeof Gathering>[0],
    timers,
  );
  return {
    socket,
    /** A piece of so many bytes comes so much later; whether reading stops then. */
    piece: (laterMs: number, bytes = 100) => {
      nowMs += laterMs;
      return gathering.begins(bytes);
    },
    /** The pause is over. */
    pauseEnds: () => {
      nowMs += 1.2;
      for (const run of due.splice(0)) run();
    },
    /** How many pauses are not over. */
    pauses: () => due.length,
  };
}

test("a piece that comes alone is followed at once", () => {
  const { piece, pauses } = gathering();
  for (let times = 0; times < 5; times++) expect(piece(0.6)).toBe(false);
  expect(pauses()).toBe(0);
});

test("behind each of many there is a pause, and reading goes on by itself", () => {
  const { piece, pauseEnds, socket } = gathering();
  piece(0);
  for (let times = 1; times <= 5; times++) {
    expect(piece(0.1)).toBe(true);
    pauseEnds();
    expect(socket.resumed).toBe(times);
  }
  // Nothing came during the pause, nor soon behind it.
  expect(piece(0.7)).toBe(false);
});

test("a large piece is followed at once", () => {
  const { piece } = gathering();
  piece(0);
  expect(piece(0.1, 16 * 1024)).toBe(false);
  expect(piece(0.1, 16 * 1024 - 1)).toBe(true);
});

test("who paused the socket, or ended it, is not overruled", () => {
  const { piece, pauseEnds, socket } = gathering();
  piece(0);
  piece(0.1);
  socket.isPaused = () => true;
  pauseEnds();
  expect(socket.resumed).toBe(0);
  socket.isPaused = () => false;
  piece(0.1);
  socket.destroyed = true;
  pauseEnds();
  expect(socket.resumed).toBe(0);
});

test("one that is read again by somebody else has one pause at a time", () => {
  const { piece, pauses } = gathering();
  piece(0);
  expect(piece(0.1)).toBe(true);
  expect(piece(0.1)).toBe(false);
  expect(pauses()).toBe(1);
});
