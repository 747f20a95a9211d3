/** kv-server on a Node that can run it. */
import { fileURLToPath } from "node:url";
import { loadProgram } from "./program.mjs";

await loadProgram(fileURLToPath(new URL("../dist", import.meta.url))).main();
