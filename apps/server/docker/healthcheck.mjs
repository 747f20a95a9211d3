/**
 * The health check of the image: exit code 0 when the server answers a PING. A demand for a password
 * is an answer; that it is still loading is none yet.
 *
 * KV_PORT says where, if not at 6379.
 */
import { connect } from "node:net";
import process from "node:process";

const socket = connect(Number(process.env.KV_PORT ?? 6379), "127.0.0.1");
socket.on("connect", () => socket.write("PING\r\n"));
socket.on("data", (reply) => end(/^(\+PONG|-NOAUTH)/.test(String(reply)) ? 0 : 1, reply));
socket.on("error", (error) => end(1, error.message));
socket.on("close", () => end(1, "the connection was closed"));
socket.setTimeout(2000, () => end(1, "no answer within 2 seconds"));

function end(code, reason) {
  if (code !== 0) process.stderr.write(`${reason}\n`);
  process.exit(code);
}
