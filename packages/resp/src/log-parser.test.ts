import { describe, expect, test } from "vitest";
import { ArgVector } from "./arg-vector.ts";
import { RequestLogReader } from "./log-parser.ts";
import { defaultRequestLimits, ReadStatus } from "./request-limits.ts";
import { latin1, latin1Bytes } from "./text.ts";

/** Reads a log in pieces; the requests, annotations, and the byte at fault counted from the start. */
function read(log: string, pieceBytes = log.length) {
  const seen: string[] = [];
  const annotations: string[] = [];
  const reader = new RequestLogReader(defaultRequestLimits(), (bytes, start, end) =>
    annotations.push(latin1(bytes, start, end)),
  );
  const batch = new ArgVector();
  let receivedBytes = 0;
  let wrongAt: number | undefined;
  let faultyAt: number | undefined;
  for (let at = 0; at < log.length && wrongAt === undefined; at += pieceBytes) {
    const piece = latin1Bytes(log.slice(at, at + pieceBytes));
    receivedBytes += piece.length;
    batch.clear();
    const view = new DataView(piece.buffer);
    const status = reader.read(piece, view, 0, piece.length, batch);
    for (let i = 0; i < batch.commandCount; i++)
      seen.push(latin1(batch.bytes, batch.requestStart[i], batch.requestEnd[i]));
    if (status !== ReadStatus.ERROR) continue;
    const batchStart = receivedBytes - reader.pendingBytes - reader.batchEnd;
    wrongAt = batchStart + reader.wrongAt;
    faultyAt = batchStart + reader.faultyAt;
    // Nothing is read behind it.
    batch.clear();
    expect(reader.read(piece, view, 0, piece.length, batch)).toBe(ReadStatus.ERROR);
    expect(reader.more(batch)).toBe(ReadStatus.ERROR);
    expect(batch.commandCount).toBe(0);
  }
  return { seen, annotations, wrongAt, faultyAt };
}

const PING = "*1\r\n$4\r\nPING\r\n";
const SET = "*3\r\n$3\r\nSET\r\n$10\r\n0123456789\r\n$0\r\n\r\n";

describe("a log of requests", () => {
  test("has annotations between them, in any pieces", () => {
    const log = `#one\r\n${PING}#\n#two 'x\r\n${SET}`;
    for (const pieceBytes of [1, 2, 5, 1000])
      expect(read(log, pieceBytes)).toMatchObject({
        seen: [PING, SET],
        annotations: ["#one\r\n", "#\n", "#two 'x\r\n"],
        wrongAt: undefined,
      });
  });

  test("is wrong at one byte, whatever the pieces", () => {
    for (let at = 0; at < SET.length; at++) {
      // Any byte may stand in an argument.
      const isIn = (word: string) =>
        at >= SET.indexOf(word) && at < SET.indexOf(word) + word.length;
      if (isIn("SET") || isIn("0123456789")) continue;
      const log = `${PING}${SET.slice(0, at)}x${SET.slice(at + 1)}${PING}`;
      for (const pieceBytes of [1, 3, 1000])
        expect(read(log, pieceBytes), `byte ${at}, pieces of ${pieceBytes}`).toMatchObject({
          seen: [PING],
          faultyAt: PING.length,
          wrongAt: PING.length + at,
        });
    }
  });
});
