/** @kv/lua/testing: scripts made from a seed, for tests of whatever runs them. */

export { PRELUDE, ScriptMaker } from "./made-scripts.ts";
