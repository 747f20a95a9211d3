/** kv-server on a Node that can run it. */
import v8 from "node:v8";

// Files, name look-ups and compression share the thread pool with fsync; four threads are few.
// libuv reads this when the pool is first used, so it comes before everything else.
process.env.UV_THREADPOOL_SIZE ??= "8";

// The heap is small, so collecting it on one thread takes less time than waking helpers for it,
// who may have to wait for a processor first.
v8.setFlagsFromString("--no-parallel-scavenge");

const { main } = await import("../dist/main.js");
await main();
