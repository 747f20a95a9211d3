/** What something is, for the message about an argument of the wrong type: "undefined", "a boolean", "Date". */
export function typeName(given: unknown): string {
  if (given === undefined || given === null) return String(given);
  if (typeof given !== "object") return `a ${typeof given}`;
  return given.constructor?.name || "an object";
}

/** Also of another realm, as in a test that runs in a context of its own: its class is another one there. */
export function isBytes(given: unknown): given is Uint8Array {
  if (given instanceof Uint8Array) return true;
  return (
    ArrayBuffer.isView(given) && Object.prototype.toString.call(given) === "[object Uint8Array]"
  );
}
