/**
 * Assertions that stay on in production.
 *
 * `assert` guards facts that cost O(1) to check. When one fails we are wrong, not the client and
 * not the world: the server writes a report and stops. Nobody catches an InvariantError to go on.
 */
export class InvariantError extends Error {
  /** "InvariantError", to be told apart in logs. */
  override name = "InvariantError";
}

/** Throws InvariantError when `condition` is false. `message` says what should have been true. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
