/** Requests as a client sends them that does not wait for replies: one behind the other. */
import { encodeRequest } from "@kv/resp";

export function pipeline(requests: readonly (readonly (string | Uint8Array)[])[]): Uint8Array {
  const parts = requests.map((words) => encodeRequest(words));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
