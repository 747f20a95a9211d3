/** kv-server on a Node that can run it. */
import { inlineMore, loadProgram } from "./program.mjs";

await loadProgram(`${import.meta.dirname}/../dist`).main();
// The cache has been read by now.
inlineMore();
