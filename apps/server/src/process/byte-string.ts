/**
 * Byte strings: a character for each byte, as the configuration and everything below the apps hold
 * text. The operating system's arguments and paths come and go as Unicode; this is the border.
 */

/** The bytes of `text`, a character each. */
export function byteString(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** What the bytes say: a path for node:fs, say. */
export function textOf(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}
