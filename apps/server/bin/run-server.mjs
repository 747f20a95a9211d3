/** kv-server on a Node that can run it. */
import { loadProgram } from "./program.mjs";

await loadProgram(`${import.meta.dirname}/../dist`).main();
