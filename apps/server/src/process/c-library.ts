/**
 * The C library, for the few calls of the operating system that Node has no form of. node:ffi, which Node
 * has since 26.1, calls the one that is loaded anyway. It is experimental: where it is not there, may not be
 * used, or has changed, whoever wants such a call does without.
 */

/** madvise(2). */
export const madviseSignature = {
  madvise: { arguments: ["pointer", "u64", "i32"], return: "i32" },
} as const;

/**
 * Has `use` call its functions of these signatures, and returns what that comes to; undefined where this
 * Node has no node:ffi. Throws what node:ffi throws.
 */
export function withLibrary<Wanted extends Signatures, Result>(
  signatures: Wanted,
  use: (functions: Opened<Wanted>["functions"]) => Result,
): Result | undefined {
  const library = openLibrary(signatures);
  if (library === null) return undefined;
  try {
    return use(library.functions);
  } finally {
    library.lib.close();
  }
}

function openLibrary<Wanted extends Signatures>(signatures: Wanted) {
  const foreign = ffi();
  if (foreign === undefined) return null;
  return withoutWarnings(() => foreign.dlopen(null, signatures));
}

type Signatures = Parameters<Ffi["dlopen"]>[1];
type Opened<Wanted extends Signatures> = NonNullable<ReturnType<typeof openLibrary<Wanted>>>;

type Ffi = NonNullable<ReturnType<typeof ffi>>;

/**
 * The module itself; undefined where this Node has none. And in a realm that is not the runtime's, as in Jest:
 * there `process` is a copy, and the warning of the module could not be held back.
 */
export function ffi() {
  if (!(process.hrtime instanceof Function)) return undefined;
  return withoutWarnings(() => process.getBuiltinModule("node:ffi"));
}

/** Node tells standard error that the module is experimental; operators have no use for that. */
function withoutWarnings<T>(load: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
