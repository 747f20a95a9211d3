/**
 * Byte strings: a character for each byte, as the configuration and everything below the apps hold
 * text. The operating system's arguments come and go as Unicode; this is the border.
 */

/** The bytes of `text`, a character each. */
export function byteString(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** What the bytes say, for who reads it. Not for paths: see pathBytes. */
export function textOf(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** A path for node:fs: any bytes, whether they are text or not. */
export function pathBytes(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

/** True when the bytes are UTF-8, so that textOf() loses nothing. */
export function isText(bytes: string): boolean {
  return byteString(textOf(bytes)) === bytes;
}
