/** kv-server on a Node that can run it. */
import { inlineMore, loadProgram } from "./program.mjs";

await loadProgram(`${import.meta.dirname}/../dist`).main();
// It serves by now.
inlineMore();
