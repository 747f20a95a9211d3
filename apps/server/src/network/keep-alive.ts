/** Whether the peer of a silent connection is still there, as `tcp-keepalive` has it asked. */
import type { Socket } from "node:net";

/** Unanswered questions in a row that end the connection. */
const QUESTIONS = 3;

/**
 * Asks after so many seconds of silence, and then each third of them: a peer that is gone is known to be
 * when twice the time has passed, and a cable may be out for as long as the time itself. 0: never.
 */
export function keepAlive(socket: Pick<Socket, "setKeepAlive">, seconds: number): void {
  if (seconds === 0) return;
  const intervalSeconds = Math.max(1, Math.floor(seconds / QUESTIONS));
  socket.setKeepAlive(true, seconds * 1000, intervalSeconds * 1000, QUESTIONS);
}
