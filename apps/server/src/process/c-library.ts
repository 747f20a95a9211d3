/**
 * The C library, for the few calls of the operating system that Node has no form of. node:ffi, which Node
 * has since 26.1, calls the one that is loaded anyway. It is experimental: where it is not there, may not be
 * used, or has changed, whoever wants such a call does without.
 */

/** Opens it, for functions of these signatures; null where that cannot be. Throws what node:ffi throws. */
export function openLibrary<Signatures extends Parameters<Ffi["dlopen"]>[1]>(
  signatures: Signatures,
) {
  const foreign = ffi();
  if (foreign === undefined) return null;
  return withoutWarnings(() => foreign.dlopen(null, signatures));
}

type Ffi = NonNullable<ReturnType<typeof ffi>>;

/** The module itself; undefined where this Node has none. */
export function ffi() {
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
