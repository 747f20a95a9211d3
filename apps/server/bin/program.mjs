/**
 * The program in one file, together with what V8 made of it when it was built.
 *
 *      dist/program.cjs    a function that holds all modules of the server
 *      dist/program.cache  their functions that a start needs, compiled: see compile-program.mjs
 *
 * Finding, reading and compiling hundreds of modules is most of what a start would take. V8 refuses the
 * cache where it is of another version, other flags or another processor, and compiles anew: that
 * takes longer and is no different otherwise.
 */

// Not by `import`, which reads every property of a module and so loads what stands behind some.
const { readFileSync } = process.getBuiltinModule("node:fs");
const { createRequire } = process.getBuiltinModule("node:module");
const { join } = process.getBuiltinModule("node:path");
const v8 = process.getBuiltinModule("node:v8");
const { Script } = process.getBuiltinModule("node:vm");

/** What the program requires of Node while it is evaluated. */
export const nodeModules = "fs module net os path stream timers tty url util".split(" ");

/** Loads the program from `folder`. `isCompiled`: the cache was there and fits. */
export function loadProgram(folder) {
  // Files, name look-ups and compression share the thread pool with fsync; four threads are few.
  // libuv reads this when the pool is first used, so it comes before everything else.
  process.env.UV_THREADPOOL_SIZE ??= "8";

  // The heap is small, so collecting it on one thread takes less time than waking helpers for it,
  // who may have to wait for a processor first.
  v8.setFlagsFromString("--no-parallel-scavenge");

  const filename = join(folder, "program.cjs");
  const text = readFileSync(filename);
  const cachedData = cacheIn(folder);
  // The build leaves nothing in it but ASCII, which is read fastest so.
  const script = new Script(text.latin1Slice(), { filename, cachedData });
  giveUp(text);
  if (cachedData !== undefined) giveUp(cachedData);
  const program = script.runInThisContext();
  const module = { exports: {} };
  withFewCollections(() => program(createRequire(filename), module, filename));
  const isCompiled = cachedData !== undefined && !script.cachedDataRejected;
  return { main: module.exports.main, isCompiled, script };
}

/**
 * Nearly all that the program makes while it is evaluated stays. The heap for new things begins with 1 MiB,
 * and copying them each time that it is full and doubled takes a fifth of the evaluation: this lets it grow
 * at once. What V8 made of Node's modules it takes only while its flags are as they were, so those come first.
 */
function withFewCollections(evaluate) {
  for (const name of nodeModules) process.getBuiltinModule(name);
  v8.setFlagsFromString("--semi-space-growth-factor=8");
  try {
    evaluate();
  } finally {
    v8.setFlagsFromString("--semi-space-growth-factor=2"); // As V8 has it.
  }
}

function cacheIn(folder) {
  try {
    return readFileSync(join(folder, "program.cache"));
  } catch {
    return undefined;
  }
}

/** Frees the bytes at once: a server at rest collects nothing. What is small shares its memory. */
function giveUp({ buffer, byteLength }) {
  if (buffer.byteLength === byteLength) buffer.transfer(0);
}

/**
 * Lets V8 inline more into Lua's interpreter from now on: that is one large function of WebAssembly which calls
 * small ones all the time. It is beyond any of V8's limits, so nothing would be inlined into it; fields and
 * calls take up to a quarter less so.
 *
 * V8 keeps with what it compiled which flags there were: with these nothing would be found in the cache.
 */
export function inlineMore() {
  v8.setFlagsFromString("--wasm-inlining-budget=30000");
  v8.setFlagsFromString("--wasm-inlining-max-size=1500");
  v8.setFlagsFromString("--wasm-inlining-factor=8");
}
