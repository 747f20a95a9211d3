/** Which of the formats a file is in, and which one is written: by recognition, and by name. */
import {
  type FormatName,
  formats,
  type SnapshotFormat,
  type SnapshotWriterFormat,
  type WrittenFormatName,
  writeOnlyFormats,
} from "./formats.ts";

/** What is written unless told otherwise, and what a file that nobody recognises is taken for. */
const FORMAT_DEFAULT: FormatName = "rdb";

/** The way to write what is asked for by this name. */
export function writerNamed(name: WrittenFormatName = FORMAT_DEFAULT): SnapshotWriterFormat {
  const all: Record<WrittenFormatName, SnapshotWriterFormat> = { ...writeOnlyFormats, ...formats };
  return all[name];
}

/** First bytes of a file after which it is known whose it is. */
export function signatureBytesMax(): number {
  return Math.max(...Object.values(formats).map((format) => format.signatureBytes));
}

/** The format of a file that begins with bytes[start, end). */
export function formatOf(bytes: Uint8Array, start: number, end: number): SnapshotFormat {
  return recognised(bytes, start, end) ?? formats[FORMAT_DEFAULT];
}

/** True when a file that begins with bytes[start, end) is a snapshot, and not something else. */
export function isSnapshot(bytes: Uint8Array, start: number, end: number): boolean {
  return recognised(bytes, start, end) !== undefined;
}

function recognised(bytes: Uint8Array, start: number, end: number): SnapshotFormat | undefined {
  const all: readonly SnapshotFormat[] = Object.values(formats);
  return all.find((format) => format.recognises(bytes, start, end));
}
