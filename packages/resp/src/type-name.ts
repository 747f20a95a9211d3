/** What something is, for the message about an argument of the wrong type: "undefined", "a boolean", "Date". */
export function typeName(given: unknown): string {
  if (given === undefined || given === null) return String(given);
  if (typeof given !== "object") return `a ${typeof given}`;
  return given.constructor?.name || "an object";
}
