/**
 * Bytes and errors of another realm. A test that runs in a context of its own (`node:vm`, as Jest makes
 * one), or a page with a frame, has classes of its own; what comes from outside is made of others of the same
 * names, and `instanceof` does not know it.
 */

/** Also of another realm. */
export function isBytes(value: unknown): value is Uint8Array {
  return (
    value instanceof Uint8Array || (ArrayBuffer.isView(value) && isCalled(value, "Uint8Array"))
  );
}

/** What the runtime or a class of errors made, also of another realm. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || isCalled(value, "Error");
}

/** As the runtime throws it where something is too large, also by functions of another realm. */
export function isRangeError(value: unknown): boolean {
  return (
    value instanceof RangeError || (isCalled(value, "Error") && nameOf(value) === "RangeError")
  );
}

function isCalled(value: unknown, name: string): boolean {
  return Object.prototype.toString.call(value) === `[object ${name}]`;
}

const nameOf = (value: unknown) => (value as Error).name;
